//! Which action of OCPP 2.0.1 says what.

use serde_json::Value;

use super::{notice, report};
use crate::{
    call::{Inbound, Unread},
    progress,
    read::{Quirks, Reader},
    security,
};

/// Reads a call.
pub fn read(action: &str, payload: &Value, quirks: &mut Quirks) -> Result<Inbound, Unread> {
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
        "DataTransfer" => Inbound::DataTransfer(crate::v16::report::data_transfer(payload, quirks)?),
        "SecurityEventNotification" => return crate::v16::call::read(action, payload, quirks),
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
