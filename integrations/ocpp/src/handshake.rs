//! The WebSocket upgrade (RFC 6455, section 4.2), our own because stations get it wrong in ways that libraries refuse.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use stromtor_domain::network::quirk::Quirk;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::read::Quirks;

const MAX_REQUEST: usize = 8 * 1024;
const MAX_HEADERS: usize = 64;

/// What a station asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upgrade {
    /// Last segment of the path, decoded.
    pub identity: String,
    /// User and password of Basic authentication.
    pub basic: Option<(String, Vec<u8>)>,
    /// Sub-protocols offered, best first.
    pub protocols: Vec<String>,
    /// What had to be forgiven.
    pub quirks: Quirks,
    key: String,
    /// What came behind the request already.
    pub rest: Vec<u8>,
}

/// Reads the request. `None` when it is no upgrade; it was answered then.
pub async fn read<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) -> std::io::Result<Option<Upgrade>> {
    let mut buffer = Vec::with_capacity(1024);
    loop {
        if stream.read_buf(&mut buffer).await? == 0 {
            return Ok(None);
        }
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut request = httparse::Request::new(&mut headers);
        match request.parse(&buffer) {
            Ok(httparse::Status::Complete(length)) => {
                let upgrade = understand(&request, &buffer[length..]);
                if upgrade.is_none() {
                    refuse(stream, 400, "Bad Request").await?;
                }
                return Ok(upgrade);
            }
            Ok(httparse::Status::Partial) if buffer.len() < MAX_REQUEST => {}
            _ => {
                refuse(stream, 400, "Bad Request").await?;
                return Ok(None);
            }
        }
    }
}

fn understand(request: &httparse::Request<'_, '_>, rest: &[u8]) -> Option<Upgrade> {
    let header = |name: &str| {
        let found = request.headers.iter().filter(|header| header.name.eq_ignore_ascii_case(name));
        let values: Vec<&str> = found.filter_map(|header| std::str::from_utf8(header.value).ok()).collect();
        (!values.is_empty()).then(|| values.join(","))
    };
    // `Connection: Upgrade` is not asked for: some stations leave it out. The key says what they mean.
    let key = header("sec-websocket-key")?;
    if request.method != Some("GET") || header("sec-websocket-version").is_some_and(|version| version.trim() != "13") {
        return None;
    }
    let protocols = header("sec-websocket-protocol").unwrap_or_default();
    let mut quirks = Quirks::new();
    if !header("connection").is_some_and(|value| value.to_ascii_lowercase().contains("upgrade")) {
        quirks.push(Quirk::NoConnectionUpgrade);
    }
    let path = request.path?;
    if path.contains("//") || path.split(['?', '#']).next().is_some_and(|path| path.ends_with('/')) {
        quirks.push(Quirk::OddPath);
    }
    Some(Upgrade {
        identity: identity(path)?,
        basic: header("authorization").as_deref().and_then(basic),
        protocols: protocols.split(',').map(|p| p.trim().to_owned()).filter(|p| !p.is_empty()).collect(),
        quirks,
        key: key.trim().to_owned(),
        rest: rest.to_vec(),
    })
}

/// The last non-empty segment of the path, decoded once: stations double slashes and put whole URLs here.
fn identity(path: &str) -> Option<String> {
    let path = path.split(['?', '#']).next()?;
    let segment = path.rsplit('/').find(|segment| !segment.is_empty())?;
    let bytes = segment.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = (bytes[at] == b'%').then(|| segment.get(at + 1..at + 3)).flatten();
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                decoded.push(byte);
                at += 3;
            }
            None => {
                decoded.push(bytes[at]);
                at += 1;
            }
        }
    }
    let identity = String::from_utf8(decoded).ok()?;
    let fine = !identity.is_empty() && identity.chars().count() <= 255 && !identity.contains('\0');
    fine.then_some(identity)
}

/// Basic authentication, split at the first colon only: the password is raw bytes and may hold others.
fn basic(header: &str) -> Option<(String, Vec<u8>)> {
    let (scheme, encoded) = header.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = STANDARD.decode(encoded.trim()).ok()?;
    let colon = decoded.iter().position(|byte| *byte == b':')?;
    let user = String::from_utf8(decoded[..colon].to_vec()).ok()?;
    Some((user, decoded[colon + 1..].to_vec()))
}

/// Completes the upgrade, with or without a sub-protocol.
pub async fn accept<S: AsyncWrite + Unpin>(
    stream: &mut S,
    upgrade: &Upgrade,
    protocol: Option<&str>,
) -> std::io::Result<()> {
    let key = derive_accept_key(upgrade.key.as_bytes());
    let protocol = protocol.map_or(String::new(), |protocol| format!("Sec-WebSocket-Protocol: {protocol}\r\n"));
    let response = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {key}\r\n\
         {protocol}\r\n"
    );
    stream.write_all(response.as_bytes()).await?;
    stream.flush().await
}

/// Refuses with an HTTP status.
pub async fn refuse<S: AsyncWrite + Unpin>(stream: &mut S, status: u16, reason: &str) -> std::io::Result<()> {
    let extra = match status {
        401 => "WWW-Authenticate: Basic realm=\"OCPP\"\r\n",
        429 | 503 => "Retry-After: 30\r\n",
        _ => "",
    };
    let response = format!("HTTP/1.1 {status} {reason}\r\n{extra}Content-Length: 0\r\nConnection: close\r\n\r\n");
    stream.write_all(response.as_bytes()).await?;
    stream.shutdown().await
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn finds_the_identity_in_odd_paths() {
        for (path, expected) in [
            ("/CP1", "CP1"),
            ("///CP1", "CP1"),
            ("/ocpp/CP1/", "CP1"),
            ("/ws://host:9220/CP1", "CP1"),
            ("/CP%201", "CP 1"),
            ("/CP%2F1", "CP/1"),
            ("/a.b-c_d", "a.b-c_d"),
            ("/CP1?x=/y", "CP1"),
            ("/100%", "100%"),
            ("/100%é1", "100%é1"),
        ] {
            assert_eq!(identity(path).as_deref(), Some(expected), "{path}");
        }
        assert_eq!(identity("/"), None);
        assert_eq!(identity("/%00"), None);
    }

    #[test]
    fn the_key_says_what_is_meant() {
        let asked = |text: &str| {
            let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
            let mut request = httparse::Request::new(&mut headers);
            assert!(request.parse(text.as_bytes()).unwrap().is_complete());
            understand(&request, &[])
        };
        let usual = "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: a\r\n";
        let fine = asked(&format!("GET /ocpp/CP1 HTTP/1.1\r\nConnection: keep-alive, Upgrade\r\n{usual}\r\n")).unwrap();
        assert_eq!((fine.identity.as_str(), fine.quirks), ("CP1", vec![]));
        let odd = asked(&format!("GET ///CP1/ HTTP/1.1\r\n{usual}\r\n")).unwrap();
        assert_eq!((odd.identity.as_str(), odd.quirks), ("CP1", vec![Quirk::NoConnectionUpgrade, Quirk::OddPath]));
        assert_eq!(asked("GET /CP1 HTTP/1.1\r\nConnection: Upgrade\r\n\r\n"), None);
    }

    #[test]
    fn splits_basic_at_the_first_colon() {
        let header = format!("basic {}", STANDARD.encode(b"CP1:a:b\0c"));
        assert_eq!(basic(&header), Some(("CP1".into(), b"a:b\0c".to_vec())));
        assert_eq!(basic("Bearer x"), None);
    }

    proptest! {
        #[test]
        fn never_panics(path in "\\PC*") {
            let _ = identity(&path);
        }
    }
}
