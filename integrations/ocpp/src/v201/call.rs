//! Which action of OCPP 2.0.1 says what.

use serde_json::Value;
use stromtor_domain::network::quirk::Quirk;

use super::{notice, report};
use crate::{
    call::{Inbound, Unread},
    progress,
    read::{Quirks, Reader},
    security, v16,
};

/// Reads a call. Some stations agree on OCPP 2.0.1 and go on in the shape of OCPP 1.6: what only that version can read is read
/// by it.
pub fn read(action: &str, payload: &Value, quirks: &mut Quirks) -> Result<Inbound, Unread> {
    let mut of_old = Quirks::new();
    match ours(action, payload, quirks) {
        Err(refused) => match v16::call::read(action, payload, &mut of_old) {
            Ok(call) => {
                *quirks = of_old;
                quirks.push(Quirk::ShapeOfV16);
                Ok(call)
            }
            Err(_) => Err(refused),
        },
        taken => taken,
    }
}

fn ours(action: &str, payload: &Value, quirks: &mut Quirks) -> Result<Inbound, Unread> {
    Ok(match action {
        "Heartbeat" => {
            Reader::new(payload, quirks)?;
            Inbound::Heartbeat
        }
        "BootNotification" => Inbound::Boot(report::boot(payload, quirks)?),
        "StatusNotification" => Inbound::Status(report::status(payload, quirks)?),
        "Authorize" => {
            let (id_tag, certificate) = report::authorize(payload, quirks)?;
            Inbound::Authorize { id_tag, certificate }
        }
        "TransactionEvent" => Inbound::Transaction(report::transaction(payload, quirks)?),
        "MeterValues" => Inbound::Meter(report::meter(payload, quirks)?),
        "DataTransfer" => Inbound::DataTransfer(v16::report::data_transfer(payload, quirks)?),
        "SecurityEventNotification" => return v16::call::read(action, payload, quirks),
        "NotifyReport" => Inbound::Notice(notice::device_model(payload, quirks)?),
        "NotifyMonitoringReport" => Inbound::Notice(notice::monitors(payload, quirks)?),
        "NotifyCustomerInformation" => Inbound::Notice(notice::customer_information(payload, quirks)?),
        "NotifyDisplayMessages" => Inbound::Notice(notice::display_messages(payload, quirks)?),
        "ReportChargingProfiles" => Inbound::Notice(notice::charging_profiles(payload, quirks)?),
        "NotifyEvent" => Inbound::Notice(notice::events(payload, quirks)?),
        "NotifyChargingLimit" => Inbound::Notice(notice::limit(payload, quirks, false)?),
        "ClearedChargingLimit" => Inbound::Notice(notice::limit(payload, quirks, true)?),
        "NotifyEVChargingNeeds" => Inbound::Notice(notice::needs(payload, quirks)?),
        "NotifyEVChargingSchedule" => Inbound::Notice(notice::schedule(payload, quirks)?),
        "ReservationStatusUpdate" => Inbound::Notice(notice::reservation(payload, quirks)?),
        "GetCertificateStatus" => {
            Reader::new(payload, quirks)?.required_object("ocspRequestData")?;
            Inbound::CertificateStatus(payload.clone())
        }
        "Get15118EVCertificate" => {
            let mut reader = Reader::new(payload, quirks)?;
            reader.required_text("iso15118SchemaVersion", 50)?;
            reader.required_text("exiRequest", 5600)?;
            Inbound::EvCertificate(payload.clone())
        }
        "FirmwareStatusNotification" | "LogStatusNotification" | "PublishFirmwareStatusNotification" => {
            Inbound::Progress(progress::read(action, payload, quirks)?)
        }
        "SignCertificate" => Inbound::SignCertificate(security::sign_certificate(payload, quirks)?),
        _ => return Err(Unread::Unknown),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_shape_of_the_older_version_is_understood() {
        for (action, payload) in [
            ("BootNotification", json!({ "chargePointVendor": "Fox", "chargePointModel": "A" })),
            ("StatusNotification", json!({ "connectorId": 1, "status": "Charging", "errorCode": "NoError" })),
            ("Authorize", json!({ "idTag": "04A2" })),
            ("MeterValues", json!({ "connectorId": 1, "meterValue": [] })),
            ("StartTransaction", json!({ "connectorId": 1, "idTag": "04A2", "meterStart": 5 })),
            ("StopTransaction", json!({ "transactionId": 1, "meterStop": 6 })),
        ] {
            let mut quirks = Quirks::new();
            let read = read(action, &payload, &mut quirks).unwrap();
            assert_eq!(read, v16::call::read(action, &payload, &mut Quirks::new()).unwrap());
            assert_eq!(quirks, [Quirk::ShapeOfV16], "{action}");
        }
        let mut quirks = Quirks::new();
        assert_eq!(read("NoSuchThing", &json!({}), &mut quirks), Err(Unread::Unknown));
        assert!(quirks.is_empty());
    }
}
