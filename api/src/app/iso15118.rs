//! Plug & Charge: questions about cars' certificates go to an upstream that knows their roots (a certificate pool operator).

use std::time::Duration;

use serde_json::{Value, json};

use crate::config::Iso15118;

/// The configured upstream, or none.
#[derive(Debug)]
pub struct Upstream {
    url: Option<String>,
    client: reqwest::Client,
}

/// Time for an answer; the station waits for ours.
const PATIENCE: Duration = Duration::from_secs(20);

impl Upstream {
    /// As configured.
    #[must_use]
    pub fn new(config: &Iso15118) -> Self {
        let url = config.upstream_url.trim_end_matches('/');
        let client = reqwest::Client::builder().timeout(PATIENCE).redirect(reqwest::redirect::Policy::none());
        Self { url: (!url.is_empty()).then(|| url.to_owned()), client: client.build().unwrap_or_default() }
    }

    /// What it answers: `certificateStatus` to `authorize`, `ocspResult` to `certificate_status`, `exiResponse` to
    /// `ev_certificate`. `None` without an upstream, when it fails, and when its `status` is `Failed`.
    pub async fn ask(&self, identity: &str, kind: &str, request: &Value) -> Option<String> {
        let url = self.url.as_ref()?;
        let body = json!({ "station": identity, "request": request });
        let asked = self.client.post(format!("{url}/{}", kind.replace('_', "-"))).json(&body).send().await;
        let answer = async { asked?.error_for_status()?.json::<Value>().await };
        match answer.await {
            Ok(answer) if answer["status"] == "Failed" => None,
            Ok(answer) => {
                let field = match kind {
                    "authorize" => "certificateStatus",
                    "certificate_status" => "ocspResult",
                    _ => "exiResponse",
                };
                answer[field].as_str().map(str::to_owned)
            }
            Err(error) => {
                tracing::warn!(error = %error.without_url(), kind, "the certificate upstream failed");
                metrics::counter!("stromtor_iso15118_upstream_failures_total").increment(1);
                None
            }
        }
    }
}
