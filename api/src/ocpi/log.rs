//! The log of what goes over the wire between peers and us.

use std::time::Duration;

use poem::http::Method;
use serde_json::Value;
use stromtor_domain::{
    Timestamp,
    roaming::{
        ocpi_message::{OcpiDirection, OcpiMessage},
        ocpi_peer::OcpiPeer,
    },
};
use stromtor_ocpi::{
    client::{Call, Exchange},
    envelope::{Envelope, StatusCode},
};
use stromtor_persistence::roaming::ocpi_message;

use crate::state::App;

/// The most that is kept of a body, in bytes.
const MOST: usize = 64 << 10;

/// A call and its answer.
pub struct Told<'a> {
    pub method: &'a Method,
    pub url: &'a str,
    pub module: Option<&'a str>,
    pub request_id: Option<String>,
    pub correlation_id: Option<String>,
    pub request: Option<&'a [u8]>,
    pub status: Option<u16>,
    pub ocpi_status: Option<StatusCode>,
    pub response: Option<&'a [u8]>,
    pub took: Duration,
    pub error: Option<String>,
}

/// A body as it is kept: cut, and without the tokens of credentials.
fn body(bytes: &[u8], module: Option<&str>) -> Option<String> {
    if bytes.is_empty() {
        return None;
    }
    let text = match (module, serde_json::from_slice::<Value>(bytes)) {
        (Some("credentials"), Ok(mut value)) => {
            for holder in ["", "/data"] {
                if let Some(token) = value.pointer_mut(holder).and_then(|holder| holder.get_mut("token")) {
                    *token = "***".into();
                }
            }
            value.to_string()
        }
        (Some("credentials"), Err(_)) => "(not kept)".into(),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    };
    Some(text.chars().filter(|c| *c != '\0').take(MOST).collect())
}

async fn keep(app: &App, peer: &OcpiPeer, at: Timestamp, direction: OcpiDirection, told: &Told<'_>) {
    let message = OcpiMessage {
        id: app.clock.id().into(),
        at,
        partner_id: peer.partner_id,
        peer_id: peer.id,
        direction,
        method: told.method.to_string(),
        url: told.url.to_owned(),
        module: told.module.map(str::to_owned),
        request_id: told.request_id.clone(),
        correlation_id: told.correlation_id.clone(),
        request: told.request.and_then(|bytes| body(bytes, told.module)),
        status: told.status.map(i32::from),
        ocpi_status: told.ocpi_status.map(|status| i32::from(status.0)),
        response: told.response.and_then(|bytes| body(bytes, told.module)),
        took_ms: i32::try_from(told.took.as_millis()).unwrap_or(i32::MAX),
        error: told.error.clone(),
    };
    let kept = async {
        let mut tx = app.db.begin_worker().await?;
        ocpi_message::keep(&mut tx, &[message]).await?;
        tx.commit().await
    };
    // What was answered is answered, whether or not the log has room.
    if let Err(error) = kept.await {
        tracing::warn!(%error, peer = %peer.id, "an OCPI message was not logged");
    }
}

/// Keeps a call of a peer's.
pub async fn incoming(app: &App, peer: &OcpiPeer, at: Timestamp, told: &Told<'_>) {
    keep(app, peer, at, OcpiDirection::In, told).await;
}

/// Keeps a call of ours.
pub async fn outgoing(app: &App, peer: &OcpiPeer, at: Timestamp, module: &str, call: &Call<'_>, exchange: &Exchange) {
    let request = call.body.map(|body| body.to_string().into_bytes());
    let envelope = serde_json::from_slice::<Envelope<Value>>(&exchange.body).ok();
    let told = Told {
        method: &call.method,
        url: call.url,
        module: Some(module),
        request_id: Some(call.request_id.to_string()),
        correlation_id: Some(call.correlation_id.to_string()),
        request: request.as_deref(),
        status: exchange.status,
        ocpi_status: envelope.map(|envelope| envelope.status_code),
        response: Some(&exchange.body),
        took: exchange.took,
        error: exchange.error.as_ref().map(ToString::to_string),
    };
    keep(app, peer, at, OcpiDirection::Out, &told).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_of_credentials_are_not_kept() {
        let credentials = br#"{"data":{"token":"secret","url":"u"},"status_code":1000}"#;
        assert_eq!(
            body(credentials, Some("credentials")).unwrap(),
            r#"{"data":{"token":"***","url":"u"},"status_code":1000}"#
        );
        assert_eq!(body(br#"{"token":"secret"}"#, Some("credentials")).unwrap(), r#"{"token":"***"}"#);
        assert_eq!(body(br#"{"token":"secret"#, Some("credentials")).unwrap(), "(not kept)");
        assert_eq!(body(b"{}", Some("tokens")).unwrap(), "{}");
        assert_eq!(body(b"", None), None);
    }
}
