//! Reads what stations say about files: the same fields in OCPP 1.6 (sections 6.17, 6.19, security whitepaper 4) and 2.0.1.

use serde_json::Value;
use stromtor_domain::network::progress::ProgressReport;

use crate::read::{Quirks, Reader, Wrong};

/// Longest word that is kept; the longest of the specifications has 25 characters.
const MAX_WORD: usize = 50;
/// Most places that are kept of where an image is served, and their length.
const MAX_LOCATIONS: usize = 20;
const MAX_LOCATION: usize = 512;

/// One of the status messages about a file.
pub fn read(action: &str, payload: &Value, quirks: &mut Quirks) -> Result<ProgressReport, Wrong> {
    let mut reader = Reader::new(payload, quirks)?;
    reader.known(match action {
        "DiagnosticsStatusNotification" => &["status"],
        "PublishFirmwareStatusNotification" => &["status", "requestId", "location", "customData"],
        _ => &["status", "requestId", "customData"],
    });
    let status: String = reader.required_text("status", 30)?.chars().take(MAX_WORD).collect();
    let request_id = reader.integer("requestId")?.and_then(|number| i32::try_from(number).ok());
    Ok(match action {
        "DiagnosticsStatusNotification" => ProgressReport::Diagnostics { status },
        "LogStatusNotification" => ProgressReport::Log { status, request_id },
        "PublishFirmwareStatusNotification" => {
            let places = payload.get("location").and_then(Value::as_array).into_iter().flatten();
            let places = places.filter_map(Value::as_str).map(|place| place.replace('\0', ""));
            let locations = places.filter(|place| place.len() <= MAX_LOCATION).take(MAX_LOCATIONS).collect();
            ProgressReport::Publication { status, request_id, locations }
        }
        _ => ProgressReport::Firmware { status, request_id },
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_every_kind() {
        let read = |action: &str, payload: Value| read(action, &payload, &mut Quirks::new()).unwrap();
        let word = |text: &str| text.to_owned();
        assert_eq!(
            read("DiagnosticsStatusNotification", json!({ "status": "Uploading" })),
            ProgressReport::Diagnostics { status: word("Uploading") }
        );
        assert_eq!(
            read("LogStatusNotification", json!({ "status": "Uploaded", "requestId": "7" })),
            ProgressReport::Log { status: word("Uploaded"), request_id: Some(7) }
        );
        assert_eq!(
            read("SignedFirmwareStatusNotification", json!({ "status": "Installed", "requestId": 7 })),
            ProgressReport::Firmware { status: word("Installed"), request_id: Some(7) }
        );
        assert_eq!(
            read("FirmwareStatusNotification", json!({ "status": "Idle" })),
            ProgressReport::Firmware { status: word("Idle"), request_id: None }
        );
        let published = json!({ "status": "Published", "requestId": 1, "location": ["http://10.0.0.1/fw"] });
        assert_eq!(
            read("PublishFirmwareStatusNotification", published),
            ProgressReport::Publication {
                status: word("Published"),
                request_id: Some(1),
                locations: vec![word("http://10.0.0.1/fw")]
            }
        );
    }
}
