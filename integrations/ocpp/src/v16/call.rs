//! Which action of OCPP 1.6 (with the security whitepaper's) says what.

use serde_json::Value;
use stromtor_domain::network::notice::{Notice, SecurityEventReport};

use super::{pnc, report};
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
        "Authorize" => Inbound::Authorize { id_tag: report::authorize(payload, quirks)?, certificate: None },
        "StartTransaction" => Inbound::Start(report::start(payload, quirks)?),
        "MeterValues" => Inbound::Meter(report::meter(payload, quirks)?),
        "StopTransaction" => Inbound::Stop(report::stop(payload, quirks)?),
        "DataTransfer" => match report::data_transfer(payload, quirks)? {
            transfer if transfer.vendor_id == pnc::VENDOR => Inbound::PlugAndCharge(pnc::read(&transfer, quirks)),
            transfer => Inbound::DataTransfer(transfer),
        },
        "SecurityEventNotification" => {
            let mut reader = Reader::new(payload, quirks)?;
            reader.known(&["type", "timestamp", "techInfo"]);
            Inbound::Notice(Notice::Security(SecurityEventReport {
                kind: reader.required_text("type", 50)?,
                at: reader.time("timestamp")?.0,
                tech_info: reader.text("techInfo", 255)?,
            }))
        }
        "DiagnosticsStatusNotification"
        | "LogStatusNotification"
        | "FirmwareStatusNotification"
        | "SignedFirmwareStatusNotification" => Inbound::Progress(progress::read(action, payload, quirks)?),
        "SignCertificate" => Inbound::SignCertificate(security::sign_certificate(payload, quirks)?),
        _ => return Err(Unread::Unknown),
    })
}
