//! What stations are asked to do with files, in the words of their version of OCPP.

use serde_json::Value;
use stromtor_domain::{Timestamp, file::log_request::LogKind};

use crate::{v16, v201, version::Version};

/// A log to be uploaded.
#[derive(Debug, Clone)]
pub struct LogCall {
    /// The number in the station's messages.
    pub request_id: i32,
    /// Which log.
    pub kind: LogKind,
    /// URL to upload to.
    pub location: String,
    /// What happened at or after.
    pub from: Option<Timestamp>,
    /// What happened before.
    pub to: Option<Timestamp>,
    /// Further attempts.
    pub retries: Option<i32>,
    /// Seconds between them.
    pub retry_interval_s: Option<i32>,
}

/// Firmware to be installed.
#[derive(Debug, Clone)]
pub struct FirmwareCall {
    /// The number in the station's messages.
    pub request_id: i32,
    /// URL to download from.
    pub location: String,
    /// Download from then on.
    pub retrieve_at: Timestamp,
    /// Install from then on.
    pub install_at: Option<Timestamp>,
    /// Certificate in PEM form and signature in base64, for a signed update.
    pub signature: Option<(String, String)>,
    /// Further attempts.
    pub retries: Option<i32>,
    /// Seconds between them.
    pub retry_interval_s: Option<i32>,
}

/// Action and payload that ask a station for a log.
#[must_use]
pub fn log(version: Version, call: &LogCall) -> (&'static str, Value) {
    match version {
        Version::V16 => v16::file::log(call),
        Version::V201 => v201::file::log(call),
    }
}

/// Action and payload that give a station firmware.
#[must_use]
pub fn firmware(version: Version, call: &FirmwareCall) -> (&'static str, Value) {
    match version {
        Version::V16 => v16::file::firmware(call),
        Version::V201 => v201::file::firmware(call),
    }
}

/// Adds a field that may be absent.
pub(crate) fn set(payload: &mut Value, name: &str, value: Option<impl Into<Value>>) {
    if let (Some(map), Some(value)) = (payload.as_object_mut(), value) {
        map.insert(name.to_owned(), value.into());
    }
}

/// GetLog, the same in the security whitepaper of OCPP 1.6 (section 5.11) and in OCPP 2.0.1 (N01).
pub(crate) fn get_log(call: &LogCall) -> (&'static str, Value) {
    let kind = match call.kind {
        LogKind::Diagnostics => "DiagnosticsLog",
        LogKind::Security => "SecurityLog",
    };
    let mut log = serde_json::json!({ "remoteLocation": call.location });
    set(&mut log, "oldestTimestamp", call.from.map(Timestamp::to_ocpp));
    set(&mut log, "latestTimestamp", call.to.map(Timestamp::to_ocpp));
    let mut payload = serde_json::json!({ "logType": kind, "requestId": call.request_id, "log": log });
    set(&mut payload, "retries", call.retries);
    set(&mut payload, "retryInterval", call.retry_interval_s);
    ("GetLog", payload)
}
