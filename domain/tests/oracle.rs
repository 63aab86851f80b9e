//! Rating against an engine that we did not write: the crate `ocpi-tariffs`, in a process of its own (`tests/oracle`).
//!
//! It takes numbers with four decimals. So sessions are made of stretches of three minutes and more, at powers whose energies
//! have no more: then both compute the same sum, and differ by our rounding of each component alone.

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

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn another_engine_has_the_same_sum(price in generate::price(), usage in generate::usage()) {
        compare(&price, &usage)?;
    }
}
