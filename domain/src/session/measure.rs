//! How much energy, from when to when, and whether it may be billed: a pure function over what a session's messages said.

use chrono::TimeDelta;
use poem_openapi::Object;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::{
    Timestamp,
    billing::{cdr::HeldReason, usage::Reading},
    money::{Fixed, Kwh},
    network::tolerance::RegisterMode,
    session::{
        clock,
        finding::{Finding, Findings},
        register,
        report::Sample,
        signed::{self, SignedRecord},
    },
};

choice! {
    /// Where energy and time were taken from.
    pub enum MeasurementSource {
        /// From verified signed readings.
        Signed = "signed",
        /// From plain registers.
        Register = "register",
        /// From what was left after a report was lost or contradicted another.
        Estimated = "estimated",
    }
}

choice! {
    /// What is known under calibration law.
    pub enum CalibrationState {
        /// Every signature was verified.
        Verified = "verified",
        /// There are signed readings, and they could not be verified.
        Failed = "failed",
        /// The station signed nothing.
        NotSigned = "not_signed",
    }
}

/// How a session was measured.
#[derive(
    Debug,
    Clone,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    Object,
    diesel::expression::AsExpression,
    diesel::deserialize::FromSqlRow,
)]
#[oai(skip_serializing_if_is_none)]
#[diesel(sql_type = diesel::sql_types::Jsonb)]
pub struct Measurement {
    /// Where energy and time were taken from.
    pub source: MeasurementSource,
    /// What is known under calibration law.
    pub calibration: CalibrationState,
    /// Why it could not be verified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calibration_reason: Option<String>,
    /// Register at start in Wh.
    pub meter_start_wh: Fixed<6>,
    /// Register at end in Wh.
    pub meter_stop_wh: Fixed<6>,
    /// The public key that the records were checked with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_key: Option<String>,
    /// The signed records, byte for byte.
    pub records: Vec<SignedRecord>,
    /// What was doubtful.
    pub findings: Findings,
}

jsonb!(Measurement);

/// What is known of a session when it is to be measured.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    /// Its begin, as believed.
    pub started_at: Timestamp,
    /// Its end, as believed.
    pub ended_at: Timestamp,
    /// Register at start in Wh.
    pub meter_start: Decimal,
    /// Register at end in Wh; `None` when no end was reported.
    pub meter_stop: Option<Decimal>,
    /// Who charged.
    pub id_tag: Option<&'a str>,
    /// Most power of the charge point in kW.
    pub max_power: Option<Kwh>,
    /// The public key entered for the charge point.
    pub public_key: Option<&'a str>,
    /// Whether time costs.
    pub time_priced: bool,
    /// How the station's register counts, where it is known.
    pub register: Option<RegisterMode>,
    /// What was doubtful already when it was reported.
    pub findings: Findings,
}

/// The readings of one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadingSet {
    /// The station's own time.
    pub at: Timestamp,
    /// The readings.
    pub samples: Vec<Sample>,
}

/// What it amounts to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measured {
    /// Energy.
    pub energy: Kwh,
    /// Begin.
    pub started_at: Timestamp,
    /// End.
    pub ended_at: Timestamp,
    /// What had been used when, in between, as far as plain registers say; they are spread over the session, never summed.
    pub course: Vec<Reading>,
    /// How.
    pub measurement: Measurement,
    /// Why it may not be billed.
    pub held: Option<HeldReason>,
}

/// Measures a session.
#[must_use]
pub fn measure(facts: &Facts<'_>, sets: &[ReadingSet]) -> Measured {
    let mut findings = facts.findings.clone();
    // Late and clock-aligned readings of the time around a session are no part of it.
    let (first, last) = (facts.started_at - TimeDelta::seconds(60), facts.ended_at + TimeDelta::seconds(1));
    let readings: Vec<(Timestamp, Decimal)> = sets
        .iter()
        .filter(|set| (first..=last).contains(&set.at))
        .filter_map(|set| Some((set.at, register::register_wh(&set.samples)?)))
        .collect();
    if sets.iter().any(|set| register::is_unreadable(&set.samples)) {
        findings.note(Finding::UnreadableReading);
    }
    let by_register = register::energy(facts.meter_start, &readings, facts.meter_stop, facts.register, &mut findings);
    let (records, sent_key) = signed_records(sets);

    let mut measured = Measured {
        energy: Kwh::round(by_register.wh / Decimal::ONE_THOUSAND),
        started_at: facts.started_at,
        ended_at: facts.ended_at,
        measurement: Measurement {
            source: MeasurementSource::Register,
            calibration: CalibrationState::NotSigned,
            calibration_reason: None,
            meter_start_wh: Fixed::round(by_register.start),
            meter_stop_wh: Fixed::round(by_register.stop),
            public_key: None,
            records,
            findings: Findings::default(),
        },
        course: Vec::new(),
        held: None,
    };
    let hold = |held: &mut Option<HeldReason>, reason: HeldReason| *held = held.or(Some(reason));
    let measurement = &mut measured.measurement;

    if !measurement.records.is_empty() {
        let key = facts.public_key;
        match signed::prove(&measurement.records, sent_key.as_deref(), key, facts.id_tag, &mut findings) {
            Ok(proven) => {
                let wh = proven.stop_wh - proven.start_wh;
                if (wh - by_register.wh).abs() * Decimal::ONE_HUNDRED > wh.abs() + Decimal::ONE_HUNDRED {
                    findings.note(Finding::SignedEnergyDiffers);
                }
                measured.energy = Kwh::round(wh / Decimal::ONE_THOUSAND);
                measurement.source = MeasurementSource::Signed;
                measurement.calibration = CalibrationState::Verified;
                measurement.meter_start_wh = Fixed::round(proven.start_wh);
                measurement.meter_stop_wh = Fixed::round(proven.stop_wh);
                measurement.public_key = Some(proven.public_key);
                match proven.times {
                    Some((begin, end)) => (measured.started_at, measured.ended_at) = (begin, end),
                    None if facts.time_priced => hold(&mut measured.held, HeldReason::ClockNotBillable),
                    None => {}
                }
            }
            Err((reason, text)) => {
                measurement.calibration = CalibrationState::Failed;
                measurement.calibration_reason = Some(text);
                measurement.public_key = key.map(str::to_owned).or(sent_key);
                hold(&mut measured.held, reason);
            }
        }
    }
    if measurement.source != MeasurementSource::Signed {
        let lost = [
            (Finding::NeverStarted, HeldReason::StartMissing),
            (Finding::StartRegisterUnknown, HeldReason::StartMissing),
            (Finding::NeverStopped, HeldReason::StopMissing),
        ];
        for (finding, reason) in lost {
            if findings.has(finding) {
                measurement.source = MeasurementSource::Estimated;
                hold(&mut measured.held, reason);
            }
        }
        if findings.has(Finding::RegisterReset) || findings.has(Finding::RegisterFell) {
            measurement.source = MeasurementSource::Estimated;
        }
        if !by_register.plausible {
            hold(&mut measured.held, HeldReason::RegisterImplausible);
        }
    }
    if is_too_much(measured.energy, facts.max_power, clock::seconds(measured.started_at, measured.ended_at)) {
        hold(&mut measured.held, HeldReason::EnergyImplausible);
    }
    measured.measurement.findings = findings;
    measured.course = course(measured.started_at, by_register.start, by_register.stop, &readings);
    measured
}

/// What the register had counted when. A register that fell says nothing of the kind.
fn course(started_at: Timestamp, start: Decimal, stop: Decimal, readings: &[(Timestamp, Decimal)]) -> Vec<Reading> {
    let mut readings: Vec<(Timestamp, Decimal)> =
        readings.iter().copied().filter(|(_, wh)| (start..=stop).contains(wh)).collect();
    readings.sort_unstable();
    if readings.windows(2).any(|two| two[0].1 > two[1].1) {
        return Vec::new();
    }
    let used = |wh: Decimal| Kwh::round((wh - start) / Decimal::ONE_THOUSAND);
    readings.into_iter().map(|(at, wh)| Reading { at_s: clock::seconds(started_at, at), energy: used(wh) }).collect()
}

/// The signed records in the order they came, and the first public key that came with one.
fn signed_records(sets: &[ReadingSet]) -> (Vec<SignedRecord>, Option<String>) {
    let mut key = None;
    let mut records: Vec<SignedRecord> = Vec::new();
    for sample in sets.iter().flat_map(|set| &set.samples).filter(|sample| sample.signed) {
        for unwrapped in signed::unwrap(&sample.value) {
            key = key.or(unwrapped.public_key);
            let context = unwrapped.context.unwrap_or_else(|| sample.context.clone());
            let record = SignedRecord { context, data: unwrapped.data };
            if !records.contains(&record) {
                records.push(record);
            }
        }
    }
    (records, key)
}

/// Whether a charge point cannot have delivered this: a fifth above its most power, a minute and half a kWh of leeway.
/// Without a known power, 1 MW is the most.
fn is_too_much(energy: Kwh, max_power: Option<Kwh>, seconds: i64) -> bool {
    let power = max_power.map_or(Decimal::ONE_THOUSAND, Kwh::decimal) * Decimal::new(12, 1);
    energy.decimal() > power * Decimal::from(seconds + 60) / Decimal::from(3600) + Decimal::new(5, 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::signed::samples;

    fn at(minute: i64) -> Timestamp {
        Timestamp::parse("2026-11-01T10:00:00Z").unwrap() + chrono::TimeDelta::minutes(minute)
    }

    fn facts<'a>() -> Facts<'a> {
        Facts {
            started_at: at(0),
            ended_at: at(90),
            meter_start: 100_200.into(),
            meter_stop: Some(111_600.into()),
            id_tag: Some("04A2B3C4"),
            max_power: Some(Kwh::parse("22").unwrap()),
            public_key: None,
            time_priced: true,
            register: None,
            findings: Findings::default(),
        }
    }

    fn signed(context: &str, value: String) -> ReadingSet {
        let sample = Sample {
            value,
            context: context.into(),
            signed: true,
            measurand: "Energy.Active.Import.Register".into(),
            phase: None,
            location: "Outlet".into(),
            unit: "Wh".into(),
        };
        ReadingSet { at: at(0), samples: vec![sample] }
    }

    fn session() -> [ReadingSet; 2] {
        [
            signed("Transaction.Begin", samples::record(1, "B", "2026-11-01T10:00:05,000+0000 S", "100.250")),
            signed("Transaction.End", samples::record(2, "E", "2026-11-01T11:29:05,000+0000 S", "111.500")),
        ]
    }

    #[test]
    fn without_signatures_the_registers_count() {
        let measured = measure(&facts(), &[]);
        assert_eq!((measured.energy.to_string().as_str(), measured.held), ("11.400000", None));
        assert_eq!(measured.measurement.source, MeasurementSource::Register);
    }

    #[test]
    fn with_signatures_they_alone_count() {
        let key = samples::key();
        let measured = measure(&Facts { public_key: Some(&key), ..facts() }, &session());
        assert_eq!((measured.energy.to_string().as_str(), measured.held), ("11.250000", None));
        assert_eq!(clock::seconds(measured.started_at, measured.ended_at), 89 * 60);
        assert_eq!(measured.measurement.calibration, CalibrationState::Verified);
        assert_eq!(measured.measurement.records.len(), 2);
    }

    #[test]
    fn a_failed_signature_holds_and_says_why() {
        let key = samples::key();
        let mut sets = session();
        sets[1].samples[0].value = sets[1].samples[0].value.replace("111.500", "999.500");
        let measured = measure(&Facts { public_key: Some(&key), ..facts() }, &sets);
        assert_eq!(measured.held, Some(HeldReason::SignatureFailed));
        assert!(measured.measurement.calibration_reason.is_some());
        assert_eq!(measure(&facts(), &session()).held, Some(HeldReason::PublicKeyMissing));
    }

    #[test]
    fn an_unsynchronised_clock_matters_where_time_costs() {
        let key = samples::key();
        let mut sets = session();
        sets[0] = signed("Transaction.Begin", samples::record(1, "B", "2026-11-01T10:00:05,000+0000 U", "100.250"));
        let priced = measure(&Facts { public_key: Some(&key), ..facts() }, &sets);
        assert_eq!(priced.held, Some(HeldReason::ClockNotBillable));
        let free = measure(&Facts { public_key: Some(&key), time_priced: false, ..facts() }, &sets);
        assert_eq!((free.held, free.started_at), (None, at(0)));
    }

    #[test]
    fn what_was_lost_or_cannot_be_is_held() {
        let findings = |finding| Findings(vec![finding]);
        for (change, reason) in [
            (Facts { findings: findings(Finding::NeverStopped), ..facts() }, HeldReason::StopMissing),
            (Facts { findings: findings(Finding::NeverStarted), ..facts() }, HeldReason::StartMissing),
            (Facts { findings: findings(Finding::StartRegisterUnknown), ..facts() }, HeldReason::StartMissing),
            // kWh sent as Wh, times a thousand.
            (Facts { meter_stop: Some(11_600_000.into()), ..facts() }, HeldReason::EnergyImplausible),
            (Facts { meter_stop: Some(90_000.into()), ..facts() }, HeldReason::RegisterImplausible),
        ] {
            let measured = measure(&change, &[]);
            assert_eq!(measured.held, Some(reason));
            assert!(measured.energy >= Kwh::ZERO);
        }
    }
}
