//! Rating against an engine that we did not write: the crate `ocpi-tariffs`, in a process of its own (`tests/oracle`).
//!
//! It takes numbers with four decimals. So sessions are made of stretches of three minutes and more, at powers whose energies
//! have no more: then both compute the same sum, and differ by our rounding of each component alone.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::PathBuf,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{Mutex, OnceLock},
};

use proptest::prelude::*;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use stromtor_domain::{
    Timestamp,
    billing::{
        rating::{ComponentKind, rate},
        usage::{Part, Reading, Usage},
    },
    money::{Amount, CurrencyCode, Kwh, Percent},
    tariff::{ocpi, price::PowerPrice},
};

struct Oracle {
    _process: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Oracle {
    fn start() -> Self {
        let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("oracle");
        let manifest = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/oracle/Cargo.toml");
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let built = Command::new(cargo)
            .args(["build", "--locked", "--quiet", "--manifest-path"])
            .arg(manifest)
            .arg("--target-dir")
            .arg(&target)
            .status()
            .expect("cargo runs");
        assert!(built.success(), "the oracle builds");
        let mut process = Command::new(target.join("debug/stromtor-oracle"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the oracle starts");
        let questions = process.stdin.take().unwrap();
        let answers = BufReader::new(process.stdout.take().unwrap());
        Self { _process: process, questions, answers }
    }

    fn ask(&mut self, question: &Value) -> Value {
        writeln!(self.questions, "{question}").unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        serde_json::from_str(&answer).unwrap()
    }
}

/// Net and gross as the oracle has it; nothing where nothing that was used has a price.
fn priced(question: &Value) -> Option<(Decimal, Decimal)> {
    static ORACLE: OnceLock<Mutex<Oracle>> = OnceLock::new();
    let answer = ORACLE.get_or_init(|| Mutex::new(Oracle::start())).lock().unwrap().ask(question);
    assert!(answer.get("error").is_none(), "{answer} for {question}");
    let number = |name: &str| answer[name].as_str().map(|text| text.parse().unwrap());
    Some((number("excl_vat")?, number("incl_vat")?))
}

fn number(value: Decimal) -> Value {
    Value::Number(value.normalize().to_string().parse().unwrap())
}

fn cdr(usage: &Usage, parts: &[Part]) -> Value {
    let at = |seconds: i64| (usage.started_at + chrono::TimeDelta::seconds(seconds)).to_ocpp();
    let hours = |seconds: i64| number(Decimal::from(seconds) / Decimal::from(3600));
    let periods: Vec<Value> = parts
        .iter()
        .map(|part| {
            let kind = if part.idle { "PARKING_TIME" } else { "TIME" };
            let mut dimensions = vec![json!({ "type": kind, "volume": hours(part.duration_s) })];
            if !part.energy.is_zero() {
                dimensions.push(json!({ "type": "ENERGY", "volume": number(part.energy) }));
            }
            for kind in ["MIN_POWER", "MAX_POWER"] {
                dimensions.push(json!({ "type": kind, "volume": number(part.power_kw) }));
            }
            json!({ "start_date_time": at(part.at_s), "dimensions": dimensions })
        })
        .collect();
    json!({
        "country_code": "DE", "party_id": "STR", "id": "1", "currency": "EUR",
        "start_date_time": at(0), "end_date_time": at(usage.duration_s), "charging_periods": periods,
        "cdr_location": { "country": "DEU" }, "tariffs": [], "total_cost": { "excl_vat": 0, "incl_vat": 0 },
        "total_time": hours(usage.duration_s), "total_energy": number(usage.energy.decimal()),
        "last_updated": at(usage.duration_s),
    })
}

fn tariff(price: &PowerPrice) -> Value {
    let form = ocpi::form(price, &CurrencyCode::parse("EUR").unwrap(), Percent::parse("19").ok());
    let mut tariff = serde_json::to_value(form).unwrap();
    let rest = json!({ "country_code": "DE", "party_id": "STR", "id": "T", "last_updated": "2026-01-01T00:00:00Z" });
    tariff.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
    tariff
}

/// Both engines on one session.
fn compare(price: &PowerPrice, usage: &Usage) -> Result<(), TestCaseError> {
    let cost = rate(price, usage, Percent::parse("19").unwrap());
    let parts = usage.parts(&price.elements());
    let question = json!({ "cdr": cdr(usage, &parts), "tariff": tariff(price), "time_zone": usage.zone.name() });
    let Some((net, gross)) = priced(&question) else {
        // The oracle asks no least price of such a session; we do (section 11.3.1: "will at least cost this amount").
        let limit = |kind| matches!(kind, ComponentKind::MinPrice | ComponentKind::MaxPrice);
        prop_assert!(cost.components.iter().all(|one| limit(one.kind) || one.net == Amount::ZERO), "{question}");
        return Ok(());
    };
    // Half of the fourth decimal for each component, and the oracle's own.
    let rounding = Decimal::new(5, 5) * Decimal::from(cost.components.len() + 2);
    let off = (cost.total_net.decimal() - net).abs();
    prop_assert!(off <= rounding, "net {} and {net}: {question}", cost.total_net);
    let off = (cost.total_gross.decimal() - gross).abs();
    prop_assert!(off <= Decimal::new(101, 4) + rounding, "gross {} and {gross}: {question}", cost.total_gross);
    Ok(())
}

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

fn price() -> impl Strategy<Value = PowerPrice> {
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
fn usage() -> impl Strategy<Value = Usage> {
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

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn another_engine_has_the_same_sum(price in price(), usage in usage()) {
        compare(&price, &usage)?;
    }
}
