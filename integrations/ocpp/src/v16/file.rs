//! Logs and firmware in OCPP 1.6: sections 5.9 and 5.19, and the security whitepaper's GetLog and SignedUpdateFirmware.

use serde_json::{Value, json};
use stromtor_domain::{Timestamp, file::log_request::LogKind};

use crate::file::{FirmwareCall, LogCall, get_log, set};

/// GetDiagnostics, which every station knows; GetLog for the security log.
pub fn log(call: &LogCall) -> (&'static str, Value) {
    if call.kind == LogKind::Security {
        return get_log(call);
    }
    let mut payload = json!({ "location": call.location });
    set(&mut payload, "startTime", call.from.map(Timestamp::to_ocpp));
    set(&mut payload, "stopTime", call.to.map(Timestamp::to_ocpp));
    set(&mut payload, "retries", call.retries);
    set(&mut payload, "retryInterval", call.retry_interval_s);
    ("GetDiagnostics", payload)
}

/// UpdateFirmware, or SignedUpdateFirmware with a signature.
pub fn firmware(call: &FirmwareCall) -> (&'static str, Value) {
    let (action, mut payload) = match &call.signature {
        None => ("UpdateFirmware", json!({ "location": call.location, "retrieveDate": call.retrieve_at.to_ocpp() })),
        Some((certificate, signature)) => {
            let mut firmware = json!({ "location": call.location, "retrieveDateTime": call.retrieve_at.to_ocpp() });
            set(&mut firmware, "installDateTime", call.install_at.map(Timestamp::to_ocpp));
            set(&mut firmware, "signingCertificate", Some(certificate.as_str()));
            set(&mut firmware, "signature", Some(signature.as_str()));
            ("SignedUpdateFirmware", json!({ "requestId": call.request_id, "firmware": firmware }))
        }
    };
    set(&mut payload, "retries", call.retries);
    set(&mut payload, "retryInterval", call.retry_interval_s);
    (action, payload)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asks_in_the_words_of_1_6() {
        let at = Timestamp::parse("2026-11-01T10:00:00Z").unwrap();
        let mut call = LogCall {
            request_id: 7,
            kind: LogKind::Diagnostics,
            location: "http://a/b".into(),
            from: Some(at),
            to: None,
            retries: Some(2),
            retry_interval_s: None,
        };
        let asked = json!({ "location": "http://a/b", "startTime": "2026-11-01T10:00:00Z", "retries": 2 });
        assert_eq!(log(&call), ("GetDiagnostics", asked));
        call.kind = LogKind::Security;
        let asked = json!({ "logType": "SecurityLog", "requestId": 7, "retries": 2,
            "log": { "remoteLocation": "http://a/b", "oldestTimestamp": "2026-11-01T10:00:00Z" } });
        assert_eq!(log(&call), ("GetLog", asked));
        let mut call = FirmwareCall {
            request_id: 8,
            location: "http://a/fw".into(),
            retrieve_at: at,
            install_at: None,
            signature: None,
            retries: None,
            retry_interval_s: Some(60),
        };
        let asked = json!({ "location": "http://a/fw", "retrieveDate": "2026-11-01T10:00:00Z", "retryInterval": 60 });
        assert_eq!(firmware(&call), ("UpdateFirmware", asked));
        call.signature = Some(("PEM".into(), "c2ln".into()));
        let asked = json!({ "requestId": 8, "retryInterval": 60, "firmware": { "location": "http://a/fw",
            "retrieveDateTime": "2026-11-01T10:00:00Z", "signingCertificate": "PEM", "signature": "c2ln" } });
        assert_eq!(firmware(&call), ("SignedUpdateFirmware", asked));
    }
}
