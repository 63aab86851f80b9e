//! What a station's call says, whatever the version: the payload is read once, leniently, and what had to be forgiven is
//! noted.

use serde_json::Value;
use stromtor_domain::{
    network::{certificate::CsrReport, notice::Notice, progress::ProgressReport},
    session::report::{
        BootReport, DataTransferReport, MeterReport, StartReport, StatusReport, StopReport, TransactionReport,
    },
};

use crate::{
    read::{Quirks, Wrong},
    v16, v201,
    version::Version,
};

/// A call of a station.
#[derive(Debug, Clone, PartialEq)]
pub enum Inbound {
    /// Heartbeat.
    Heartbeat,
    /// BootNotification.
    Boot(BootReport),
    /// StatusNotification.
    Status(StatusReport),
    /// Authorize; whether the car's certificate is to be judged too.
    Authorize {
        /// Who asks.
        id_tag: String,
        /// Hashes of the car's certificates (OCPP 2.x), for the upstream that can judge them.
        certificate: Option<Value>,
    },
    /// StartTransaction.
    Start(StartReport),
    /// MeterValues.
    Meter(MeterReport),
    /// StopTransaction.
    Stop(StopReport),
    /// TransactionEvent.
    Transaction(TransactionReport),
    /// DataTransfer.
    DataTransfer(DataTransferReport),
    /// Anything beside charging that is only taken note of.
    Notice(Notice),
    /// How far the station is with a log or firmware.
    Progress(ProgressReport),
    /// SignCertificate.
    SignCertificate(CsrReport),
    /// GetCertificateStatus: the payload for the upstream.
    CertificateStatus(Value),
    /// Get15118EVCertificate: the payload for the upstream.
    EvCertificate(Value),
}

/// Why a call cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unread {
    /// A field cannot be understood.
    Wrong(Wrong),
    /// No such action.
    Unknown,
}

impl From<Wrong> for Unread {
    fn from(wrong: Wrong) -> Self {
        Self::Wrong(wrong)
    }
}

/// Reads a call.
pub fn read(version: Version, action: &str, payload: &Value, quirks: &mut Quirks) -> Result<Inbound, Unread> {
    match version {
        Version::V16 => v16::call::read(action, payload, quirks),
        Version::V201 => v201::call::read(action, payload, quirks),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;
    use stromtor_domain::network::quirk::Quirk;

    use super::*;
    use crate::{
        frame::Frame,
        tolerate::{check_clock, tolerate},
    };

    const ACTIONS: &[&str] = &[
        "Authorize",
        "BootNotification",
        "ClearedChargingLimit",
        "DataTransfer",
        "DiagnosticsStatusNotification",
        "FirmwareStatusNotification",
        "Get15118EVCertificate",
        "GetCertificateStatus",
        "Heartbeat",
        "LogStatusNotification",
        "MeterValues",
        "NotifyChargingLimit",
        "NotifyCustomerInformation",
        "NotifyDisplayMessages",
        "NotifyEVChargingNeeds",
        "NotifyEVChargingSchedule",
        "NotifyEvent",
        "NotifyMonitoringReport",
        "NotifyReport",
        "PublishFirmwareStatusNotification",
        "ReportChargingProfiles",
        "ReservationStatusUpdate",
        "SecurityEventNotification",
        "SignCertificate",
        "SignedFirmwareStatusNotification",
        "StartTransaction",
        "StatusNotification",
        "StopTransaction",
        "TransactionEvent",
    ];

    /// What a payload may hold by the specification, one of each: the corpus that is bent out of shape.
    fn seed() -> Value {
        let sample = json!({ "value": 1.5, "context": "Transaction.Begin", "measurand": "SoC", "phase": "L1", "location": "EV",
            "unit": "kWh", "format": "SignedData", "unitOfMeasure": { "unit": "Wh", "multiplier": 3 },
            "signedMeterValue": { "signedMeterData": "x", "signingMethod": "", "encodingMethod": "OCMF", "publicKey": "" } });
        let value = json!([{ "timestamp": "2026-01-01T10:00:00+02", "sampledValue": [sample] }]);
        let place = json!({ "id": 1, "connectorId": 2 });
        let (component, variable) =
            (json!({ "name": "EVSE", "instance": "a", "evse": place }), json!({ "name": "Power", "instance": "b" }));
        let attribute = json!([{ "type": "Target", "value": "1", "mutability": "ReadOnly" }]);
        let limits =
            json!({ "dataType": "integer", "unit": "W", "minLimit": -1, "maxLimit": 1e3, "valuesList": "1,2" });
        let mut seed = json!({
            "connectorId": 1, "evseId": 1, "transactionId": 7, "idTag": "04A2", "meterStart": 0, "meterStop": "5.5", "meterValue": value,
            "transactionData": value, "timestamp": "2026-01-01 10:00:00", "status": "Available", "connectorStatus": "Occupied",
            "errorCode": "NoError", "reason": "Local", "eventType": "Started", "triggerReason": "Authorized", "seqNo": 3, "tbc": "true",
            "offline": 1, "reservationId": -1, "evse": place, "idToken": { "idToken": "A", "type": "eMAID" }, "certificate": "x",
            "transactionInfo": { "transactionId": "t", "chargingState": "Charging", "remoteStartId": "9", "stoppedReason": "Local" },
            "chargingStation": { "vendorName": "v", "model": "m", "modem": { "iccid": "-67" } }, "chargePointVendor": 5,
        });
        let more = json!({
            "requestId": 4, "reportData": [{ "component": component, "variable": variable, "variableAttribute": attribute,
                "variableCharacteristics": limits }],
            "eventData": [{ "eventId": 1, "timestamp": null, "component": component, "variable": variable, "actualValue": 9 }],
            "monitor": [{}], "messageInfo": {}, "chargingProfile": [{ "id": 1 }], "data": { "a": [1] }, "vendorId": "v", "type": "x",
            "chargingLimit": { "chargingLimitSource": "EMS" }, "chargingLimitSource": "SO", "chargingNeeds": {}, "chargingSchedule": {},
            "reservationUpdateStatus": "Expired", "ocspRequestData": {}, "iso15118SchemaVersion": "u", "exiRequest": "e", "csr": "c",
        });
        if let (Some(seed), Value::Object(more)) = (seed.as_object_mut(), more) {
            seed.extend(more);
        }
        seed
    }

    fn anything() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "\\PC{0,40}".prop_map(Value::from),
            "[0-9.eE+:TZ-]{0,30}".prop_map(Value::from),
            Just(Value::from("null")),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                proptest::collection::hash_map("[a-zA-Z]{1,14}", inner, 0..6)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    /// Puts `value` somewhere into `payload`; `path` chooses where.
    fn bend(payload: &mut Value, path: &[usize], value: Value) {
        let Some((first, rest)) = path.split_first() else {
            *payload = value;
            return;
        };
        match payload {
            Value::Object(map) if !map.is_empty() => {
                let key = map.keys().nth(first % map.len()).cloned().unwrap_or_default();
                if let Some(field) = map.get_mut(&key) {
                    bend(field, rest, value);
                }
            }
            Value::Array(items) if !items.is_empty() => {
                let at = first % items.len();
                bend(&mut items[at], rest, value);
            }
            other => *other = value,
        }
    }

    fn every(payload: &Value) {
        let odd = serde_json::from_value(json!({ "time_zone": "Europe/Berlin", "energy_unit": "kwh" })).unwrap();
        for version in Version::ALL {
            for action in ACTIONS {
                let mut quirks = Quirks::new();
                if let Ok(mut call) = read(version, action, payload, &mut quirks) {
                    quirks.push(Quirk::NoZone);
                    tolerate(&mut call, &odd, &quirks);
                    check_clock(&mut call, stromtor_domain::Timestamp::from_millis(0), &mut quirks);
                }
                assert!(quirks.len() < 40, "quirks are noted once each");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn nothing_that_a_station_sends_breaks_the_reader(payload in anything()) {
            every(&payload);
        }

        #[test]
        fn nor_does_a_message_bent_out_of_shape(
            bends in proptest::collection::vec((proptest::collection::vec(0_usize..60, 1..6), anything()), 1..6)
        ) {
            let mut payload = seed();
            for (path, value) in bends {
                bend(&mut payload, &path, value);
            }
            every(&payload);
            let text = json!([2, "1", "TransactionEvent", payload]).to_string();
            let cut = text.char_indices().map(|(at, _)| at).nth(text.len() / 2).unwrap_or(0);
            let _ = (Frame::parse(&text), Frame::parse(&text[..cut]), crate::mask::mask_text(&text[..cut]));
        }
    }
}
