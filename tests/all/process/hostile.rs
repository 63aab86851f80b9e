//! Clients that break the protocol, by mistake or on purpose: each has a defined end, and leaves nothing behind.

use std::time::{Duration, Instant};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{
    crash::{log_in, prepare},
    server::{Server, folder},
};
use crate::world::Client;

const SOON: Duration = Duration::from_secs(10);

const TEXT: u8 = 0x1;
const BINARY: u8 = 0x2;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xA;
/// The last frame of a message.
const FIN: u8 = 0x80;
const RSV1: u8 = 0x40;

const HEARTBEAT: &[u8] = br#"[2,"h","Heartbeat",{}]"#;

/// A frame as clients send it (RFC 6455 section 5.2), masked with zeros.
fn frame(head: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = header(head, payload.len() as u64);
    bytes.extend(payload);
    bytes
}

/// A masked frame's header, which may promise more than comes.
fn header(head: u8, length: u64) -> Vec<u8> {
    let mut bytes = vec![head];
    match length {
        0..126 => bytes.push(0x80 | length as u8),
        126..0x1_0000 => {
            bytes.push(0x80 | 126);
            bytes.extend((length as u16).to_be_bytes());
        }
        _ => {
            bytes.push(0x80 | 127);
            bytes.extend(length.to_be_bytes());
        }
    }
    bytes.extend([0; 4]);
    bytes
}

fn close(code: u16) -> Vec<u8> {
    frame(FIN | CLOSE, &code.to_be_bytes())
}

/// A socket whose bytes are written by hand.
struct Raw(TcpStream);

impl Raw {
    async fn open(url: &str) -> Self {
        Self(TcpStream::connect(url.trim_start_matches("ws://")).await.unwrap())
    }

    async fn send(&mut self, bytes: &[u8]) {
        // The other side may have hung up already: what it said is looked at, not whether we were heard.
        let _ = self.0.write_all(bytes).await;
    }

    /// The status of the response to an HTTP request; `None` when the socket is closed without one.
    async fn status(&mut self, request: &str) -> Option<u16> {
        self.send(request.as_bytes()).await;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            match tokio::time::timeout(SOON, self.0.read_u8()).await.expect("an answer in time") {
                Ok(byte) => head.push(byte),
                Err(_) => return None,
            }
        }
        String::from_utf8(head).unwrap().split(' ').nth(1).unwrap().parse().ok()
    }

    /// The next frame's head byte and payload; `None` when the socket is closed.
    async fn next(&mut self) -> Option<(u8, Vec<u8>)> {
        let read = async {
            let head = self.0.read_u8().await.ok()?;
            let length = match self.0.read_u8().await.ok()? {
                126 => self.0.read_u16().await.ok()?.into(),
                127 => self.0.read_u64().await.ok()?,
                short => short.into(),
            };
            let mut payload = vec![0; length as usize];
            self.0.read_exact(&mut payload).await.ok()?;
            Some((head, payload))
        };
        tokio::time::timeout(SOON, read).await.expect("a frame or the end in time")
    }

    /// The code of the close frame that comes next; 1005 when it has none, `None` when the socket is closed without one.
    async fn closed(&mut self) -> Option<u16> {
        let (head, payload) = self.next().await?;
        assert_eq!(head, FIN | CLOSE, "{payload:?}");
        let code = payload.first_chunk().map_or(1005, |code| u16::from_be_bytes(*code));
        assert!(self.next().await.is_none(), "nothing comes after a close");
        Some(code)
    }

    /// Its call is answered.
    async fn heartbeat_answered(&mut self) {
        let (head, payload) = self.next().await.expect("an answer");
        let answer: Value = serde_json::from_slice(&payload).unwrap();
        assert_eq!((head, &answer[0], &answer[1]), (FIN | TEXT, &json!(3), &json!("h")));
    }
}

fn upgrade(identity: &str, password: &str, more: &str) -> String {
    let basic = STANDARD.encode(format!("{identity}:{password}"));
    format!(
        "GET /{identity} HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: ocpp1.6\r\nAuthorization: Basic {basic}\r\n{more}\r\n"
    )
}

/// A station that may connect, at a running server.
struct Door {
    server: Server,
    client: Client,
    station: String,
    password: String,
    _folder: tempfile::TempDir,
}

impl Door {
    async fn open(settings: &[(&str, &str)]) -> Self {
        let folder = folder();
        let server = Server::start_with(folder.path(), settings).await;
        let client = log_in(&server, &server.password.clone().unwrap()).await;
        let (_, password) = prepare(&client, 1).await.remove(0);
        let found = client.get("/v1/stations?ocpp_identity=CP0").await;
        let station = found.body["items"][0]["id"].as_str().unwrap().to_owned();
        Self { server, client, station, password, _folder: folder }
    }

    async fn connect(&self) -> Raw {
        let mut raw = Raw::open(&self.server.stations).await;
        assert_eq!(raw.status(&upgrade("CP0", &self.password, "")).await, Some(101));
        raw
    }

    /// Its newest connection has ended, for this reason.
    async fn ended(&self, reason: &str, case: &str) {
        let path = format!("/v1/station-connections?station_id={}", self.station);
        let deadline = Instant::now() + SOON;
        loop {
            let newest = self.client.get(&path).await.body["items"][0].clone();
            if newest["reason"] == reason {
                assert!(newest["disconnected_at"].is_string());
                return;
            }
            assert!(Instant::now() < deadline, "{case}: {newest}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// No connection is open, in the database, in the table of connections, or as a socket.
    async fn nothing_is_left(&self, files: usize) {
        let live = self.client.get(&format!("/v1/stations/{}/live", self.station)).await.body;
        assert_eq!(live["connected"], false);
        let open = self.server.count("select count(*) from station_connection where disconnected_at is null").await;
        assert_eq!((open, self.server.metric("stromtor_ocpp_connections").await), (0, 0.0));
        let deadline = Instant::now() + SOON;
        // The pools may have grown by a few.
        while self.server.open_files() > files + 12 {
            assert!(Instant::now() < deadline, "{} sockets and files, {files} before", self.server.open_files());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_that_is_none_is_refused_or_times_out() {
    let door = Door::open(&[]).await;
    let (url, password) = (&door.server.stations, &door.password);
    let files = door.server.open_files();
    // Forty that begin and do not end, a byte a second or none at all.
    let slow = (0..40).map(|number| async move {
        let mut raw = Raw::open(url).await;
        let began = Instant::now();
        for byte in b"GET /CP0 HTTP/1.1\r\nHost: here, and so on" {
            if number % 2 == 0 {
                raw.send(&[*byte]).await;
            }
            let mut end = [0];
            match tokio::time::timeout(Duration::from_secs(1), raw.0.read(&mut end)).await {
                Err(_) => {}
                Ok(Ok(0) | Err(_)) => return began.elapsed(),
                Ok(Ok(_)) => panic!("answered"),
            }
        }
        panic!("still open after {:?}", began.elapsed());
    });
    let slow = futures_util::future::join_all(slow);
    let wrong = async {
        let long = format!("X-Long: {}\r\n", "x".repeat(9 * 1024));
        let many: String = (0..100).map(|number| format!("X-{number}: 1\r\n")).collect();
        let fine = upgrade("CP0", password, "");
        for (request, status) in [
            (upgrade("CP0", password, &long), Some(400)),
            (upgrade("CP0", password, &many), Some(400)),
            (fine.replacen("GET", "POST", 1), Some(400)),
            (fine.replace("Sec-WebSocket-Key", "X-Key"), Some(400)),
            (fine.replace("Version: 13", "Version: 8"), Some(400)),
            (fine.replace("GET /CP0", "GET /"), Some(400)),
            (fine.replace("GET /CP0", "GET /nobody"), Some(404)),
            (upgrade("CP0", "wrong", ""), Some(401)),
            ("\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\u{1}\u{fc}\r\n".to_owned(), Some(400)),
            ("GET\r\n\r\n".to_owned(), Some(400)),
        ] {
            let mut raw = Raw::open(url).await;
            assert_eq!(raw.status(&request).await, status, "{request:.60}");
            assert!(raw.next().await.is_none(), "refused and closed: {request:.60}");
        }
        // A station comes in meanwhile.
        let mut station = door.connect().await;
        station.send(&frame(FIN | TEXT, HEARTBEAT)).await;
        station.heartbeat_answered().await;
        station.send(&close(1000)).await;
        assert_eq!(station.closed().await, Some(1000));
    };
    let (slow, ()) = tokio::join!(slow, wrong);
    assert!(slow.iter().all(|took| (Duration::from_secs(10)..Duration::from_secs(25)).contains(took)), "{slow:?}");
    door.ended("closed_by_station", "the good one").await;
    door.nothing_is_left(files).await;
    door.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_that_break_the_protocol_end_the_connection_with_the_code_that_says_why() {
    let door = Door::open(&[("STROMTOR_OCPP__MAX_FRAME_BYTES", "65536")]).await;
    let files = door.server.open_files();
    let mut unmasked = vec![FIN | TEXT, HEARTBEAT.len() as u8];
    unmasked.extend(HEARTBEAT);
    let large = format!(r#"[2,"1","DataTransfer",{{"vendorId":"x","data":"{}"}}]"#, "y".repeat(40_000));
    let fragments = [frame(TEXT, large.as_bytes()), frame(0, large.as_bytes()), frame(FIN, b"]")].concat();
    for (case, bytes, code, reason) in [
        ("unmasked", unmasked, 1002, "protocol_error"),
        ("compressed, though nobody offered it", frame(FIN | RSV1 | TEXT, HEARTBEAT), 1002, "protocol_error"),
        ("an opcode that is reserved", frame(FIN | 0x3, b"x"), 1002, "protocol_error"),
        ("a continuation of nothing", frame(FIN, b"x"), 1002, "protocol_error"),
        (
            "a message within a message",
            [frame(TEXT, b"[2,"), frame(FIN | TEXT, HEARTBEAT)].concat(),
            1002,
            "protocol_error",
        ),
        ("a ping in pieces", frame(PING, b"x"), 1002, "protocol_error"),
        ("a ping that is too long", frame(FIN | PING, &[b'x'; 126]), 1002, "protocol_error"),
        ("text that is no UTF-8", frame(FIN | TEXT, b"[2,\"\xff\xfe\"]"), 1007, "protocol_error"),
        ("text that breaks off", frame(FIN | TEXT, "ä".as_bytes().split_last().unwrap().1), 1007, "protocol_error"),
        ("a promise of a terabyte", header(FIN | TEXT, 1 << 40), 1009, "frame_too_large"),
        ("pieces that are too long together", fragments, 1009, "frame_too_large"),
        ("a close code that nobody may send", close(1005), 1002, "closed_by_station"),
        ("a close of one byte", frame(FIN | CLOSE, b"x"), 1002, "protocol_error"),
        ("going away", close(1001), 1001, "closed_by_station"),
        ("a close code of its own", close(4321), 4321, "closed_by_station"),
        ("a close that says nothing", frame(FIN | CLOSE, b""), 1005, "closed_by_station"),
    ] {
        let mut raw = door.connect().await;
        raw.send(&bytes).await;
        assert_eq!(raw.closed().await, Some(code), "{case}");
        door.ended(reason, case).await;
    }
    // Gone without a word, in the midst of a frame.
    let mut raw = door.connect().await;
    raw.send(&header(FIN | TEXT, 1000)).await;
    raw.send(b"[2,").await;
    drop(raw);
    door.ended("lost", "gone").await;
    door.nothing_is_left(files).await;
    door.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_odd_but_allowed_is_understood() {
    let door = Door::open(&[("STROMTOR_OCPP__CALL_TIMEOUT_S", "1")]).await;
    let files = door.server.open_files();
    let mut raw = door.connect().await;
    // A ping is answered with what it held, also between the pieces of a message.
    raw.send(&frame(FIN | PING, b"are you there")).await;
    assert_eq!(raw.next().await, Some((FIN | PONG, b"are you there".to_vec())));
    let (begin, end) = HEARTBEAT.split_at(7);
    raw.send(&[frame(TEXT, begin), frame(FIN | PING, b""), frame(0, b""), frame(FIN, end)].concat()).await;
    assert_eq!(raw.next().await, Some((FIN | PONG, Vec::new())));
    raw.heartbeat_answered().await;
    // Text in binary frames, and nobody's pong.
    raw.send(&[frame(FIN | PONG, b"x"), frame(FIN | BINARY, HEARTBEAT)].concat()).await;
    raw.heartbeat_answered().await;
    // Bytes that are no text, texts that are no frames, answers to nothing: counted, dropped, and the connection stays.
    let (malformed, unknown) = ("stromtor_ocpp_malformed_frames_total", "stromtor_ocpp_unknown_answers_total");
    raw.send(&frame(FIN | BINARY, b"\xff\xfe\x00")).await;
    for text in ["", "{", "[]", "[3]", "[7,\"1\",{}]"] {
        raw.send(&frame(FIN | TEXT, text.as_bytes())).await;
    }
    for text in [r#"[3,"nobody",{}]"#, r#"[4,"nobody","GenericError","",{}]"#] {
        raw.send(&frame(FIN | TEXT, text.as_bytes())).await;
    }
    raw.send(&frame(FIN | TEXT, HEARTBEAT)).await;
    raw.heartbeat_answered().await;
    assert_eq!((door.server.metric(malformed).await, door.server.metric(unknown).await), (6.0, 2.0));
    // An answer that comes too late is one to nothing.
    let commands = format!("/v1/stations/{}/commands", door.station);
    let given = door.client.post(&commands, json!({ "type": "clear_cache" })).await;
    let (_, call) = raw.next().await.unwrap();
    let call: Value = serde_json::from_slice(&call).unwrap();
    let command = format!("/v1/commands/{}", given.id());
    crate::ocpp::door::eventually(&door.client, &command, "state", json!("timed_out")).await;
    assert_eq!(door.server.metric("stromtor_ocpp_call_timeouts_total").await, 1.0);
    raw.send(&frame(FIN | TEXT, json!([3, call[1], { "status": "Accepted" }]).to_string().as_bytes())).await;
    raw.send(&frame(FIN | TEXT, HEARTBEAT)).await;
    raw.heartbeat_answered().await;
    assert_eq!(door.server.metric(unknown).await, 3.0);
    assert_eq!(door.client.get(&command).await.body["state"], "timed_out");
    raw.send(&close(1000)).await;
    assert_eq!(raw.closed().await, Some(1000));
    door.ended("closed_by_station", "the end").await;
    // The first frame may come with the request itself.
    let mut raw = Raw::open(&door.server.stations).await;
    let both = [upgrade("CP0", &door.password, "").into_bytes(), frame(FIN | TEXT, HEARTBEAT)].concat();
    raw.send(&both).await;
    assert_eq!(raw.status("").await, Some(101));
    raw.heartbeat_answered().await;
    drop(raw);
    door.ended("lost", "hung up").await;
    door.nothing_is_left(files).await;
    door.server.stop().await;
}
