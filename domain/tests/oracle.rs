//! Rating against an engine that we did not write: the crate `ocpi-tariffs`, in a process of its own (`tests/oracle`).
//!
//! It takes numbers with four decimals. So sessions are made of stretches of three minutes and more, at powers whose energies
//! have no more: then both compute the same sum, and differ by our rounding of each component alone.

#![allow(clippy::print_stdout, reason = "says what was compared")]

mod generate;

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
    billing::{
        rating::{ComponentKind, rate},
        usage::{Part, Usage},
    },
    money::{Amount, CurrencyCode, Percent},
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

/// Both engines on one session; the other one by `tariff`.
fn compare(price: &PowerPrice, usage: &Usage, tariff: &Value) -> Result<(), TestCaseError> {
    let cost = rate(price, usage, Percent::parse("19").unwrap());
    let parts = usage.parts(&price.elements());
    let question = json!({ "cdr": cdr(usage, &parts), "tariff": tariff, "time_zone": usage.zone.name() });
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

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn another_engine_has_the_same_sum(price in generate::price(), usage in generate::usage()) {
        compare(&price, &usage, &tariff(&price))?;
    }
}

/// The tariffs of the OCPI specification, in the folder that `OCPI_EXAMPLES` names: its licence keeps them out of this project.
/// They are read as they stand, so this does not go through our own OCPI form.
mod specification {
    use super::*;
    use std::collections::BTreeSet;

    /// Prices an hour become prices a minute: what is sixty times as dear has four decimals.
    const SCALE: i64 = 60;

    fn scaled(value: &Value) -> Value {
        number(value.to_string().parse::<Decimal>().unwrap() * Decimal::from(SCALE))
    }

    /// The same tariff, with our VAT and sixty times as dear; nothing where we have no words for it, with the reason.
    fn read(tariff: &Value) -> Result<Value, &'static str> {
        let mut tariff = tariff.clone();
        // A reservation's price is not a session's.
        let of_sessions = |element: &Value| element["restrictions"].get("reservation").is_none();
        let elements = tariff["elements"].as_array_mut().ok_or("no elements")?;
        elements.retain(of_sessions);
        for element in elements {
            if let Some(restrictions) = element["restrictions"].as_object()
                && restrictions.keys().any(|key| key.ends_with("_current"))
            {
                return Err("prices by current");
            }
            for component in element["price_components"].as_array_mut().ok_or("no components")? {
                component["price"] = scaled(&component["price"]);
                component["vat"] = json!(19);
            }
        }
        for limit in ["min_price", "max_price"] {
            if let Some(amount) = tariff.get(limit).map(|limit| scaled(&limit["excl_vat"])) {
                let gross = number(amount.to_string().parse::<Decimal>().unwrap() * Decimal::new(119, 2));
                tariff[limit] = json!({ "excl_vat": amount, "incl_vat": gross });
            }
        }
        Ok(tariff)
    }

    /// The steps of one kind of component; we have one for all elements.
    fn step(tariff: &Value, kind: &str) -> Result<Option<Value>, &'static str> {
        let elements = tariff["elements"].as_array().into_iter().flatten();
        let components = elements.flat_map(|element| element["price_components"].as_array().into_iter().flatten());
        let steps: BTreeSet<i64> = components
            .filter(|component| component["type"] == kind)
            .filter_map(|component| component["step_size"].as_i64())
            .collect();
        match steps.len() {
            0 => Ok(None),
            1 => Ok(steps.first().map(|step| json!(step))),
            _ => Err("steps differ between elements"),
        }
    }

    /// As we say it. Which of the two time steps counts is the session's matter.
    fn price(tariff: &Value, idle: bool) -> Result<PowerPrice, &'static str> {
        let minute = |price: &Value| number(price.to_string().parse::<Decimal>().unwrap() / Decimal::from(60));
        let text = |value: Value| Value::String(value.to_string());
        let mut elements = Vec::new();
        for element in tariff["elements"].as_array().ok_or("no elements")? {
            let mut ours = json!({ "restrictions": {} });
            for component in element["price_components"].as_array().ok_or("no components")? {
                let price = &component["price"];
                let (name, price) = match component["type"].as_str().ok_or("no type")? {
                    "ENERGY" => ("per_kwh", price.clone()),
                    "TIME" => ("per_charging_minute", minute(price)),
                    "PARKING_TIME" => ("per_idle_minute", minute(price)),
                    _ => ("session_fee", price.clone()),
                };
                ours[name] = text(price);
            }
            for (name, value) in element["restrictions"].as_object().into_iter().flatten() {
                let (name, value) = match name.as_str() {
                    "day_of_week" => {
                        let days = value.as_array().ok_or("no days")?.iter().filter_map(Value::as_str);
                        ("days_of_week", json!(days.map(str::to_lowercase).collect::<Vec<_>>()))
                    }
                    "min_duration" => ("from_minute", json!(value.as_i64().ok_or("no seconds")? / 60)),
                    "max_duration" => ("until_minute", json!(value.as_i64().ok_or("no seconds")? / 60)),
                    "min_power" => ("min_power_kw", text(value.clone())),
                    "max_power" => ("max_power_kw", text(value.clone())),
                    "min_kwh" | "max_kwh" => (name.as_str(), text(value.clone())),
                    _ => (name.as_str(), value.clone()),
                };
                ours["restrictions"][name] = value;
            }
            elements.push(ours);
        }
        let mut price = json!({ "per_kwh": "0", "elements": elements });
        for (name, step) in [
            ("energy_step_wh", step(tariff, "ENERGY")?),
            ("time_step_s", step(tariff, "TIME")?.filter(|_| !idle)),
            ("time_step_s", step(tariff, "PARKING_TIME")?.filter(|_| idle)),
        ] {
            if let Some(step) = step {
                price[name] = step;
            }
        }
        for limit in ["min_price", "max_price"] {
            if let Some(amount) = tariff[limit].get("excl_vat") {
                price[limit] = text(amount.clone());
            }
        }
        serde_json::from_value(price).map_err(|_| "no price of ours")
    }

    #[test]
    fn examples_cost_what_the_other_engine_says() {
        let Some(folder) = std::env::var_os("OCPI_EXAMPLES") else { return };
        let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        let mut compared = 0;
        for file in files {
            let name = file.file_name().unwrap().to_string_lossy().into_owned();
            let Ok(mut example) = serde_json::from_str::<Value>(&std::fs::read_to_string(&file).unwrap()) else {
                continue;
            };
            if !name.starts_with("tariff") || !example["elements"].is_array() {
                continue;
            }
            let rest = json!({ "country_code": "DE", "party_id": "STR", "id": "T", "currency": "EUR",
                "last_updated": "2026-01-01T00:00:00Z" });
            example.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
            // It holds when the sessions are.
            example.as_object_mut().unwrap().remove("end_date_time");
            example.as_object_mut().unwrap().remove("start_date_time");
            let both = read(&example).and_then(|tariff| Ok((price(&tariff, false)?, price(&tariff, true)?, tariff)));
            match both {
                Err(why) => println!("{name}: left out, {why}"),
                Ok((charging, idle, tariff)) => {
                    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
                        cases: 300,
                        failure_persistence: None,
                        ..ProptestConfig::default()
                    });
                    let result = runner.run(&generate::usage(), |usage| {
                        let rests =
                            usage.parts(&charging.elements()).iter().any(|part| part.idle && part.holds.idle.is_some());
                        compare(if rests { &idle } else { &charging }, &usage, &tariff)
                    });
                    result.unwrap_or_else(|error| panic!("{name}: {error}"));
                    println!("{name}: the same");
                    compared += 1;
                }
            }
        }
        assert!(compared > 0, "no tariff was compared");
    }
}
