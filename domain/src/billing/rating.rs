//! Rating: what a session costs, component by component (portal function F5). Exact decimals throughout.
//!
//! A component is quantity × price, rounded half up to four decimals. VAT is taken once per rate on the sum of the
//! components, half up to the cent; the gross total is the net sum rounded to the cent plus the VAT.

use poem_openapi::Object;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::{
    money::{Amount, Fixed, Kwh, Percent, Total},
    tariff::tariff::PowerPrice,
};

choice! {
    /// What a component is for.
    pub enum ComponentKind {
        /// Energy, in kWh.
        Energy = "energy",
        /// Time that costs, in minutes.
        Time = "time",
        /// The session itself.
        Session = "session",
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

/// What was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Energy.
    pub energy: Kwh,
    /// From start to end, in seconds; idle time is part of it.
    pub duration_s: i64,
}

/// What it costs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Object)]
pub struct Cost {
    /// Every component; those whose price is zero are shown too.
    pub components: Vec<Component>,
    /// VAT per rate.
    pub vat: Vec<VatLine>,
    /// Sum of the components.
    pub total_net: Amount,
    /// Sum of the VAT.
    pub total_vat: Total,
    /// What is to be paid.
    pub total_gross: Total,
}

/// Rates a session.
#[must_use]
pub fn rate(price: &PowerPrice, usage: Usage, vat: Percent) -> Cost {
    let mut components = vec![component(ComponentKind::Energy, usage.energy.decimal(), price.per_kwh)];
    if let Some(per_minute) = price.per_minute {
        let free_s = i64::from(price.from_minute.unwrap_or_default()) * 60;
        let seconds = Decimal::from((usage.duration_s - free_s).max(0));
        let net = Amount::round(seconds * per_minute.decimal() / Decimal::from(60));
        let quantity = Fixed::round(seconds / Decimal::from(60));
        components.push(Component { kind: ComponentKind::Time, quantity, unit_price: per_minute, net });
    }
    if let Some(fee) = price.session_fee {
        components.push(component(ComponentKind::Session, Decimal::ONE, fee));
    }
    total(components, vat)
}

fn component(kind: ComponentKind, quantity: Decimal, unit_price: Amount) -> Component {
    let net = Amount::round(quantity * unit_price.decimal());
    Component { kind, quantity: Fixed::round(quantity), unit_price, net }
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
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn price(per_kwh: &str, per_minute: Option<&str>, from_minute: Option<i32>, fee: Option<&str>) -> PowerPrice {
        let amount = |text: &str| Amount::parse(text).unwrap();
        PowerPrice {
            per_kwh: amount(per_kwh),
            per_minute: per_minute.map(amount),
            from_minute,
            session_fee: fee.map(amount),
        }
    }

    fn cost(price: &PowerPrice, kwh: &str, duration_s: i64) -> Cost {
        let vat = Percent::parse("19").unwrap();
        rate(price, Usage { energy: Kwh::parse(kwh).unwrap(), duration_s }, vat)
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
                per_kwh: amount(per_kwh), per_minute: Some(amount(per_minute)), from_minute: Some(from),
                session_fee: Some(amount(fee)),
            };
            let usage = Usage { energy: Kwh::round(Decimal::new(kwh_micro, 6)), duration_s: seconds };
            let cost = rate(&price, usage, Percent::parse("19").unwrap());
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
                let usage = Usage { energy: Kwh::round(Decimal::new(kwh, 3)), duration_s };
                rate(&price, usage, Percent::parse("19").unwrap()).total_gross
            };
            prop_assert!(at(kwh + more, seconds + longer) >= at(kwh, seconds));
        }
    }
}
