//! What stations send, and what they might: the corpus, the corpus bent out of shape, and messages as large as they come.
//! `PROPTEST_CASES=1000000 cargo test --release -p stromtor-ocpp --test fuzz` looks longer.
#![allow(missing_docs, reason = "tests")]

use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde_json::{Value, json};
use stromtor_ocpp::{call, frame::Frame, fuzz::TARGETS, read::Quirks, version::Version};

/// `ocpp.max_frame_bytes` as it comes.
const MAX_FRAME: usize = 256 * 1024;

/// The `good` or `odd` entries of a file: frames, or texts where they are none.
fn corpus(file: &str, part: &str) -> Vec<String> {
    let text = match file {
        "ocpp1.6" => include_str!("../corpus/ocpp1.6.json"),
        "ocpp2.0.1" => include_str!("../corpus/ocpp2.0.1.json"),
        "answers" => include_str!("../corpus/answers.json"),
        "upgrades" => include_str!("../corpus/upgrades.json"),
        other => panic!("{other}"),
    };
    let all: Value = serde_json::from_str(text).unwrap();
    let each = |entry: &Value| match entry {
        Value::String(text) => text.clone(),
        // A call of ours and its answer.
        Value::Array(pair) if pair[0].is_array() => format!("{}\n{}", pair[0], pair[1]),
        frame => frame.to_string(),
    };
    all[part].as_array().unwrap().iter().map(each).collect()
}

fn everything() -> Vec<Vec<u8>> {
    let files = ["ocpp1.6", "ocpp2.0.1", "answers", "upgrades"].into_iter();
    files.flat_map(|file| [corpus(file, "good"), corpus(file, "odd")].concat()).map(String::into_bytes).collect()
}

fn run(bytes: &[u8]) {
    for target in TARGETS {
        (target.run)(bytes);
    }
}

#[test]
fn the_corpus_is_read_and_what_is_odd_in_it_is_noticed() {
    for version in Version::ALL {
        let file = version.as_str().trim_start_matches("ocpp");
        let read = |text: &str| match Frame::parse(text) {
            Ok(Frame::Call { action, payload, .. }) => {
                let mut quirks = Quirks::new();
                call::read(version, &action, &payload, &mut quirks).is_ok_and(|_| quirks.is_empty())
            }
            _ => false,
        };
        let file = format!("ocpp{file}");
        for text in corpus(&file, "good") {
            assert!(read(&text), "{version}: {text}");
        }
        // Extra elements, a missing payload and the like are forgiven by the frame, without a word.
        let silent = corpus(&file, "odd").into_iter().filter(|text| read(text)).count();
        assert!(silent <= 10, "{version}: {silent}");
    }
    for bytes in everything() {
        run(&bytes);
    }
}

/// A change of a text: where, how much, and what comes there.
#[derive(Debug, Clone)]
enum Bend {
    Cut(f64, usize),
    Repeat(f64, usize, usize),
    Put(f64, &'static str),
    Flip(f64, u8),
    /// From here on it is another of the corpus.
    Splice(f64, usize),
}

const TOKENS: [&str; 30] = [
    "null",
    "true",
    "0",
    "-1",
    "1e999",
    "-0.0",
    "1e-999",
    "9223372036854775808",
    "79228162514264337593543950335",
    "\"\"",
    "\"null\"",
    "{}",
    "[]",
    "[[[[[[[[",
    "{\"a\":{\"a\":",
    ",",
    ":",
    "\"",
    "\\u0000",
    "\\ud800",
    "ä",
    "\u{202e}",
    "\n",
    "\r\n\r\n",
    "%00",
    "2026-05-04T10:00:00",
    "+99:99",
    "\"key\":\"AuthorizationKey\",\"value\":\"x\"",
    "\"password\":\"{\\\"pin\\\":\\\"1\\\"}\"",
    "://u:p@h/transfer/",
];

fn bend() -> impl Strategy<Value = Bend> {
    prop_oneof![
        (0.0..1.0, 1_usize..40).prop_map(|(at, length)| Bend::Cut(at, length)),
        (0.0..1.0, 1_usize..40, 2_usize..40).prop_map(|(at, length, times)| Bend::Repeat(at, length, times)),
        (0.0..1.0, 0..TOKENS.len()).prop_map(|(at, token)| Bend::Put(at, TOKENS[token])),
        (0.0..1.0, any::<u8>()).prop_map(|(at, byte)| Bend::Flip(at, byte)),
        (0.0..1.0, any::<usize>()).prop_map(|(at, other)| Bend::Splice(at, other)),
    ]
}

fn bent(mut bytes: Vec<u8>, bends: &[Bend], all: &[Vec<u8>]) -> Vec<u8> {
    let place = |bytes: &[u8], at: f64| (at * bytes.len() as f64) as usize;
    for change in bends {
        match change {
            Bend::Cut(at, length) => {
                let at = place(&bytes, *at);
                bytes.drain(at..(at + length).min(bytes.len()));
            }
            Bend::Repeat(at, length, times) => {
                let at = place(&bytes, *at);
                let piece = bytes[at..(at + length).min(bytes.len())].repeat(*times);
                bytes.splice(at..at, piece);
            }
            Bend::Put(at, token) => {
                let at = place(&bytes, *at);
                bytes.splice(at..at, token.bytes());
            }
            Bend::Flip(at, byte) => {
                let at = place(&bytes, *at);
                if let Some(there) = bytes.get_mut(at) {
                    *there ^= byte;
                }
            }
            Bend::Splice(at, other) => {
                bytes.truncate(place(&bytes, *at));
                let other = &all[other % all.len()];
                bytes.extend(&other[place(other, *at)..]);
            }
        }
    }
    bytes.truncate(MAX_FRAME);
    bytes
}

fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,40}".prop_map(Value::from),
        "[0-9.eE+:TZ-]{0,30}".prop_map(Value::from),
        Just(Value::from("null")),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::hash_map("[a-zA-Z]{1,14}", inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Puts `value` somewhere into `payload`; `path` chooses where.
fn put(payload: &mut Value, path: &[usize], value: Value) {
    let Some((first, rest)) = path.split_first() else {
        *payload = value;
        return;
    };
    match payload {
        Value::Object(map) if !map.is_empty() => {
            let at = first % map.len();
            if let Some(field) = map.values_mut().nth(at) {
                put(field, rest, value);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            let at = first % items.len();
            put(&mut items[at], rest, value);
        }
        other => *other = value,
    }
}

proptest! {
    #[test]
    fn bytes_bent_out_of_shape_break_nothing(seed in any::<usize>(), bends in proptest::collection::vec(bend(), 1..8)) {
        let all = everything();
        run(&bent(all[seed % all.len()].clone(), &bends, &all));
    }

    #[test]
    fn nor_do_values_bent_out_of_shape(
        seed in any::<usize>(),
        puts in proptest::collection::vec((proptest::collection::vec(0_usize..60, 1..8), anything()), 1..6),
    ) {
        let all = everything();
        let whole = String::from_utf8(all[seed % all.len()].clone()).unwrap();
        let lines: Vec<String> = whole
            .split('\n')
            .map(|line| {
                let Ok(mut frame) = serde_json::from_str::<Value>(line) else { return line.to_owned() };
                for (path, value) in &puts {
                    // The payload is bent, the frame around it stays.
                    let at = frame.as_array().map_or(0, |parts| parts.len().saturating_sub(1));
                    put(&mut frame, &[&[at][..], &path[..]].concat(), value.clone());
                }
                frame.to_string()
            })
            .collect();
        run(lines.join("\n").as_bytes());
    }

    #[test]
    fn nor_does_anything_at_all(bytes in proptest::collection::vec(any::<u8>(), 0..400), text in "\\PC{0,200}") {
        run(&bytes);
        run(text.as_bytes());
    }
}

/// Bytes that this process has held at most.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
}

#[test]
fn the_largest_frames_take_little_time_and_memory() {
    let fill = |before: &str, piece: &str, after: &str| {
        let times = (MAX_FRAME - before.len() - after.len()) / piece.len();
        format!("{before}{}{after}", piece.repeat(times))
    };
    let call = |action: &str, before: &str, piece: &str, after: &str| {
        let (before, after) = (format!(r#"[2,"1","{action}",{before}"#), format!("{after}]"));
        fill(&before, piece, &after)
    };
    let half = "x".repeat(MAX_FRAME / 2);
    let part = r#""component":{"name":"A"},"variable":{"name":"B"}"#;
    let nested = r#"{"a":"#;
    let quotes = (0..12).fold("{}".to_owned(), |inner, _| json!({ "pin": "1", "a": inner }).to_string());
    let frames = [
        fill("", "[", ""),
        fill("", nested, ""),
        call("Heartbeat", "", "[", ""),
        call("Heartbeat", "{", r#""a":[],"#, r#""a":1}"#),
        call("Authorize", r#"{"idTag":""#, "x", r#""}"#),
        call("Authorize", r#"{"idTag":""#, r"\u0000", r#""}"#),
        call("MeterValues", r#"{"connectorId":1,"meterValue":["#, r#"{"sampledValue":{"value":1}},"#, "{}]}"),
        call(
            "MeterValues",
            r#"{"connectorId":1,"evseId":1,"meterValue":[{"sampledValue":["#,
            r#"{"value":1},"#,
            "{}]}]}",
        ),
        call("MeterValues", r#"{"connectorId":1,"meterValue":[{"sampledValue":["#, r#"{"value":"{"},"#, "{}]}]}"),
        call("StopTransaction", r#"{"meterStop":"#, "1", "}"),
        call("StopTransaction", r#"{"meterStop":5,"timestamp":""#, " ", r#""}"#),
        call("StartTransaction", r#"{"connectorId":1,"idTag":"A","meterStart":0."#, "1", "}"),
        call(
            "TransactionEvent",
            r#"{"eventType":"Ended","transactionInfo":{"transactionId":"t"},"meterValue":["#,
            "{},",
            "{}]}",
        ),
        call("DataTransfer", r#"{"vendorId":"x","data":["#, r#""","#, "1]}"),
        call("DataTransfer", r#"{"vendorId":"x","data":"{\"password\":\""#, "x", r#"\"}"}"#),
        call("NotifyReport", r#"{"requestId":1,"reportData":["#, &format!("{{{part}}},"), &format!("{{{part}}}]}}")),
        // A long text that every one of many small things repeats.
        call(
            "NotifyReport",
            &format!(
                r#"{{"requestId":1,"reportData":[{{{part},"variableCharacteristics":{{"valuesList":"{half}"}},"variableAttribute":["#
            ),
            "{},",
            "{}]}]}",
        ),
        call(
            "NotifyReport",
            &format!(
                r#"{{"requestId":1,"reportData":[{{"component":{{"name":"{half}"}},"variable":{{"name":"B"}},"variableAttribute":["#
            ),
            "{},",
            "{}]}]}",
        ),
        call(
            "ReportChargingProfiles",
            &format!(r#"{{"requestId":1,"chargingLimitSource":"{half}","chargingProfile":["#),
            "{},",
            "{}]}",
        ),
        call("NotifyEvent", r#"{"eventData":["#, &format!("{{{part}}},"), &format!("{{{part}}}]}}")),
        call("PublishFirmwareStatusNotification", r#"{"status":"Published","location":["#, r#""","#, "1]}"),
        call("SignCertificate", r#"{"csr":""#, "x", r#""}"#),
        call("ChangeConfiguration", r#"{"key":"AuthorizationKey","value":""#, "x", r#""}"#),
        call("GetDiagnostics", r#"{"location":"a://"#, "/transfer/", r#""}"#),
        call("DataTransfer", &format!(r#"{{"data":{}"#, Value::from(quotes)), " ", "}"),
        fill("[2,\"o\",\"GetConfiguration\",{}]\n[3,\"o\",{\"configurationKey\":[", r#"{"key":"A"},"#, "{}]}]"),
        fill("[2,\"o\",\"GetVariables\",{}]\n[3,\"o\",{\"getVariableResult\":[", &format!("{{{part}}},"), "{}]}]"),
        fill(
            "[2,\"o\",\"GetInstalledCertificateIds\",{}]\n[3,\"o\",{\"status\":\"Accepted\",\"certificateHashDataChain\":[",
            "{},",
            "1]}]",
        ),
        fill("GET /", "x", " HTTP/1.1\r\n\r\n"),
        fill("GET /x HTTP/1.1\r\n", "a: b\r\n", "\r\n"),
        fill("GET /x HTTP/1.1\r\nSec-WebSocket-Key: ", "x", "\r\n\r\n"),
        fill("", "\r\n", ""),
    ];
    for frame in frames {
        let shown: String = frame.chars().take(120).collect();
        assert!(frame.len() > MAX_FRAME * 9 / 10 && frame.len() <= MAX_FRAME, "{} {shown}", frame.len());
        let began = Instant::now();
        run(frame.as_bytes());
        // Unoptimised, on a busy machine, six readers and what checks them: milliseconds each otherwise.
        assert!(began.elapsed() < Duration::from_secs(5), "{:?} {shown}", began.elapsed());
        assert!(peak() < 600 << 20, "{} MiB {shown}", peak() >> 20);
    }
}
