//! From decisions to the payloads of answers.

use serde_json::{Value, json};
use stromtor_domain::Timestamp;

use crate::backend::{BootReply, DataTransferReply, StartReply, TagInfo, TagStatus};

/// BootNotification.conf.
#[must_use]
pub fn boot_answer(reply: BootReply, now: Timestamp) -> Value {
    json!({ "status": "Accepted", "currentTime": now.to_ocpp(), "interval": reply.interval_s })
}

/// Heartbeat.conf.
#[must_use]
pub fn heartbeat_answer(now: Timestamp) -> Value {
    json!({ "currentTime": now.to_ocpp() })
}

/// Authorize.conf.
#[must_use]
pub fn authorize_answer(tag: &TagInfo) -> Value {
    json!({ "idTagInfo": tag_info(tag) })
}

/// StartTransaction.conf.
#[must_use]
pub fn start_answer(reply: &StartReply) -> Value {
    json!({ "transactionId": reply.transaction_id, "idTagInfo": tag_info(&reply.tag) })
}

/// StopTransaction.conf.
#[must_use]
pub fn stop_answer(tag: Option<&TagInfo>) -> Value {
    tag.map_or_else(|| json!({}), |tag| json!({ "idTagInfo": tag_info(tag) }))
}

/// DataTransfer.conf.
#[must_use]
pub fn data_transfer_answer(reply: DataTransferReply) -> Value {
    let status = match reply {
        DataTransferReply::Accepted => "Accepted",
        DataTransferReply::UnknownMessageId => "UnknownMessageId",
        DataTransferReply::UnknownVendorId => "UnknownVendorId",
        DataTransferReply::Rejected => "Rejected",
    };
    json!({ "status": status })
}

fn tag_info(tag: &TagInfo) -> Value {
    let status = match tag.status {
        TagStatus::Accepted => "Accepted",
        TagStatus::Blocked => "Blocked",
        TagStatus::Expired => "Expired",
        TagStatus::Invalid => "Invalid",
        TagStatus::ConcurrentTx => "ConcurrentTx",
    };
    let mut info = json!({ "status": status });
    if let Some(at) = tag.expires_at {
        info["expiryDate"] = at.to_ocpp().into();
    }
    // An IdToken has at most 20 characters.
    if let Some(parent) = tag.parent.as_deref().filter(|parent| parent.chars().count() <= 20) {
        info["parentIdTag"] = parent.into();
    }
    info
}
