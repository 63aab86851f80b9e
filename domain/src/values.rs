//! Small values that many resources share.

use std::collections::BTreeMap;

use poem_openapi::NewType;
use serde::{Deserialize, Serialize};

fn filled(text: &str) -> Result<String, String> {
    let trimmed = text.trim();
    if trimmed.is_empty() { Err("must not be empty".into()) } else { Ok(trimmed.to_owned()) }
}

fn parse_country(text: &str) -> Result<String, String> {
    let upper = text.to_ascii_uppercase();
    if upper.len() == 2 && upper.bytes().all(|byte| byte.is_ascii_uppercase()) {
        Ok(upper)
    } else {
        Err("is not a two-letter ISO 3166-1 country code such as DE".into())
    }
}

fn parse_email(text: &str) -> Result<String, String> {
    let trimmed = text.trim();
    let wrong = || "is not an e-mail address such as ada@example.com".to_owned();
    let (local, domain) = trimmed.rsplit_once('@').ok_or_else(wrong)?;
    let bad = |part: &str| part.is_empty() || part.chars().any(|c| c.is_whitespace() || c.is_control() || c == '@');
    if bad(local) || bad(domain) || !domain.contains('.') || domain.starts_with('.') || domain.ends_with('.') {
        return Err(wrong());
    }
    Ok(format!("{local}@{}", domain.to_lowercase()))
}

fn parse_phone(text: &str) -> Result<String, String> {
    let compact: String = text.chars().filter(|c| !matches!(c, ' ' | '-' | '/' | '(' | ')')).collect();
    let digits = compact.strip_prefix('+').unwrap_or(&compact);
    if (3..=20).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        Ok(compact)
    } else {
        Err("is not a telephone number such as +49 30 1234567".into())
    }
}

text! {
    /// A name for people: one line, not empty, surrounding blanks removed.
    Name { example: "Parkhaus Mitte", max: 255, parse: filled }
}

text! {
    /// A line of an address or a short remark, not empty.
    Line { example: "Hauptstraße 1", max: 255, parse: filled }
}

text! {
    /// Longer text, not empty.
    LongText { example: "Barrier opens with the parking ticket.", max: 4000, parse: filled }
}

text! {
    /// The caller's own id of the resource, unique for its partner and kind of resource.
    ExternalId { example: "SAP-4711", max: 100, parse: filled }
}

text! {
    /// Country, ISO 3166-1 alpha-2, upper case.
    CountryCode { example: "DE", max: 2, parse: parse_country }
}

text! {
    /// E-mail address; the domain part is put in lower case.
    Email { example: "ada@example.com", max: 254, parse: parse_email }
}

text! {
    /// Telephone number in international form; separators are removed.
    Phone { example: "+49301234567", max: 40, parse: parse_phone }
}

/// Free key/value pairs of the caller, kept and returned as they are: up to 50 keys of 100 characters, values up to
/// 1,000 characters.
#[derive(
    Debug,
    Clone,
    Default,
    PartialEq,
    Eq,
    Serialize,
    NewType,
    schemars::JsonSchema,
    diesel::expression::AsExpression,
    diesel::deserialize::FromSqlRow,
)]
#[oai(to_header = false, from_parameter = false, from_multipart = false)]
#[diesel(sql_type = diesel::sql_types::Jsonb)]
pub struct Metadata(pub BTreeMap<String, String>);

jsonb!(Metadata);

impl<'de> Deserialize<'de> for Metadata {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let map = BTreeMap::<String, String>::deserialize(deserializer)?;
        let long = |text: &str, most| text.chars().count() > most;
        if map.len() > 50 || map.iter().any(|(key, value)| key.is_empty() || long(key, 100) || long(value, 1000)) {
            return Err(serde::de::Error::custom("takes up to 50 keys of 1 to 100 characters, values up to 1,000"));
        }
        Ok(Self(map))
    }
}
