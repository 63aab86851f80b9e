//! Calls to a peer: one request with its headers, what came back whatever it was, and what that means.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use reqwest::{Method, header::HeaderMap};
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;

use crate::{
    address::{AddressError, Addresses},
    envelope::{Envelope, StatusCode},
    header::{
        OCPI_FROM_COUNTRY_CODE, OCPI_FROM_PARTY_ID, OCPI_TO_COUNTRY_CODE, OCPI_TO_PARTY_ID, Party, X_CORRELATION_ID,
        X_REQUEST_ID, authorization,
    },
    page::next_link,
};

/// The most that is read of an answer, in bytes.
const MOST_BYTES: usize = 8 << 20;
/// The most pages that one crawl reads.
const MOST_PAGES: usize = 10_000;

/// What calls peers.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    addresses: Addresses,
}

/// One call.
#[derive(Debug, Clone)]
pub struct Call<'a> {
    /// How.
    pub method: Method,
    /// Whom.
    pub url: &'a str,
    /// The token that the peer knows us by.
    pub token: &'a str,
    /// Whether it wants that in base64.
    pub base64: bool,
    /// Our party, on functional modules.
    pub from: Option<&'a Party>,
    /// Its party, on functional modules.
    pub to: Option<&'a Party>,
    /// What is sent.
    pub body: Option<&'a Value>,
    /// Of this request alone.
    pub request_id: Uuid,
    /// Of everything that follows from one cause.
    pub correlation_id: Uuid,
}

/// What came of a call: enough for a log, whatever it was.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// HTTP status; absent where there was no answer.
    pub status: Option<u16>,
    /// The answer's headers.
    pub headers: HeaderMap,
    /// The answer's body, as far as it was read.
    pub body: Bytes,
    /// How long it took.
    pub took: Duration,
    /// Why there is no whole answer.
    pub error: Option<CallError>,
}

/// Why a call did not do what it was to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The address may not be called.
    #[error("{0}")]
    Address(#[from] AddressError),
    /// There was no answer in time.
    #[error("no answer in time")]
    Timeout,
    /// The connection failed or broke.
    #[error("the connection failed: {0}")]
    Connection(String),
    /// The answer is longer than anybody reads.
    #[error("the answer is longer than {MOST_BYTES} bytes")]
    TooLong,
    /// An HTTP status that is no success.
    #[error("HTTP status {status}")]
    Status {
        /// The status.
        status: u16,
        /// When the peer wants to be called again.
        retry_after: Option<Duration>,
    },
    /// OCPI's own status is no success.
    #[error("OCPI status {}: {message}", .code.0)]
    Ocpi {
        /// The status.
        code: StatusCode,
        /// The peer's words.
        message: String,
    },
    /// The answer is not what it should be.
    #[error("the answer cannot be read: {0}")]
    Malformed(String),
    /// The pages of a list lead nowhere.
    #[error("the list's pages lead in a circle or elsewhere")]
    Pages,
}

impl CallError {
    /// Whether the same call may succeed later, and when at the earliest.
    #[must_use]
    pub fn retry(&self) -> Option<Duration> {
        let soon = Some(Duration::ZERO);
        match self {
            Self::Timeout | Self::Connection(_) | Self::Malformed(_) => soon,
            Self::Status { status: 429 | 503, retry_after } => retry_after.or(soon),
            Self::Status { status: 408 | 425 | 500..=599, .. } => soon,
            Self::Ocpi { code, .. } if code.0 >= 3000 => soon,
            Self::Address(_) | Self::TooLong | Self::Status { .. } | Self::Ocpi { .. } | Self::Pages => None,
        }
    }
}

impl Client {
    /// A client that calls what `addresses` allow, and waits `timeout` for an answer.
    pub fn new(addresses: Addresses, timeout: Duration) -> reqwest::Result<Self> {
        Ok(Self { http: addresses.client(timeout)?, addresses })
    }

    /// Which addresses it calls.
    #[must_use]
    pub const fn addresses(&self) -> Addresses {
        self.addresses
    }

    /// Makes a call.
    pub async fn send(&self, call: &Call<'_>) -> Exchange {
        let began = tokio::time::Instant::now();
        let mut exchange =
            Exchange { status: None, headers: HeaderMap::new(), body: Bytes::new(), took: Duration::ZERO, error: None };
        if let Err(error) = self.exchange(call, &mut exchange).await {
            exchange.error = Some(error);
        }
        exchange.took = began.elapsed();
        exchange
    }

    async fn exchange(&self, call: &Call<'_>, exchange: &mut Exchange) -> Result<(), CallError> {
        let url = self.addresses.check_url(call.url)?;
        let mut request = self
            .http
            .request(call.method.clone(), url)
            .header("authorization", authorization(call.token, call.base64))
            .header(X_REQUEST_ID, call.request_id.to_string())
            .header(X_CORRELATION_ID, call.correlation_id.to_string());
        if let Some(from) = call.from {
            request =
                request.header(OCPI_FROM_COUNTRY_CODE, &from.country_code).header(OCPI_FROM_PARTY_ID, &from.party_id);
        }
        if let Some(to) = call.to {
            request = request.header(OCPI_TO_COUNTRY_CODE, &to.country_code).header(OCPI_TO_PARTY_ID, &to.party_id);
        }
        if let Some(body) = call.body {
            request = request.json(body);
        }
        let failed = |error: reqwest::Error| {
            if error.is_timeout() { CallError::Timeout } else { CallError::Connection(error.without_url().to_string()) }
        };
        let response = request.send().await.map_err(failed)?;
        exchange.status = Some(response.status().as_u16());
        exchange.headers = response.headers().clone();
        let mut body = BytesMut::new();
        let mut stream = response.bytes_stream();
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.map_err(failed);
            if let Ok(chunk) = &chunk {
                body.extend_from_slice(chunk);
            }
            let whole = body.len() <= MOST_BYTES;
            if chunk.is_err() || !whole {
                body.truncate(MOST_BYTES);
                exchange.body = body.freeze();
                return Err(chunk.err().unwrap_or(CallError::TooLong));
            }
        }
        exchange.body = body.freeze();
        Ok(())
    }

    /// Reads a list page after page, each given to `take`. Pages stay with the host of the first.
    pub async fn pages<T: DeserializeOwned>(
        &self,
        call: &Call<'_>,
        mut take: impl AsyncFnMut(Exchange, Result<Vec<T>, CallError>) -> bool,
    ) -> Result<(), CallError> {
        let first = self.addresses.check_url(call.url)?;
        let mut url = first.clone();
        let mut seen = std::collections::HashSet::new();
        loop {
            let exchange = self.send(&Call { url: url.as_str(), ..call.clone() }).await;
            let link = exchange.headers.get("link").and_then(|link| link.to_str().ok()).and_then(next_link);
            let items = exchange.read::<Vec<T>>().map(Option::unwrap_or_default);
            let failed = items.as_ref().err().cloned();
            if !take(exchange, items).await {
                return Ok(());
            }
            if let Some(error) = failed {
                return Err(error);
            }
            seen.insert(url.to_string());
            let Some(link) = link else { return Ok(()) };
            // A proxy in front of a peer may make it say http: it stays with the scheme that it was asked by.
            let mut next = first.join(&link).map_err(|_| CallError::Pages)?;
            let _ = next.set_scheme(first.scheme());
            let elsewhere = next.host_str() != first.host_str();
            if elsewhere || seen.contains(next.as_str()) || seen.len() >= MOST_PAGES {
                return Err(CallError::Pages);
            }
            url = next;
        }
    }
}

impl Exchange {
    /// What was asked for; nothing where the peer had nothing to say.
    pub fn read<T: DeserializeOwned>(&self) -> Result<Option<T>, CallError> {
        if let Some(error) = &self.error {
            return Err(error.clone());
        }
        let status = self.status.unwrap_or_default();
        let envelope = serde_json::from_slice::<Envelope<Value>>(&self.body);
        if !(200..300).contains(&status) {
            return Err(match envelope {
                // OCPI's own status says more than 400 and 404 do.
                Ok(envelope)
                    if (400..500).contains(&status)
                        && !matches!(status, 408 | 425 | 429)
                        && !envelope.status_code.is_success() =>
                {
                    CallError::Ocpi { code: envelope.status_code, message: envelope.status_message.unwrap_or_default() }
                }
                _ => CallError::Status { status, retry_after: self.retry_after() },
            });
        }
        let malformed = |error: serde_json::Error| CallError::Malformed(error.to_string());
        let envelope = envelope.map_err(malformed)?;
        if !envelope.status_code.is_success() {
            let message = envelope.status_message.unwrap_or_default();
            return Err(CallError::Ocpi { code: envelope.status_code, message });
        }
        // From the text, so that numbers keep their digits.
        let envelope: Envelope<T> = match envelope.data {
            None | Some(Value::Null) => return Ok(None),
            Some(_) => serde_json::from_slice(&self.body).map_err(malformed)?,
        };
        Ok(envelope.data)
    }

    /// Seconds of `Retry-After` (RFC 9110 section 10.2.3); dates are not understood and mean nothing.
    fn retry_after(&self) -> Option<Duration> {
        let seconds = self.headers.get("retry-after")?.to_str().ok()?.trim().parse().ok()?;
        Some(Duration::from_secs(u64::min(seconds, 86_400)))
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    use super::*;

    /// A server that gives each connection the next answer; its address.
    async fn server(answers: Vec<&'static str>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move {
            for answer in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).await;
                if answer.is_empty() {
                    tokio::time::sleep(Duration::from_secs(10)).await;
                }
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        url
    }

    fn client() -> Client {
        Client::new(Addresses { allow_http: true, allow_private: true }, Duration::from_millis(500)).unwrap()
    }

    const fn call(url: &str) -> Call<'_> {
        Call {
            method: Method::GET,
            url,
            token: "t",
            base64: true,
            from: None,
            to: None,
            body: None,
            request_id: Uuid::nil(),
            correlation_id: Uuid::nil(),
        }
    }

    #[tokio::test]
    async fn answers_that_are_none() {
        for (answer, wanted, later) in [
            (
                "HTTP/1.1 429 Too Many\r\nretry-after: 7\r\ncontent-length: 0\r\n\r\n",
                CallError::Status { status: 429, retry_after: Some(Duration::from_secs(7)) },
                Some(Duration::from_secs(7)),
            ),
            (
                "HTTP/1.1 500 Oh\r\ncontent-length: 2\r\n\r\nno",
                CallError::Status { status: 500, retry_after: None },
                Some(Duration::ZERO),
            ),
            (
                "HTTP/1.1 302 There\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n",
                CallError::Status { status: 302, retry_after: None },
                None,
            ),
            (
                "HTTP/1.1 200 OK\r\ncontent-length: 45\r\n\r\n{\"status_code\":2001,\"status_message\":\"wrong\"}",
                CallError::Ocpi { code: StatusCode::INVALID_PARAMETERS, message: "wrong".into() },
                None,
            ),
            (
                "HTTP/1.1 404 No\r\ncontent-length: 44\r\n\r\n{\"status_code\":2004,\"status_message\":\"none\"}",
                CallError::Ocpi { code: StatusCode::UNKNOWN_TOKEN, message: "none".into() },
                None,
            ),
            ("", CallError::Timeout, Some(Duration::ZERO)),
        ] {
            let url = server(vec![answer]).await;
            let error = client().send(&call(&url)).await.read::<Value>().unwrap_err();
            assert_eq!((error.retry(), error), (later, wanted), "{answer}");
        }
        let url = server(vec!["HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n{\"data\":[1,2,"]).await;
        assert!(matches!(client().send(&call(&url)).await.read::<Value>(), Err(CallError::Connection(_))));
        let url = server(vec!["HTTP/1.1 200 OK\r\ncontent-length: 13\r\n\r\n{\"data\":[1,2,"]).await;
        assert!(matches!(client().send(&call(&url)).await.read::<Value>(), Err(CallError::Malformed(_))));
    }

    #[tokio::test]
    async fn pages_lead_on_or_end() {
        const NEXT: &str = "HTTP/1.1 200 OK\r\nlink: </?offset=1>; rel=\"next\"\r\nconnection: close\r\ncontent-length: 31\r\n\r\n\
            {\"data\":[1],\"status_code\":1000}";
        const LAST: &str =
            "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 31\r\n\r\n{\"data\":[2],\"status_code\":1000}";
        const AWAY: &str = "HTTP/1.1 200 OK\r\nlink: <http://10.0.0.1/>; rel=\"next\"\r\nconnection: close\r\n\
            content-length: 31\r\n\r\n{\"data\":[3],\"status_code\":1000}";
        for (answers, result, wanted) in [
            (vec![NEXT, LAST], Ok(()), vec![1, 2]),
            (vec![NEXT, NEXT, NEXT], Err(CallError::Pages), vec![1, 1]),
            (vec![AWAY], Err(CallError::Pages), vec![3]),
        ] {
            let url = server(answers).await;
            let mut got = Vec::new();
            let done = client()
                .pages::<i32>(&call(&url), async |_, items| {
                    got.extend(items.unwrap());
                    true
                })
                .await;
            assert_eq!((done, got), (result, wanted));
        }
    }
}
