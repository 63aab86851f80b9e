//! ISO 15118 Plug & Charge over OCPP 1.6 (OCA application note of that name): messages of OCPP 2.0.1, as JSON text inside
//! DataTransfer, in both directions.

use serde_json::{Value, json};
use stromtor_domain::session::report::DataTransferReport;

use crate::{backend::DataTransferReply, call::Inbound, read::Quirks, v201};

/// The name space of the messages.
pub const VENDOR: &str = "org.openchargealliance.iso15118pnc";
/// The configuration key of stations that know them.
pub const ENABLED: &str = "ISO15118PnCEnabled";
/// What stations send.
const ACTIONS: [&str; 4] = ["Authorize", "Get15118EVCertificate", "GetCertificateStatus", "SignCertificate"];

/// Reads what stands inside a station's DataTransfer.
pub fn read(transfer: &DataTransferReport, quirks: &mut Quirks) -> Result<Box<Inbound>, DataTransferReply> {
    let action = transfer.message_id.as_deref().unwrap_or_default();
    if !ACTIONS.contains(&action) {
        return Err(DataTransferReply::UnknownMessageId);
    }
    let data = serde_json::from_str(transfer.data.as_deref().unwrap_or_default());
    let payload: Value = data.map_err(|_| DataTransferReply::Rejected)?;
    v201::call::read(action, &payload, quirks).map(Box::new).map_err(|_| DataTransferReply::Rejected)
}

/// DataTransfer.conf around the answer.
#[must_use]
pub fn answer(inner: &Value) -> Value {
    json!({ "status": "Accepted", "data": inner.to_string() })
}

/// DataTransfer.req around a call.
#[must_use]
pub fn wrap(action: &str, payload: &Value) -> (&'static str, Value) {
    ("DataTransfer", json!({ "vendorId": VENDOR, "messageId": action, "data": payload.to_string() }))
}

/// The call and the answer inside of a DataTransfer of ours; others as they are. A station that does not know the message
/// has refused it.
#[must_use]
pub fn unwrap(call: &Value, answer: &Value) -> (Value, Value) {
    if call["vendorId"] != VENDOR {
        return (call.clone(), answer.clone());
    }
    let inner = |value: &Value| value["data"].as_str().and_then(|text| serde_json::from_str::<Value>(text).ok());
    let answered = inner(answer).filter(|_| answer["status"] == "Accepted");
    (inner(call).unwrap_or_default(), answered.unwrap_or_else(|| json!({ "status": "Rejected" })))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transfer(message_id: &str, data: &str) -> DataTransferReport {
        DataTransferReport { vendor_id: VENDOR.into(), message_id: Some(message_id.into()), data: Some(data.into()) }
    }

    #[test]
    fn messages_are_read_through_their_wrapping() {
        let mut quirks = Quirks::new();
        let token = r#"{"idToken":{"idToken":"DE8AAA1B2C3D4E","type":"eMAID"}}"#;
        let call = read(&transfer("Authorize", token), &mut quirks).unwrap();
        assert_eq!(*call, Inbound::Authorize { id_tag: "DE8AAA1B2C3D4E".into(), certificate: None });
        assert_eq!(read(&transfer("Reset", "{}"), &mut quirks), Err(DataTransferReply::UnknownMessageId));
        for broken in ["", "no JSON", "{}"] {
            assert_eq!(read(&transfer("Authorize", broken), &mut quirks), Err(DataTransferReply::Rejected), "{broken}");
        }
    }

    #[test]
    fn calls_and_answers_come_out_as_they_went_in() {
        let (_, call) = wrap("DeleteCertificate", &json!({ "a": 1 }));
        let (asked, answered) = unwrap(&call, &answer(&json!({ "status": "NotFound" })));
        assert_eq!((asked, answered), (json!({ "a": 1 }), json!({ "status": "NotFound" })));
        assert_eq!(unwrap(&call, &json!({ "status": "UnknownVendorId" })).1, json!({ "status": "Rejected" }));
        let (own, plain) = (json!({ "vendorId": "x" }), json!({ "status": "Accepted" }));
        assert_eq!(unwrap(&own, &plain), (own.clone(), plain.clone()));
    }
}
