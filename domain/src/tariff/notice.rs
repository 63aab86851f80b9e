//! When a dearer tariff may begin (portal function F3): one that is more than 7 % dearer than the dearest of the last 30 days
//! needs 30 days' notice.
//!
//! *Dearer* is decided for AC and DC apart, and in two ways, either of which is enough:
//!
//! 1. Price by price: per kWh, per charging minute, per idle minute, per session, least and most price of a session. Of each
//!    the highest counts that the tariff has at any time; the highest before is the highest of all tariffs that held in the
//!    last 30 days. A price that there was none of before (a blocking fee) is dearer by any amount. A most price is none when
//!    it is absent: taking it away is dearer, too.
//! 2. By reference sessions: what they cost net, against the most that they cost by any of the tariffs before. They catch what
//!    no single price shows: a blocking fee that begins earlier, dear hours that grow longer, larger steps. AC: 22 kWh in 2
//!    hours, and the same with 10 idle hours behind; DC: 40 kWh in half an hour, and the same with an idle hour behind. Each
//!    begins at 02:00, 08:00, 14:00 and 20:00 on a Monday and on a Saturday.
//!
//! Exactly 7 % is not more than 7 %. Where no tariff held in the last 30 days there is nothing to be dearer than. Prices are
//! compared without VAT. Another currency cannot be compared: it is refused by itself.

use chrono::TimeDelta;
use poem_openapi::Object;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::price::{Element, PowerPrice};
use crate::{
    Timestamp,
    billing::{
        rating::rate,
        usage::{Reading, Usage},
    },
    money::{Amount, Fixed, Kwh, Percent},
    network::charge_point::CurrentType,
};

/// How long before a tariff that is dearer must be assigned, and how far back what held counts.
pub const NOTICE: TimeDelta = TimeDelta::days(30);

choice! {
    /// What is compared.
    pub enum Compared {
        /// The price per kWh.
        PerKwh = "per_kwh",
        /// The price per minute while energy flows.
        PerChargingMinute = "per_charging_minute",
        /// The price per minute while none flows.
        PerIdleMinute = "per_idle_minute",
        /// The price per session.
        SessionFee = "session_fee",
        /// The least price of a session.
        MinPrice = "min_price",
        /// The most price of a session.
        MaxPrice = "max_price",
        /// A reference session: charged, and gone.
        ReferenceSession = "reference_session",
        /// A reference session with idle time behind it.
        ReferenceSessionIdle = "reference_session_idle",
    }
}

/// What is dearer by more than 7 %.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct Dearer {
    /// What was compared.
    pub compared: Compared,
    /// The dearest of the last 30 days, net.
    pub before: Amount,
    /// By the new tariff, net; absent where a most price is taken away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Amount>,
    /// By how many percent; absent where there was none before or is none after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percent: Option<Fixed<2>>,
}

/// One of an element's prices.
type Pick = fn(&Element) -> Option<Amount>;

/// Everything that is more than 7 % dearer by `after` than by the dearest of `before`.
#[must_use]
pub fn dearer(current: CurrentType, after: &PowerPrice, before: &[&PowerPrice]) -> Vec<Dearer> {
    if before.is_empty() {
        return Vec::new();
    }
    let mut found = Vec::new();
    let highest =
        |price: &PowerPrice, pick: Pick| price.elements().iter().filter_map(pick).max().unwrap_or(Amount::ZERO);
    let picks: [(Compared, Pick); 4] = [
        (Compared::PerKwh, |element| element.energy),
        (Compared::PerChargingMinute, |element| element.charging),
        (Compared::PerIdleMinute, |element| element.idle),
        (Compared::SessionFee, |element| element.flat),
    ];
    for (compared, pick) in picks {
        let most = before.iter().map(|price| highest(price, pick)).max().unwrap_or(Amount::ZERO);
        found.extend(judge(compared, most, highest(after, pick)));
    }
    let least = |price: &PowerPrice| price.min_price.unwrap_or(Amount::ZERO);
    let most = before.iter().map(|price| least(price)).max().unwrap_or(Amount::ZERO);
    found.extend(judge(Compared::MinPrice, most, least(after)));
    found.extend(judge_limit(after.max_price, before));
    for (compared, sessions) in [
        (Compared::ReferenceSession, reference(current, false)),
        (Compared::ReferenceSessionIdle, reference(current, true)),
    ] {
        let worst = sessions.iter().filter_map(|session| {
            let net = |price: &PowerPrice| rate(price, session, Percent::ZERO).total_net;
            let most = before.iter().map(|price| net(price)).max().unwrap_or(Amount::ZERO);
            judge(compared, most, net(after))
        });
        found.extend(worst.max_by_key(|dearer| dearer.percent));
    }
    found
}

fn judge(compared: Compared, before: Amount, after: Amount) -> Option<Dearer> {
    let hundred = Decimal::ONE_HUNDRED;
    let is_dearer = after.decimal() * hundred > before.decimal() * Decimal::from(107);
    is_dearer.then(|| Dearer {
        compared,
        before,
        after: Some(after),
        percent: (before > Amount::ZERO)
            .then(|| Fixed::round((after.decimal() - before.decimal()) * hundred / before.decimal())),
    })
}

/// A most price protects: the dearest before is the highest one, none at all where one of them had none.
fn judge_limit(after: Option<Amount>, before: &[&PowerPrice]) -> Option<Dearer> {
    let limits: Option<Vec<Amount>> = before.iter().map(|price| price.max_price).collect();
    let before = limits?.into_iter().max()?;
    match after {
        Some(after) => judge(Compared::MaxPrice, before, after),
        None => Some(Dearer { compared: Compared::MaxPrice, before, after: None, percent: None }),
    }
}

/// Sessions that the rule of the module's head names; 2026-11-23 is a Monday, 2026-11-28 a Saturday.
fn reference(current: CurrentType, idle: bool) -> Vec<Usage> {
    let (kwh, charging_s, idle_s) = match current {
        CurrentType::Ac => (22, 2 * 3600, 10 * 3600),
        CurrentType::Dc => (40, 1800, 3600),
    };
    let energy = Kwh::round(Decimal::from(kwh));
    let monday = Timestamp::from_millis(1_795_392_000_000);
    let begins = [0, 5].into_iter().flat_map(|day| [2, 8, 14, 20].map(|hour| TimeDelta::hours(day * 24 + hour)));
    begins
        .map(|begin| Usage {
            course: if idle { vec![Reading { at_s: charging_s, energy }] } else { Vec::new() },
            ..Usage::even(monday + begin, chrono_tz::UTC, charging_s + if idle { idle_s } else { 0 }, energy)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn price(value: serde_json::Value) -> PowerPrice {
        let price: PowerPrice = serde_json::from_value(value).unwrap();
        price.check("").unwrap();
        price
    }

    fn ac(after: serde_json::Value, before: &[serde_json::Value]) -> Vec<(Compared, Option<String>)> {
        let before: Vec<PowerPrice> = before.iter().cloned().map(price).collect();
        let found = dearer(CurrentType::Ac, &price(after), &before.iter().collect::<Vec<_>>());
        found.into_iter().map(|one| (one.compared, one.percent.map(|percent| percent.to_string()))).collect()
    }

    use serde_json::json;

    #[test]
    fn the_reference_days_are_what_they_are_said_to_be() {
        let begins: Vec<String> = reference(CurrentType::Ac, false)
            .iter()
            .map(|usage| usage.started_at.utc().format("%a %H").to_string())
            .collect();
        assert_eq!(begins, ["Mon 02", "Mon 08", "Mon 14", "Mon 20", "Sat 02", "Sat 08", "Sat 14", "Sat 20"]);
    }

    #[test]
    fn exactly_seven_percent_is_not_more() {
        let before = [json!({ "per_kwh": "0.5000" })];
        assert_eq!(ac(json!({ "per_kwh": "0.5350" }), &before), []);
        let found = ac(json!({ "per_kwh": "0.5351" }), &before);
        assert_eq!(found[0], (Compared::PerKwh, Some("7.02".into())));
        assert_eq!(ac(json!({ "per_kwh": "0.1000" }), &before), []);
    }

    #[test]
    fn the_first_tariff_is_dearer_than_none() {
        assert_eq!(ac(json!({ "per_kwh": "9" }), &[]), []);
    }

    #[test]
    fn the_dearest_of_those_before_counts_price_by_price() {
        let before = [json!({ "per_kwh": "0.5000" }), json!({ "per_kwh": "0.3000", "session_fee": "1" })];
        assert_eq!(ac(json!({ "per_kwh": "0.5000", "session_fee": "0.5" }), &before), []);
        // Each price was there before, not both at once.
        let found = ac(json!({ "per_kwh": "0.5000", "session_fee": "1" }), &before);
        assert_eq!(
            found.iter().map(|one| one.0).collect::<Vec<_>>(),
            [Compared::ReferenceSession, Compared::ReferenceSessionIdle]
        );
    }

    #[test]
    fn a_price_that_was_none_is_dearer_by_any_amount() {
        let before = [json!({ "per_kwh": "0.5000" })];
        let found = ac(json!({ "per_kwh": "0.5000", "per_minute": "0.0001", "from_minute": 240 }), &before);
        assert_eq!(found, [(Compared::PerChargingMinute, None), (Compared::PerIdleMinute, None)]);
        // From free of charge, everything is dearer.
        let found = ac(json!({ "per_kwh": "0.0100" }), &[json!({ "per_kwh": "0" })]);
        assert_eq!(found[0], (Compared::PerKwh, None));
    }

    #[test]
    fn a_blocking_fee_that_begins_earlier_shows_in_the_reference_session() {
        let before = [json!({ "per_kwh": "0.1000", "per_minute": "0.0200", "from_minute": 600 })];
        let found = ac(json!({ "per_kwh": "0.1000", "per_minute": "0.0200", "from_minute": 240 }), &before);
        // 22 kWh 2.20 and 2 hours of 1.20 each: 4.60; then 8 hours: 11.80.
        assert_eq!(found, [(Compared::ReferenceSessionIdle, Some("156.52".into()))]);
    }

    #[test]
    fn dear_hours_that_grow_longer_show_too() {
        let hours = |start: &str| {
            json!({ "per_kwh": "0.3000", "elements": [
                { "restrictions": { "start_time": start, "end_time": "22:00" }, "per_kwh": "0.6000" }] })
        };
        assert_eq!(ac(hours("16:00"), &[hours("16:00")]), []);
        let found = ac(hours("08:00"), &[hours("16:00")]);
        assert_eq!(found[0], (Compared::ReferenceSession, Some("100.00".into())));
    }

    #[test]
    fn a_most_price_taken_away_is_dearer() {
        let before = [json!({ "per_kwh": "0.1000", "max_price": "50" })];
        assert_eq!(ac(json!({ "per_kwh": "0.1000" }), &before), [(Compared::MaxPrice, None)]);
        assert_eq!(ac(json!({ "per_kwh": "0.1000", "max_price": "53.5" }), &before), []);
        assert_eq!(ac(json!({ "per_kwh": "0.1000" }), &[before[0].clone(), json!({ "per_kwh": "0.1" })]), []);
    }
}
