//! The contract: what the code says of itself, normalised so that every generator and every diff can read it.

pub mod lint;
pub mod normalise;

/// The document as it is committed, made anew from the code.
#[must_use]
pub fn generate() -> String {
    let raw = stromtor_api::routes::document().expect("describing needs no connection");
    let document = normalise::normalise(serde_json::from_str(&raw).expect("poem-openapi writes JSON"));
    let mut text = serde_json::to_string_pretty(&document).expect("a JSON value can be written");
    text.push('\n');
    text
}

/// Where the committed document is.
pub const COMMITTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/stromtor.json");
