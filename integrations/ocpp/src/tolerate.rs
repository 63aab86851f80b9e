//! Puts right what a station is known to say wrongly, before anybody sees it.

use std::cell::RefCell;

use chrono::TimeZone as _;
use rust_decimal::Decimal;
use stromtor_domain::{
    Timestamp,
    network::{
        quirk::Quirk,
        tolerance::{EnergyUnit, RegisterMode, Tolerances},
    },
    session::{clock, report::SampleSet},
};

use crate::{call::Inbound, read::Quirks};

/// Applies a station's tolerances to a call. `quirks` says what its reader had to forgive.
pub fn tolerate(call: &mut Inbound, tolerances: &Tolerances, quirks: &Quirks) {
    let local = quirks.contains(&Quirk::NoZone) || tolerances.time_zone_always == Some(true);
    if let Some(zone) = tolerances.time_zone.as_ref().and_then(|zone| zone.as_str().parse::<chrono_tz::Tz>().ok())
        && local
    {
        times(call, |at| {
            // Read as UTC, for want of better: the same hands on the clock of its place. An hour that the clock shows twice
            // is taken as its first.
            let local = zone.from_local_datetime(&at.utc().naive_utc()).earliest();
            local.map_or(at, |local| Timestamp::new(local.with_timezone(&chrono::Utc)))
        });
    }
    if let Some(unit) = tolerances.energy_unit {
        energy(call, unit);
    }
    if let (Some(mode), Inbound::Start(report)) = (tolerances.register, call) {
        match mode {
            RegisterMode::Lifetime => {}
            RegisterMode::Session => report.meter_start = Some(Decimal::ZERO),
            RegisterMode::FirstReading => report.meter_start = None,
        }
    }
}

/// Notes where a station's clock cannot be right. Reports may be late, but not early.
pub fn check_clock(call: &mut Inbound, now: Timestamp, quirks: &mut Quirks) {
    let found = RefCell::new(quirks);
    times(call, |at| {
        let quirk = match at {
            at if clock::is_unset(at) => Some(Quirk::ClockUnset),
            at if at > now + chrono::TimeDelta::seconds(60) => Some(Quirk::ClockAhead),
            _ => None,
        };
        let mut quirks = found.borrow_mut();
        if let Some(quirk) = quirk.filter(|quirk| !quirks.contains(quirk)) {
            quirks.push(quirk);
        }
        at
    });
}

fn sets(samples: &mut [SampleSet], change: impl Fn(Timestamp) -> Timestamp) {
    for set in samples {
        set.at = set.at.map(&change);
    }
}

fn times(call: &mut Inbound, change: impl Fn(Timestamp) -> Timestamp) {
    match call {
        Inbound::Status(report) => report.at = report.at.map(change),
        Inbound::Start(report) => report.at = report.at.map(change),
        Inbound::Meter(report) => sets(&mut report.samples, change),
        Inbound::Stop(report) => {
            report.at = report.at.map(&change);
            sets(&mut report.samples, change);
        }
        Inbound::Transaction(report) => {
            report.at = report.at.map(&change);
            sets(&mut report.samples, change);
        }
        _ => {}
    }
}

fn energy(call: &mut Inbound, unit: EnergyUnit) {
    let (word, factor) = match unit {
        EnergyUnit::Wh => ("Wh", Decimal::ONE),
        EnergyUnit::Kwh => ("kWh", Decimal::ONE_THOUSAND),
    };
    let samples = match call {
        Inbound::Start(report) => {
            report.meter_start = report.meter_start.map(|register| register * factor);
            return;
        }
        Inbound::Stop(report) => {
            report.meter_stop = report.meter_stop.map(|register| register * factor);
            &mut report.samples
        }
        Inbound::Meter(report) => &mut report.samples,
        Inbound::Transaction(report) => &mut report.samples,
        _ => return,
    };
    let values = samples.iter_mut().flat_map(|set| &mut set.values);
    for sample in values.filter(|sample| !sample.signed && sample.measurand.starts_with("Energy.")) {
        word.clone_into(&mut sample.unit);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{call::read, version::Version};

    fn stop(tolerances: &Tolerances) -> stromtor_domain::session::report::StopReport {
        let payload = json!({ "transactionId": 1, "meterStop": 12, "timestamp": "2026-07-01T12:00:00", "transactionData": [
            { "timestamp": "2026-07-01T11:30:00", "sampledValue": [{ "value": "7" }, { "value": "20", "measurand": "Power.Active.Import", "unit": "kW" }] }] });
        let mut quirks = Quirks::new();
        let mut call = read(Version::V16, "StopTransaction", &payload, &mut quirks).unwrap();
        tolerate(&mut call, tolerances, &quirks);
        let Inbound::Stop(report) = call else { panic!() };
        report
    }

    #[test]
    fn a_known_station_s_ways_are_put_right() {
        let plain = stop(&Tolerances::default());
        assert_eq!(
            (plain.at.unwrap().to_string().as_str(), plain.meter_stop),
            ("2026-07-01T12:00:00.000Z", Some(12.into()))
        );
        let zone = serde_json::from_value(json!({ "time_zone": "Europe/Berlin", "energy_unit": "kwh" })).unwrap();
        let right = stop(&zone);
        assert_eq!(
            (right.at.unwrap().to_string().as_str(), right.meter_stop),
            ("2026-07-01T10:00:00.000Z", Some(12_000.into()))
        );
        let values = &right.samples[0].values;
        assert_eq!((values[0].unit.as_str(), values[1].unit.as_str()), ("kWh", "kW"));
        assert_eq!(right.samples[0].at.unwrap().to_string(), "2026-07-01T09:30:00.000Z");
    }

    #[test]
    fn local_time_that_says_z() {
        let start = |tolerances: serde_json::Value| {
            let payload =
                json!({ "connectorId": 1, "idTag": "A", "meterStart": 77, "timestamp": "2026-07-01T12:00:00Z" });
            let mut quirks = Quirks::new();
            let mut call = read(Version::V16, "StartTransaction", &payload, &mut quirks).unwrap();
            tolerate(&mut call, &serde_json::from_value(tolerances).unwrap(), &quirks);
            let now = Timestamp::parse("2026-07-01T10:00:30Z").unwrap();
            check_clock(&mut call, now, &mut quirks);
            let Inbound::Start(report) = call else { panic!() };
            (report.at.unwrap().to_string(), report.meter_start, quirks)
        };
        let (at, _, quirks) = start(json!({ "time_zone": "Europe/Berlin" }));
        assert_eq!((at.as_str(), quirks), ("2026-07-01T12:00:00.000Z", vec![Quirk::ClockAhead]));
        let (at, register, quirks) = start(json!({ "time_zone": "Europe/Berlin", "time_zone_always": true }));
        assert_eq!((at.as_str(), register, quirks), ("2026-07-01T10:00:00.000Z", Some(77.into()), vec![]));
        for (mode, expected) in
            [("lifetime", Some(77.into())), ("session", Some(Decimal::ZERO)), ("first_reading", None)]
        {
            assert_eq!(start(json!({ "register": mode })).1, expected, "{mode}");
        }
    }

    #[test]
    fn a_clock_that_was_never_set_is_noted_once() {
        let payload = json!({ "transactionId": 1, "meterStop": 12, "timestamp": "1970-01-01T00:00:09Z", "transactionData": [
            { "timestamp": "1970-01-01T00:00:05Z", "sampledValue": [{ "value": "7" }] }] });
        let mut quirks = Quirks::new();
        let mut call = read(Version::V16, "StopTransaction", &payload, &mut quirks).unwrap();
        let before = call.clone();
        check_clock(&mut call, Timestamp::parse("2026-07-01T10:00:30Z").unwrap(), &mut quirks);
        assert_eq!((call, quirks), (before, vec![Quirk::ClockUnset]));
    }
}
