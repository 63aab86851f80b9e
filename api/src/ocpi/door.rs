//! The door for OCPI peers: who calls, in which envelope the answer stands, and the log of both.

use poem::{
    Request, Response,
    http::{Method, StatusCode, header},
};
use serde::{Serialize, de::DeserializeOwned};
use stromtor_domain::{
    Error, Timestamp,
    roaming::ocpi_peer::{OcpiPeer, OcpiPeerState},
};
use stromtor_ocpi::{
    envelope::{Envelope, StatusCode as OcpiStatus},
    header::{
        OCPI_FROM_COUNTRY_CODE, OCPI_FROM_PARTY_ID, OCPI_TO_COUNTRY_CODE, OCPI_TO_PARTY_ID, X_CORRELATION_ID, X_LIMIT,
        X_REQUEST_ID, X_TOTAL_COUNT, tokens,
    },
    page::PageQuery,
    values::DateTime,
};
use stromtor_persistence::roaming::{ocpi_peer, place::Window};

use super::log::{self, Told};
use crate::state::App;

/// The most that a peer may send, in bytes.
const MOST_BYTES: usize = 1 << 20;
/// The most items of a page.
const MOST_ITEMS: u64 = 100;
/// Headers that an answer repeats, and where those of the party go.
const REPEATED: [(&str, &str); 6] = [
    (X_REQUEST_ID, X_REQUEST_ID),
    (X_CORRELATION_ID, X_CORRELATION_ID),
    (OCPI_FROM_COUNTRY_CODE, OCPI_TO_COUNTRY_CODE),
    (OCPI_FROM_PARTY_ID, OCPI_TO_PARTY_ID),
    (OCPI_TO_COUNTRY_CODE, OCPI_FROM_COUNTRY_CODE),
    (OCPI_TO_PARTY_ID, OCPI_FROM_PARTY_ID),
];

/// A call of a peer that is known.
pub struct Asked {
    /// Who calls.
    pub peer: OcpiPeer,
    /// The token it called with.
    pub token: String,
    /// How.
    pub method: Method,
    /// What, behind `/ocpi`.
    pub path: Vec<String>,
    /// The query string.
    pub query: String,
    /// The body.
    pub body: Vec<u8>,
}

impl Asked {
    /// The body as an object of OCPI's.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        // What is no JSON at all is HTTP's business (section 4.1.7).
        let malformed = || Refusal { http: StatusCode::BAD_REQUEST, ..Refusal::invalid("the body is no JSON") };
        let mut reader = serde_json::Deserializer::from_slice(&self.body);
        match serde_path_to_error::deserialize(&mut reader) {
            Ok(value) => Ok(value),
            Err(error) if error.inner().is_data() => Err(Refusal::invalid(error.to_string())),
            Err(_) => Err(malformed()),
        }
    }

    /// Which page of a list is asked for.
    pub fn page(&self) -> Result<PageQuery, Refusal> {
        PageQuery::parse(&self.query).map_err(Refusal::invalid)
    }

    /// How many items it is to have: what is asked for, up to what we give.
    pub fn limit(&self) -> Result<u64, Refusal> {
        Ok(self.page()?.limit.unwrap_or(MOST_ITEMS).min(MOST_ITEMS))
    }

    /// The same as the database takes it.
    pub fn window(&self) -> Result<Window, Refusal> {
        let (query, limit) = (self.page()?, self.limit()?);
        Ok(Window {
            from: query.date_from.map(|time| time.0),
            to: query.date_to.map(|time| time.0),
            offset: i64::try_from(query.offset).unwrap_or(i64::MAX),
            limit: i64::try_from(limit).unwrap_or(i64::MAX),
        })
    }

    /// Refused unless it is a GET.
    pub fn get(&self) -> Result<(), Refusal> {
        if self.method == Method::GET { Ok(()) } else { Err(Refusal::method_not_allowed("only GET is possible here")) }
    }

    /// Refused unless credentials were exchanged: a registration token is for versions and credentials alone.
    pub fn registered(&self) -> Result<(), Refusal> {
        if self.peer.state == OcpiPeerState::Registered {
            return Ok(());
        }
        Err(Refusal { http: StatusCode::UNAUTHORIZED, ..Refusal::client("the token is for registration alone") })
    }
}

/// An answer that is a success.
pub struct Reply {
    http: StatusCode,
    body: Vec<u8>,
    headers: Vec<(&'static str, String)>,
}

impl Reply {
    /// With what was asked for.
    pub fn of<T: Serialize>(data: T, now: Timestamp) -> Result<Self, Refusal> {
        let body = serde_json::to_vec(&Envelope::of(data, DateTime(now))).map_err(Error::internal)?;
        Ok(Self { http: StatusCode::OK, body, headers: Vec::new() })
    }

    /// A page of a list, with how many match and where the next page is.
    pub fn page<T: Serialize>(items: Vec<T>, total: i64, asked: &Asked, app: &App) -> Result<Self, Refusal> {
        let (query, limit) = (asked.page()?, asked.limit()?);
        let mut reply = Self::of(items, app.now())?;
        reply.headers.push((X_TOTAL_COUNT, total.to_string()));
        reply.headers.push((X_LIMIT, MOST_ITEMS.to_string()));
        if i64::try_from(query.offset.saturating_add(limit)).is_ok_and(|next| next < total) {
            let url = format!("{}/ocpi/{}", app.public_url, asked.path.join("/"));
            reply.headers.push(("link", query.next(&url, limit)));
        }
        Ok(reply)
    }

    /// Done, with nothing to say.
    pub fn done(now: Timestamp, created: bool) -> Result<Self, Refusal> {
        let body = serde_json::to_vec(&Envelope::done(DateTime(now))).map_err(Error::internal)?;
        let http = if created { StatusCode::CREATED } else { StatusCode::OK };
        Ok(Self { http, body, headers: Vec::new() })
    }
}

/// An answer that is none.
#[derive(Debug)]
pub struct Refusal {
    /// HTTP's status.
    pub http: StatusCode,
    /// OCPI's.
    pub code: OcpiStatus,
    /// Why, for people.
    pub message: String,
}

impl Refusal {
    fn new(http: StatusCode, code: OcpiStatus, message: impl Into<String>) -> Self {
        Self { http, code, message: message.into() }
    }

    /// The caller did something wrong.
    pub fn client(message: impl Into<String>) -> Self {
        Self::new(StatusCode::OK, OcpiStatus::CLIENT_ERROR, message)
    }

    /// A parameter is wrong: it got as far as OCPI, so HTTP has nothing to say.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::OK, OcpiStatus::INVALID_PARAMETERS, message)
    }

    /// It is not there.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, OcpiStatus::CLIENT_ERROR, message)
    }

    /// It cannot be done in this way.
    pub fn method_not_allowed(message: impl Into<String>) -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, OcpiStatus::CLIENT_ERROR, message)
    }

    /// The peer's own endpoints do not do what they must.
    pub fn of_peer(code: OcpiStatus, message: impl Into<String>) -> Self {
        Self::new(StatusCode::OK, code, message)
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        match &error {
            Error::Internal(cause) | Error::Unavailable(cause) => {
                tracing::error!(%cause, "a peer's call failed");
                Self::new(StatusCode::OK, OcpiStatus::SERVER_ERROR, error.to_string())
            }
            Error::NotFound(_) => Self::not_found(error.to_string()),
            _ => Self::client(error.to_string()),
        }
    }
}

async fn known(app: &App, request: &Request) -> Result<(OcpiPeer, String), Refusal> {
    let tokens = request.header(header::AUTHORIZATION).map(tokens).unwrap_or_default();
    let hmacs: Vec<Vec<u8>> = tokens.iter().map(|token| app.secrets.fingerprint(token.as_bytes())).collect();
    let mut tx = app.db.begin_worker().await?;
    let found = ocpi_peer::by_token(&mut tx, &hmacs).await?.filter(|(peer, _)| peer.input.enabled);
    tx.commit().await?;
    let unknown = || Refusal { http: StatusCode::UNAUTHORIZED, ..Refusal::client("the token is missing or not known") };
    let (peer, at) = found.ok_or_else(unknown)?;
    Ok((peer, tokens[at].clone()))
}

/// Answers a call, and keeps both.
pub async fn answer<F, W>(app: &App, mut request: Request, dispatch: F) -> Response
where
    F: FnOnce(App, Asked) -> W,
    W: Future<Output = Result<Reply, Refusal>>,
{
    let (began, now) = (std::time::Instant::now(), app.now());
    let headers = request.headers().clone();
    let (peer, token) = match known(app, &request).await {
        Ok(known) => known,
        Err(refusal) => return response(Err(refusal), &headers, now),
    };
    let (method, url) = (request.method().clone(), request.uri().to_string());
    let path = request.uri().path().trim_start_matches("/ocpi/").trim_end_matches('/');
    let path: Vec<String> = path.split('/').map(decoded).collect();
    let query = request.uri().query().unwrap_or_default().to_owned();
    let body = request.take_body().into_bytes_limit(MOST_BYTES).await;
    let module = path.get(1).cloned();
    let (sent, result) = match body {
        Ok(body) => {
            let asked = Asked { peer: peer.clone(), token, method: method.clone(), path, query, body: body.to_vec() };
            (body.to_vec(), dispatch(app.clone(), asked).await)
        }
        Err(_) => (
            Vec::new(),
            Err(Refusal { http: StatusCode::PAYLOAD_TOO_LARGE, ..Refusal::client("the body is too large") }),
        ),
    };
    let status = result.as_ref().map_or_else(|refusal| refusal.code, |_| OcpiStatus::SUCCESS);
    let mut response = response(result, &headers, now);
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let body = response.take_body().into_bytes().await.unwrap_or_default();
    let told = Told {
        method: &method,
        url: &url,
        module: module.as_deref(),
        request_id: text(X_REQUEST_ID),
        correlation_id: text(X_CORRELATION_ID),
        request: Some(&sent),
        status: Some(response.status().as_u16()),
        ocpi_status: Some(status),
        response: Some(&body),
        took: began.elapsed(),
        error: None,
    };
    log::incoming(app, &peer, now, &told).await;
    response.set_body(body);
    response
}

/// A path segment as it was meant.
fn decoded(segment: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = segment.as_bytes();
    while let Some((first, more)) = rest.split_first() {
        let code = (*first == b'%').then(|| more.get(..2)).flatten();
        match code.and_then(|code| std::str::from_utf8(code).ok()).and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &more[2..];
            }
            None => {
                bytes.push(*first);
                rest = more;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn response(result: Result<Reply, Refusal>, headers: &poem::http::HeaderMap, now: Timestamp) -> Response {
    let reply = result.unwrap_or_else(|refusal| {
        let envelope: Envelope<()> = Envelope::error(refusal.code, refusal.message, DateTime(now));
        Reply { http: refusal.http, body: serde_json::to_vec(&envelope).unwrap_or_default(), headers: Vec::new() }
    });
    let mut response = Response::builder().status(reply.http).content_type("application/json");
    for (from, to) in REPEATED {
        if let Some(value) = headers.get(from) {
            response = response.header(to, value);
        }
    }
    for (name, value) in reply.headers {
        response = response.header(name, value);
    }
    response.body(reply.body)
}
