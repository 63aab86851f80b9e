//! Puts right what a station is known to say wrongly, before anybody sees it.

use chrono::TimeZone as _;
use rust_decimal::Decimal;
use stromtor_domain::{
    Timestamp,
    network::tolerance::{EnergyUnit, Tolerances},
    session::report::SampleSet,
};

use crate::{call::Inbound, read::Quirks};

/// Applies a station's tolerances to a call. `quirks` says what its reader had to forgive.
pub fn tolerate(call: &mut Inbound, tolerances: &Tolerances, quirks: &Quirks) {
    if let Some(zone) = tolerances.time_zone.as_ref().and_then(|zone| zone.as_str().parse::<chrono_tz::Tz>().ok())
        && quirks.contains(&"no_zone")
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
    fn the_nearest_word_counts() {
        let one = |text: &str| serde_json::from_str::<Tolerances>(text).unwrap();
        let merged = one(r#"{"call_timeout_s": 5}"#).or(one(r#"{"call_timeout_s": 9, "trigger_boot": true}"#));
        assert_eq!(merged, one(r#"{"call_timeout_s": 5, "trigger_boot": true}"#));
    }
}
