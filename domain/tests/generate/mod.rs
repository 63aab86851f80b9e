//! Prices and sessions for property tests. Energies have four decimals at every whole minute, for the other engine takes no more.

use proptest::prelude::*;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use stromtor_domain::{
    Timestamp,
    billing::usage::{Reading, Usage},
    money::{Amount, Kwh},
    tariff::price::PowerPrice,
};

fn amount(most: i64) -> impl Strategy<Value = Amount> {
    (0..most).prop_map(|units| Amount::round(Decimal::new(units, 4)))
}

fn clock() -> impl Strategy<Value = String> {
    (0..480_u32).prop_map(|three| format!("{:02}:{:02}", three * 3 / 60, three * 3 % 60))
}

fn restrictions() -> impl Strategy<Value = Value> {
    let days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let kwh = || prop::option::of(1..40_i64);
    let minutes = || prop::option::of((0..160_i64).prop_map(|three| three * 3));
    (
        prop::option::of((clock(), clock())),
        prop::option::of(prop::sample::subsequence(days.to_vec(), 1..7)),
        prop::option::of((0..28_i64, 1..10_i64)),
        (kwh(), kwh()),
        (prop::option::of(1..30_i64), prop::option::of(1..60_i64)),
        (minutes(), minutes()),
    )
        .prop_map(|(times, days, dates, kwh, power, minutes)| {
            let mut all = json!({});
            if let Some((start, end)) = times {
                (all["start_time"], all["end_time"]) = (start.into(), end.into());
            }
            if let Some(days) = days {
                all["days_of_week"] = json!(days);
            }
            if let Some((first, days)) = dates {
                all["start_date"] = format!("2026-10-{:02}", first.min(27) + 1).into();
                all["end_date"] = format!("2026-11-{:02}", days).into();
            }
            let text = |value: Option<i64>| value.map_or(Value::Null, |value| value.to_string().into());
            (all["min_kwh"], all["max_kwh"]) = (text(kwh.0), text(kwh.1));
            (all["min_power_kw"], all["max_power_kw"]) = (text(power.0), text(power.1));
            (all["from_minute"], all["until_minute"]) = (json!(minutes.0), json!(minutes.1));
            all.as_object_mut().unwrap().retain(|_, value| !value.is_null());
            all
        })
}

fn element() -> impl Strategy<Value = Value> {
    let price = |most| prop::option::of(amount(most));
    (restrictions(), price(9000), price(3000), price(3000), price(3000), price(50_000)).prop_map(
        |(restrictions, kwh, minute, charging, idle, fee)| {
            let mut element = json!({ "restrictions": restrictions, "per_kwh": kwh, "per_minute": minute,
                "per_charging_minute": charging, "per_idle_minute": idle, "session_fee": fee });
            element.as_object_mut().unwrap().retain(|_, value| !value.is_null());
            element
        },
    )
}

/// A price of any shape that the API takes.
pub fn price() -> impl Strategy<Value = PowerPrice> {
    let step = |steps: Vec<i32>| prop::option::of(prop::sample::select(steps));
    (
        (amount(9000), prop::option::of(amount(3000)), prop::option::of(0..200_i32), prop::option::of(amount(50_000))),
        prop::collection::vec(element(), 0..4),
        (step(vec![1, 100, 1000, 5000]), step(vec![1, 60, 900, 3600])),
        (prop::option::of(0..100_000_i64), prop::option::of(0..300_000_i64)),
    )
        .prop_map(|((per_kwh, per_minute, from_minute, session_fee), elements, steps, (least, more))| {
            let limit = |units: i64| Amount::round(Decimal::new(units, 4));
            PowerPrice {
                per_minute,
                from_minute: from_minute.map(|minute| minute * 3).filter(|_| per_minute.is_some()),
                session_fee,
                elements: elements.into_iter().map(|element| serde_json::from_value(element).unwrap()).collect(),
                energy_step_wh: steps.0,
                time_step_s: steps.1,
                min_price: least.map(limit),
                max_price: more.map(|more| limit(least.unwrap_or(0) + more)),
                ..PowerPrice::energy(per_kwh)
            }
        })
        .prop_filter("a price that the API takes", |price| price.check("").is_ok())
}

/// Stretches of three minutes at 0, 2, 4, 20 and 40 kW, in the weeks around the end of summer time.
pub fn usage() -> impl Strategy<Value = Usage> {
    let stretch = (prop::sample::select(vec![0_i64, 50, 100, 500, 1000]), 1..40_i64);
    (0..10_080_i64, prop::collection::vec(stretch, 1..8)).prop_map(|(start, stretches)| {
        let (mut at_s, mut units, mut course) = (0, 0, Vec::new());
        for (pace, threes) in stretches {
            at_s += threes * 180;
            units += threes * 20 * pace;
            course.push(Reading { at_s, energy: Kwh::round(Decimal::new(units, 4)) });
        }
        let first = Timestamp::parse("2026-10-16T00:00:00Z").unwrap();
        Usage {
            started_at: first + chrono::TimeDelta::minutes(start * 3 % 30_240),
            zone: chrono_tz::Europe::Berlin,
            duration_s: at_s,
            energy: Kwh::round(Decimal::new(units, 4)),
            course,
        }
    })
}
