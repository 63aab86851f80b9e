//! Logs and firmware in OCPP 2.0.1: use cases N01, L01 to L04.

use serde_json::{Value, json};
use stromtor_domain::Timestamp;

use crate::file::{FirmwareCall, LogCall, get_log, set};

/// GetLog.
pub fn log(call: &LogCall) -> (&'static str, Value) {
    get_log(call)
}

/// UpdateFirmware, with or without a signature.
pub fn firmware(call: &FirmwareCall) -> (&'static str, Value) {
    let mut firmware = json!({ "location": call.location, "retrieveDateTime": call.retrieve_at.to_ocpp() });
    set(&mut firmware, "installDateTime", call.install_at.map(Timestamp::to_ocpp));
    if let Some((certificate, signature)) = &call.signature {
        set(&mut firmware, "signingCertificate", Some(certificate.as_str()));
        set(&mut firmware, "signature", Some(signature.as_str()));
    }
    let mut payload = json!({ "requestId": call.request_id, "firmware": firmware });
    set(&mut payload, "retries", call.retries);
    set(&mut payload, "retryInterval", call.retry_interval_s);
    ("UpdateFirmware", payload)
}

/// PublishFirmware: a local controller is to serve the image whose MD5 is `checksum`.
#[must_use]
pub fn publish(
    request_id: i32,
    location: &str,
    checksum: &str,
    retries: Option<i32>,
    retry_interval_s: Option<i32>,
) -> (&'static str, Value) {
    let mut payload = json!({ "location": location, "checksum": checksum, "requestId": request_id });
    set(&mut payload, "retries", retries);
    set(&mut payload, "retryInterval", retry_interval_s);
    ("PublishFirmware", payload)
}

/// UnpublishFirmware: it is to serve that image no longer.
#[must_use]
pub fn unpublish(checksum: &str) -> (&'static str, Value) {
    ("UnpublishFirmware", json!({ "checksum": checksum }))
}

#[cfg(test)]
mod tests {
    use stromtor_domain::file::log_request::LogKind;

    use super::*;

    #[test]
    fn asks_in_the_words_of_2_0_1() {
        let at = Timestamp::parse("2026-11-01T10:00:00Z").unwrap();
        let call = LogCall {
            request_id: 7,
            kind: LogKind::Diagnostics,
            location: "http://a/b".into(),
            from: None,
            to: Some(at),
            retries: None,
            retry_interval_s: None,
        };
        let asked = json!({ "logType": "DiagnosticsLog", "requestId": 7,
            "log": { "remoteLocation": "http://a/b", "latestTimestamp": "2026-11-01T10:00:00Z" } });
        assert_eq!(log(&call), ("GetLog", asked));
        let call = FirmwareCall {
            request_id: 8,
            location: "http://a/fw".into(),
            retrieve_at: at,
            install_at: Some(at),
            signature: None,
            retries: Some(1),
            retry_interval_s: None,
        };
        let asked = json!({ "requestId": 8, "retries": 1, "firmware": { "location": "http://a/fw",
            "retrieveDateTime": "2026-11-01T10:00:00Z", "installDateTime": "2026-11-01T10:00:00Z" } });
        assert_eq!(firmware(&call), ("UpdateFirmware", asked));
        let asked = json!({ "location": "http://a/fw", "checksum": "00", "requestId": 9, "retries": 3 });
        assert_eq!(publish(9, "http://a/fw", "00", Some(3), None), ("PublishFirmware", asked));
    }
}
