//! What holds of every rating, whatever the price and the session.

#[allow(dead_code, reason = "shared with the comparison with another engine")]
mod generate;

use proptest::prelude::*;
use rust_decimal::Decimal;
use stromtor_domain::{
    billing::{
        rating::{Cost, rate},
        usage::{Reading, Usage},
    },
    money::{Kwh, Percent},
    tariff::{
        price::{PowerPrice, PriceElement},
        restriction::Restrictions,
    },
};

fn cost(price: &PowerPrice, usage: &Usage) -> Cost {
    rate(price, usage, Percent::parse("19").unwrap())
}

/// Whether neither power nor energy decides which element holds: else more of them may rightly cost less.
fn by_time(element: &PriceElement) -> bool {
    let Restrictions { min_kwh, max_kwh, min_power_kw, max_power_kw, .. } = &element.restrictions;
    min_kwh.is_none() && max_kwh.is_none() && min_power_kw.is_none() && max_power_kw.is_none()
}

/// The same session with all energies multiplied.
fn times(usage: &Usage, factor: u32) -> Usage {
    let more = |energy: Kwh| Kwh::round(energy.decimal() * Decimal::from(factor));
    let course = usage.course.iter().map(|one| Reading { energy: more(one.energy), ..*one }).collect();
    Usage { energy: more(usage.energy), course, ..usage.clone() }
}

/// The same session read every three minutes, where energies have no more than four decimals.
fn read_more_often(usage: &Usage) -> Usage {
    let mut course: Vec<Reading> = Vec::new();
    let (mut at_s, mut energy) = (0, Decimal::ZERO);
    for reading in &usage.course {
        let steps = (reading.at_s - at_s) / 180;
        let step = (reading.energy.decimal() - energy) / Decimal::from(steps);
        for _ in 0..steps {
            (at_s, energy) = (at_s + 180, energy + step);
            course.push(Reading { at_s, energy: Kwh::round(energy) });
        }
    }
    Usage { course, ..usage.clone() }
}

/// Two sessions: until the end of the first stretch, and from there on.
fn cut(usage: &Usage) -> Option<(Usage, Usage)> {
    let at = *usage.course.first().filter(|first| first.at_s < usage.duration_s)?;
    let first = Usage { duration_s: at.at_s, energy: at.energy, course: vec![at], ..usage.clone() };
    let rest = |energy: Kwh| Kwh::round(energy.decimal() - at.energy.decimal());
    let later = usage.course.iter().skip(1).map(|one| Reading { at_s: one.at_s - at.at_s, energy: rest(one.energy) });
    let second = Usage {
        started_at: usage.started_at + chrono::TimeDelta::seconds(at.at_s),
        duration_s: usage.duration_s - at.at_s,
        energy: rest(usage.energy),
        course: later.collect(),
        ..usage.clone()
    };
    Some((first, second))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn more_energy_never_costs_less(price in generate::price(), usage in generate::usage(), factor in 2..9_u32) {
        // Missing energy to a whole step costs what the last element says, which may be more than the energy that fills it.
        let price = PowerPrice {
            elements: price.elements.iter().filter(|element| by_time(element)).cloned().collect(),
            energy_step_wh: None,
            ..price
        };
        let (one, more) = (cost(&price, &usage), cost(&price, &times(&usage, factor)));
        prop_assert!(more.total_net >= one.total_net, "{} and {}", one.total_net, more.total_net);
        prop_assert!(more.total_gross >= one.total_gross);
    }

    #[test]
    fn how_often_the_meter_was_read_changes_nothing(price in generate::price(), usage in generate::usage()) {
        let (one, more) = (cost(&price, &usage), cost(&price, &read_more_often(&usage)));
        prop_assert_eq!(one, more);
    }

    #[test]
    fn what_is_charged_in_two_sessions_costs_the_same_but_for_rounding(price in generate::price(), usage in generate::usage()) {
        // What counts from the begin of a session, or once for it, begins anew.
        let restarts = |element: &PriceElement| {
            let Restrictions { from_minute, until_minute, .. } = &element.restrictions;
            from_minute.is_some() || until_minute.is_some() || element.session_fee.is_some() || !by_time(element)
        };
        let price = PowerPrice {
            elements: price.elements.iter().filter(|element| !restarts(element)).cloned().collect(),
            from_minute: None, session_fee: None, energy_step_wh: None, time_step_s: None, min_price: None, max_price: None,
            ..price
        };
        let Some((first, second)) = cut(&usage) else { return Ok(()) };
        let (whole, first, second) = (cost(&price, &usage), cost(&price, &first), cost(&price, &second));
        let off = (whole.total_net.decimal() - first.total_net.decimal() - second.total_net.decimal()).abs();
        let components = whole.components.len() + first.components.len() + second.components.len();
        prop_assert!(off <= Decimal::new(5, 5) * Decimal::from(components), "{off}: {whole:?} {first:?} {second:?}");
    }
}
