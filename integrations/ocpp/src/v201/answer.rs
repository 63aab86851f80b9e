//! From decisions to the payloads of answers.

use serde_json::{Value, json};
use stromtor_domain::network::notice::{ChargingNoticeKind, Notice};

use crate::{
    backend::{TagInfo, TagStatus, TransactionReply},
    outbound::{number, set},
};

/// IdTokenInfoType.
fn id_token_info(tag: &TagInfo) -> Value {
    let status = match tag.status {
        TagStatus::Accepted => "Accepted",
        TagStatus::Blocked => "Blocked",
        TagStatus::Expired => "Expired",
        TagStatus::Invalid => "Invalid",
        TagStatus::ConcurrentTx => "ConcurrentTx",
    };
    let mut info = json!({ "status": status });
    if let Some(at) = tag.expires_at {
        info["cacheExpiryDateTime"] = at.to_ocpp().into();
    }
    if let Some(group) = tag.parent.as_deref().filter(|group| group.chars().count() <= 36) {
        info["groupIdToken"] = json!({ "idToken": group, "type": "Central" });
    }
    info
}

/// AuthorizeCertificateStatusEnumType.
const CERTIFICATE_STATUS: [&str; 7] = [
    "Accepted",
    "SignatureError",
    "CertificateExpired",
    "CertificateRevoked",
    "NoCertificateAvailable",
    "CertChainError",
    "ContractCancelled",
];

/// AuthorizeResponse, with what an upstream said of a certificate. One that nobody could judge, or not in a word of OCPP, is
/// not accepted.
#[must_use]
pub fn authorize(tag: &TagInfo, certificate_status: Option<&str>) -> Value {
    let mut answer = json!({ "idTokenInfo": id_token_info(tag) });
    if let Some(status) = certificate_status {
        let status = if CERTIFICATE_STATUS.contains(&status) { status } else { "NoCertificateAvailable" };
        answer["certificateStatus"] = status.into();
        if status != "Accepted" {
            answer["idTokenInfo"]["status"] = "Invalid".into();
        }
    }
    answer
}

/// TransactionEventResponse: `idTokenInfo` when the event named a token, `totalCost` when the transaction has ended.
#[must_use]
pub fn transaction(reply: &TransactionReply) -> Value {
    let mut answer = json!({});
    set(&mut answer, "idTokenInfo", reply.tag.as_ref().map(id_token_info));
    set(&mut answer, "totalCost", reply.total_cost.map(|cost| number(cost.decimal())));
    answer
}

/// The answer to a notice: empty, but for two.
#[must_use]
pub fn notice(notice: &Notice) -> Value {
    match notice {
        // A profile may follow; the car may begin with what it is offered now.
        Notice::Charging(charging) if charging.kind == ChargingNoticeKind::Needs => json!({ "status": "Processing" }),
        Notice::Charging(charging) if charging.kind == ChargingNoticeKind::Schedule => json!({ "status": "Accepted" }),
        _ => json!({}),
    }
}

/// GetCertificateStatusResponse.
#[must_use]
pub fn certificate_status(result: Option<String>) -> Value {
    match result.filter(|result| result.len() <= 5500) {
        Some(result) => json!({ "status": "Accepted", "ocspResult": result }),
        None => json!({ "status": "Failed" }),
    }
}

/// Get15118EVCertificateResponse.
#[must_use]
pub fn ev_certificate(response: Option<String>) -> Value {
    match response.filter(|response| response.len() <= 5600) {
        Some(response) => json!({ "status": "Accepted", "exiResponse": response }),
        None => json!({ "status": "Failed", "exiResponse": "" }),
    }
}
