//! Rating: what a session costs, component by component (portal function F5). Exact decimals throughout.
//!
//! A session is cut into parts in which the same elements of the price hold (`billing::usage`). A component is the quantity
//! of all parts of one element × its price, rounded half up to four decimals: how often a session was cut changes nothing.
//! Steps are rounded up once, on the sum, at the element that held last (OCPI 2.2.1 section 11.4.2). A least or most price
//! adds a component with the difference. VAT is taken once on the sum of the components, half up to the cent; the gross
//! total is the net sum rounded to the cent plus the VAT.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use poem_openapi::Object;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::{
    Timestamp,
    billing::usage::{Part, Usage},
    money::{Amount, Fixed, Kwh, Percent, Total},
    tariff::price::{Element, PowerPrice},
};

choice! {
    /// What a component is for.
    pub enum ComponentKind {
        /// Energy, in kWh.
        Energy = "energy",
        /// Time, in minutes: charging and idle alike, or charging alone where idle time has a price of its own.
        Time = "time",
        /// Idle time that has a price of its own, in minutes.
        Idle = "idle",
        /// The session itself.
        Session = "session",
        /// What is missing to the least price of a session.
        MinPrice = "min_price",
        /// What is above the most price of a session; negative.
        MaxPrice = "max_price",
    }
}

/// One cost component, net.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
pub struct Component {
    /// What it is for.
    pub kind: ComponentKind,
    /// How much of it: kWh, minutes, or 1.
    pub quantity: Fixed<6>,
    /// Price of one, net.
    pub unit_price: Amount,
    /// Quantity × price, net.
    pub net: Amount,
}

/// VAT of one rate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
pub struct VatLine {
    /// Rate in percent.
    pub rate: Percent,
    /// Sum it is taken on, net.
    pub net: Amount,
    /// The tax.
    pub vat: Total,
}

/// A part of a session in which the same prices held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
pub struct CostPeriod {
    /// When it began.
    pub started_at: Timestamp,
    /// How long it was, in seconds.
    pub duration_s: i64,
    /// Energy.
    pub energy_kwh: Kwh,
    /// Whether no energy flowed.
    pub idle: bool,
    /// Mean power in kW where it began.
    pub power_kw: Fixed<6>,
}

/// What it costs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Object)]
pub struct Cost {
    /// Every component; of the prices that hold always those that are zero too.
    pub components: Vec<Component>,
    /// VAT per rate.
    pub vat: Vec<VatLine>,
    /// Sum of the components.
    pub total_net: Amount,
    /// Sum of the VAT.
    pub total_vat: Total,
    /// What is to be paid.
    pub total_gross: Total,
    /// The parts of the session, each with the same prices.
    #[serde(default)]
    pub periods: Vec<CostPeriod>,
}

/// Rates a session; `vat` counts where the price has none of its own.
#[must_use]
pub fn rate(price: &PowerPrice, usage: &Usage, vat: Percent) -> Cost {
    let elements = price.elements();
    let parts = usage.parts(&elements);
    let mut components = components(&elements, &quantities(price, &elements, &parts), price.elements.len());
    let sum: Decimal = components.iter().map(|component| component.net.decimal()).sum();
    let least = price.min_price.map(Amount::decimal).filter(|least| sum < *least);
    let most = price.max_price.map(Amount::decimal).filter(|most| sum > *most);
    for (kind, limit) in [(ComponentKind::MinPrice, least), (ComponentKind::MaxPrice, most)] {
        if let Some(limit) = limit {
            components.push(component(kind, Decimal::ONE, Amount::round(limit - sum)));
        }
    }
    let periods = parts.iter().map(|part| CostPeriod {
        started_at: usage.started_at + TimeDelta::seconds(part.at_s),
        duration_s: part.duration_s,
        energy_kwh: Kwh::round(part.energy),
        idle: part.idle,
        power_kw: Fixed::round(part.power_kw),
    });
    Cost { periods: periods.collect(), ..total(components, price.vat.unwrap_or(vat)) }
}

/// How much of what by which element: kWh, seconds, 1.
type Quantities = BTreeMap<(ComponentKind, usize), Decimal>;

fn quantities(price: &PowerPrice, elements: &[Element], parts: &[Part]) -> Quantities {
    let mut quantities = Quantities::new();
    let mut add = |kind, place: Option<usize>, quantity: Decimal| {
        if let Some(place) = place {
            *quantities.entry((kind, place)).or_default() += quantity;
        }
    };
    for part in parts {
        add(ComponentKind::Energy, part.holds.energy, part.energy);
        let seconds = Decimal::from(part.duration_s);
        if part.idle {
            add(idle_kind(elements, part.holds.idle), part.holds.idle, seconds);
        } else {
            add(ComponentKind::Time, part.holds.charging, seconds);
        }
    }
    add(ComponentKind::Session, parts.iter().find_map(|part| part.holds.flat), Decimal::ONE);

    if let Some(step) = price.energy_step_wh {
        let total: Decimal = parts.iter().map(|part| part.energy).sum();
        let last = parts.iter().rev().filter(|part| !part.energy.is_zero()).find_map(|part| part.holds.energy);
        add(ComponentKind::Energy, last, missing(total, Decimal::from(step) / Decimal::ONE_THOUSAND));
    }
    if let Some(step) = price.time_step_s {
        let idle = parts.iter().any(|part| part.idle && part.holds.idle.is_some());
        let of_kind = || parts.iter().filter(|part| part.idle == idle);
        let total: i64 = of_kind().map(|part| part.duration_s).sum();
        let holds = |part: &Part| if idle { part.holds.idle } else { part.holds.charging };
        let last = of_kind().rev().find_map(holds);
        let kind = if idle { idle_kind(elements, last) } else { ComponentKind::Time };
        add(kind, last, missing(total.into(), step.into()));
    }
    quantities
}

/// Idle time that costs what charging costs is the same time.
fn idle_kind(elements: &[Element], place: Option<usize>) -> ComponentKind {
    match place.and_then(|place| elements.get(place)) {
        Some(element) if element.charging == element.idle => ComponentKind::Time,
        _ => ComponentKind::Idle,
    }
}

/// What is missing to the next whole step.
fn missing(total: Decimal, step: Decimal) -> Decimal {
    if step.is_zero() { Decimal::ZERO } else { (total / step).ceil() * step - total }
}

/// In the order of the elements. Those from `always` on are shown when nothing of them was used, too.
fn components(elements: &[Element], quantities: &Quantities, always: usize) -> Vec<Component> {
    let kinds = [ComponentKind::Energy, ComponentKind::Time, ComponentKind::Idle, ComponentKind::Session];
    let mut components = Vec::new();
    for kind in kinds {
        for (place, element) in elements.iter().enumerate() {
            let quantity = quantities.get(&(kind, place)).copied();
            let unit_price = match kind {
                ComponentKind::Energy => element.energy,
                ComponentKind::Time => element.charging.or(element.idle),
                ComponentKind::Idle => element.idle,
                _ => element.flat,
            };
            let shown = place >= always && matches!(kind, ComponentKind::Energy | ComponentKind::Time);
            let quantity = quantity.filter(|quantity| shown || !quantity.is_zero()).or(shown.then_some(Decimal::ZERO));
            if let (Some(quantity), Some(unit_price)) = (quantity, unit_price) {
                components.push(component(kind, quantity, unit_price));
            }
        }
    }
    components
}

/// Seconds are divided last: a sixtieth has no end.
fn component(kind: ComponentKind, quantity: Decimal, unit_price: Amount) -> Component {
    let of = match kind {
        ComponentKind::Time | ComponentKind::Idle => Decimal::from(60),
        _ => Decimal::ONE,
    };
    let net = Amount::round(quantity * unit_price.decimal() / of);
    Component { kind, quantity: Fixed::round(quantity / of), unit_price, net }
}

fn total(components: Vec<Component>, rate: Percent) -> Cost {
    let sum: Decimal = components.iter().map(|component| component.net.decimal()).sum();
    let tax = Total::round(sum * rate.decimal() / Decimal::ONE_HUNDRED);
    let net = Amount::round(sum);
    Cost {
        components,
        vat: vec![VatLine { rate, net, vat: tax }],
        total_net: net,
        total_vat: tax,
        total_gross: Total::round(Total::round(sum).decimal() + tax.decimal()),
        periods: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::billing::usage::Reading;
    use proptest::prelude::*;

    fn price(per_kwh: &str, per_minute: Option<&str>, from_minute: Option<i32>, fee: Option<&str>) -> PowerPrice {
        let amount = |text: &str| Amount::parse(text).unwrap();
        PowerPrice {
            per_minute: per_minute.map(amount),
            from_minute,
            session_fee: fee.map(amount),
            ..PowerPrice::energy(amount(per_kwh))
        }
    }

    fn usage(energy: Kwh, duration_s: i64) -> Usage {
        let began = Timestamp::parse("2026-11-23T10:00:00Z").unwrap();
        Usage::even(began, chrono_tz::Europe::Berlin, duration_s, energy)
    }

    fn cost(price: &PowerPrice, kwh: &str, duration_s: i64) -> Cost {
        rate(price, &usage(Kwh::parse(kwh).unwrap(), duration_s), Percent::parse("19").unwrap())
    }

    #[test]
    fn to_the_cent() {
        // Worked by hand: 11 kWh × 0.49 = 5.39; 75 min, from minute 60: 15 × 0.02 = 0.30; fee 0.50; net 6.19;
        // VAT 1.1761 → 1.18.
        let cost = cost(&price("0.49", Some("0.02"), Some(60), Some("0.50")), "11", 75 * 60);
        let nets: Vec<String> = cost.components.iter().map(|component| component.net.to_string()).collect();
        assert_eq!(nets, ["5.3900", "0.3000", "0.5000"]);
        assert_eq!(
            (cost.total_net.to_string(), cost.total_vat.to_string(), cost.total_gross.to_string()),
            ("6.1900".into(), "1.18".into(), "7.37".into())
        );
    }

    #[test]
    fn the_minute_from_which_time_costs_is_an_edge() {
        let price = price("0", Some("0.06"), Some(1), None);
        for (seconds, net) in [(0, "0.0000"), (60, "0.0000"), (61, "0.0010"), (120, "0.0600")] {
            assert_eq!(cost(&price, "1", seconds).total_net.to_string(), net, "{seconds}");
        }
    }

    /// 10:00 to 14:00 in Berlin, 22 kWh by 12:00 and none after.
    fn half_a_day() -> Usage {
        let reading = |at_s, kwh| Reading { at_s, energy: Kwh::parse(kwh).unwrap() };
        Usage {
            started_at: Timestamp::parse("2026-11-23T09:00:00Z").unwrap(),
            course: vec![reading(3600, "11"), reading(7200, "22"), reading(10_800, "22")],
            ..usage(Kwh::parse("22").unwrap(), 14_400)
        }
    }

    fn shown(cost: &Cost) -> Vec<(&'static str, String, String)> {
        let components = cost.components.iter();
        components.map(|one| (one.kind.as_str(), one.quantity.to_string(), one.net.to_string())).collect()
    }

    fn row(kind: &'static str, quantity: &str, net: &str) -> (&'static str, String, String) {
        (kind, quantity.to_owned(), net.to_owned())
    }

    fn with(elements: serde_json::Value) -> PowerPrice {
        let mut price = serde_json::json!({ "per_kwh": "0.4000" });
        price.as_object_mut().unwrap().extend(elements.as_object().unwrap().clone());
        let price: PowerPrice = serde_json::from_value(price).unwrap();
        price.check("").unwrap();
        price
    }

    fn at_noon(price: &PowerPrice) -> Cost {
        rate(price, &half_a_day(), Percent::parse("19").unwrap())
    }

    #[test]
    fn by_the_clock_where_the_charge_point_stands() {
        // 16.5 kWh until 11:30 are 1.5 h × 11 kW; the rest at 0.30.
        let price = with(serde_json::json!({ "elements": [
            { "restrictions": { "start_time": "11:30", "end_time": "18:00" }, "per_kwh": "0.3000" }] }));
        assert_eq!(
            shown(&at_noon(&price)),
            [row("energy", "5.500000", "1.6500"), row("energy", "16.500000", "6.6000")]
        );
        // Over midnight, and on the right days.
        let night = serde_json::json!({ "start_time": "22:00", "end_time": "11:00", "days_of_week": ["monday"] });
        let price = with(serde_json::json!({ "elements": [{ "restrictions": night, "per_kwh": "0.1000" }] }));
        assert_eq!(shown(&at_noon(&price))[0], row("energy", "11.000000", "1.1000"));
        let other = serde_json::json!({ "days_of_week": ["tuesday"] });
        let price = with(serde_json::json!({ "elements": [{ "restrictions": other, "per_kwh": "0.1000" }] }));
        assert_eq!(shown(&at_noon(&price)), [row("energy", "22.000000", "8.8000")]);
    }

    #[test]
    fn by_energy_power_and_idle_time() {
        let price = with(serde_json::json!({ "elements": [
            { "restrictions": { "min_kwh": "20" }, "per_kwh": "1" },
            { "restrictions": { "min_power_kw": "10" }, "per_minute": "0.0100" },
            { "restrictions": {}, "per_idle_minute": "0.1000" }] }));
        assert_eq!(
            shown(&at_noon(&price)),
            [
                row("energy", "2.000000", "2.0000"),
                row("energy", "20.000000", "8.0000"),
                row("time", "120.000000", "1.2000"),
                row("idle", "120.000000", "12.0000"),
            ]
        );
    }

    #[test]
    fn steps_are_rounded_up_once() {
        let price = with(serde_json::json!({ "per_minute": "0.0200", "from_minute": 60, "energy_step_wh": 5000,
            "time_step_s": 900, "elements": [{ "restrictions": { "min_kwh": "20" }, "per_kwh": "1" }] }));
        // 22 kWh are 25, the missing 3 where the price was 1; idle time 2 h whole already; charging time is not rounded.
        assert_eq!(
            shown(&at_noon(&price)),
            [
                row("energy", "5.000000", "5.0000"),
                row("energy", "20.000000", "8.0000"),
                row("time", "180.000000", "3.6000"),
            ]
        );
    }

    #[test]
    fn least_and_most() {
        let least = with(serde_json::json!({ "min_price": "9.5" }));
        assert_eq!(shown(&at_noon(&least))[1], row("min_price", "1.000000", "0.7000"));
        let most = at_noon(&with(serde_json::json!({ "max_price": "5", "vat": "7" })));
        assert_eq!(shown(&most)[1], row("max_price", "1.000000", "-3.8000"));
        assert_eq!((most.total_net.to_string(), most.total_gross.to_string()), ("5.0000".into(), "5.35".into()));
    }

    #[test]
    fn when_the_clocks_are_put_back() {
        // 2026-10-25 in Berlin: 02:30 comes twice; from 00:00Z to 02:00Z an hour of it is between 02:30 and 03:00 and back.
        let usage = Usage {
            started_at: Timestamp::parse("2026-10-25T00:00:00Z").unwrap(),
            ..usage(Kwh::parse("12").unwrap(), 7200)
        };
        let price = with(serde_json::json!({ "elements": [
            { "restrictions": { "start_time": "02:30", "end_time": "03:00" }, "per_kwh": "1" }] }));
        let cost = rate(&price, &usage, Percent::ZERO);
        assert_eq!(shown(&cost), [row("energy", "6.000000", "6.0000"), row("energy", "6.000000", "2.4000")]);
        assert_eq!(cost.periods.len(), 4);
    }

    #[test]
    fn halves_go_up() {
        // 0.5 kWh × 0.0001 = 0.00005 → 0.0001; 50 × 0.001 net 0.05, VAT 0.0095 → 0.01.
        assert_eq!(cost(&price("0.0001", None, None, None), "0.5", 0).total_net.to_string(), "0.0001");
        assert_eq!(cost(&price("0.001", None, None, None), "50", 0).total_vat.to_string(), "0.01");
    }

    /// The same sum in whole numbers: ten-thousandths of the currency.
    fn by_integers(
        kwh_micro: i128,
        seconds: i128,
        per_kwh: i128,
        per_minute: i128,
        from: i128,
        fee: i128,
    ) -> (i128, i128) {
        let half_up = |numerator: i128, denominator: i128| (2 * numerator + denominator) / (2 * denominator);
        let energy = half_up(kwh_micro * per_kwh, 1_000_000);
        let time = half_up((seconds - from * 60).max(0) * per_minute, 60);
        let net = energy + time + fee;
        (net, half_up(net * 1900, 100 * 100 * 100))
    }

    proptest! {
        #[test]
        fn equals_whole_number_arithmetic(
            kwh_micro in 0_i64..500_000_000, seconds in 0_i64..200_000, per_kwh in 0_i64..50_000,
            per_minute in 0_i64..5_000, from in 0_i32..300, fee in 0_i64..100_000,
        ) {
            let amount = |units: i64| Amount::round(Decimal::new(units, 4));
            let price = PowerPrice {
                per_minute: Some(amount(per_minute)), from_minute: Some(from), session_fee: Some(amount(fee)),
                ..PowerPrice::energy(amount(per_kwh))
            };
            let usage = usage(Kwh::round(Decimal::new(kwh_micro, 6)), seconds);
            let cost = rate(&price, &usage, Percent::parse("19").unwrap());
            let (net, vat) = by_integers(
                kwh_micro.into(), seconds.into(), per_kwh.into(), per_minute.into(), from.into(), fee.into(),
            );
            prop_assert_eq!(cost.total_net.decimal(), Decimal::from_i128_with_scale(net, 4));
            prop_assert_eq!(cost.total_vat.decimal(), Decimal::from_i128_with_scale(vat, 2));
            prop_assert_eq!(
                cost.total_gross.decimal(), Total::round(cost.total_net.decimal()).decimal() + cost.total_vat.decimal()
            );
        }

        #[test]
        fn more_never_costs_less(kwh in 0_i64..100_000, more in 0_i64..100_000, seconds in 0_i64..90_000, longer in 0_i64..90_000) {
            let price = price("0.4900", Some("0.0200"), Some(60), Some("0.3000"));
            let at = |kwh: i64, duration_s: i64| {
                let usage = usage(Kwh::round(Decimal::new(kwh, 3)), duration_s);
                rate(&price, &usage, Percent::parse("19").unwrap()).total_gross
            };
            prop_assert!(at(kwh + more, seconds + longer) >= at(kwh, seconds));
        }
    }
}
