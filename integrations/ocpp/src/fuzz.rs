//! Everything that reads what a station sends, as functions of bytes that return whatever the bytes: for `tests/fuzz.rs` and
//! for fuzzers. They panic where a reader breaks what it promises.

use futures_util::FutureExt as _;
use serde_json::Value;
use stromtor_domain::network::{quirk::Quirk, tolerance::Tolerances};

use crate::{
    call,
    frame::Frame,
    handshake, mask,
    read::Quirks,
    result, security,
    tolerate::{check_clock, tolerate},
    v16,
    version::Version,
};

/// A target.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Name.
    pub name: &'static str,
    /// Must return.
    pub run: fn(&[u8]),
}

/// All of them.
pub const TARGETS: [Target; 6] = [
    Target { name: "frame", run: frame },
    Target { name: "call_1_6", run: |bytes| call(Version::V16, bytes) },
    Target { name: "call_2_0_1", run: |bytes| call(Version::V201, bytes) },
    Target { name: "answer", run: answer },
    Target { name: "mask", run: masked },
    Target { name: "upgrade", run: upgrade },
];

/// What is read is in proportion to what came: nobody makes us keep a gigabyte with a frame of a few hundred kilobytes.
fn in_proportion(read: usize, came: usize) {
    assert!(read <= 500 * came + 20_000, "{read} bytes read from {came}");
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

fn frame(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    match Frame::parse(text) {
        Ok(frame) => {
            let again = Frame::parse(&frame.text()).expect("what we write can be read");
            assert_eq!(std::mem::discriminant(&again), std::mem::discriminant(&frame));
            in_proportion(frame.text().len(), text.len());
        }
        Err(wrong) => {
            for version in Version::ALL {
                if let Some(answer) = Frame::answer_to(wrong.clone(), version) {
                    assert!(matches!(Frame::parse(&answer.text()), Ok(Frame::Error { .. })));
                }
            }
        }
    }
}

fn call(version: Version, bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let Ok(Frame::Call { action, payload, .. }) = Frame::parse(text) else { return };
    let mut quirks = Quirks::new();
    let Ok(mut call) = call::read(version, &action, &payload, &mut quirks) else { return };
    assert!(quirks.len() < 40, "quirks are noted once each");
    let odd: Tolerances =
        serde_json::from_str(r#"{"time_zone":"Europe/Berlin","energy_unit":"kwh"}"#).expect("tolerances");
    quirks.push(Quirk::NoZone);
    tolerate(&mut call, &odd, &quirks);
    check_clock(&mut call, stromtor_domain::Timestamp::from_millis(0), &mut quirks);
    in_proportion(format!("{call:?}").len(), text.len());
}

/// Two lines: our call, and the station's answer.
fn answer(bytes: &[u8]) {
    let Some((ours, theirs)) = text(bytes).and_then(|text| text.split_once('\n')) else { return };
    let Ok(Frame::Call { action, payload: asked, .. }) = Frame::parse(ours) else { return };
    let Ok(Frame::Result { payload: answer, .. }) = Frame::parse(theirs) else { return };
    let found = result::parameters(&action, &asked, &answer);
    in_proportion(format!("{found:?}").len(), bytes.len());
    let _ =
        (v16::command::outcome(&asked, &answer), security::password_taken(&answer), security::deleted(&asked, &answer));
    in_proportion(format!("{:?}", security::installed(&asked, &answer)).len(), bytes.len());
}

fn masked(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let masked = mask::mask_text(text);
    in_proportion(masked.len(), text.len());
    if let Ok(mut value) = serde_json::from_str::<Value>(&masked) {
        assert!(!mask::mask(&mut value), "a secret was left: {masked}");
    }
}

fn upgrade(bytes: &[u8]) {
    // In two pieces, so that a part of it is looked at first.
    let (first, rest) = bytes.split_at(bytes.len() / 2);
    let mut stream = tokio::io::join(tokio::io::AsyncReadExt::chain(first, rest), tokio::io::sink());
    let read = handshake::read(&mut stream).now_or_never().expect("nothing to wait for");
    if let Ok(Some(upgrade)) = read {
        assert!(!upgrade.identity.is_empty() && upgrade.identity.chars().count() <= 255);
        in_proportion(format!("{upgrade:?}").len(), bytes.len());
    }
}
