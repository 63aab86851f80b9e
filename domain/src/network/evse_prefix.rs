//! EVSE-ID prefixes: country and operator of EVSE-IDs, `DE*ISE`, and whose they are. Portal function B5.

use poem_openapi::Object;
use serde::{Deserialize, Serialize};
use stromtor_schema::schema::evse_prefix;

use super::evse_id::EvseId;
use crate::{
    Error, Result, Timestamp,
    tenancy::partner::PartnerId,
    values::{ExternalId, Metadata},
};

id! {
    /// Id of an EVSE-ID prefix.
    EvsePrefixId
}

/// The place of the EVSE-ID in a URL pattern.
const PLACE: &str = "{evse_id}";

fn parse_prefix(text: &str) -> Result<String, String> {
    let wrong = || "is not country and operator of an EVSE-ID such as DE*ISE".to_owned();
    let upper = text.trim().to_ascii_uppercase();
    let country = upper.get(..2).filter(|part| part.bytes().all(|b| b.is_ascii_uppercase())).ok_or_else(wrong)?;
    let operator = upper[2..].strip_prefix('*').unwrap_or(&upper[2..]);
    let clean = operator.len() == 3 && operator.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if clean { Ok(format!("{country}*{operator}")) } else { Err(wrong()) }
}

fn parse_pattern(text: &str) -> Result<String, String> {
    let wrong = || "is not a URL such as https://example.com/charge/{evse_id}, with {evse_id} once".to_owned();
    let trimmed = text.trim();
    let host = trimmed.strip_prefix("https://").or_else(|| trimmed.strip_prefix("http://")).ok_or_else(wrong)?;
    let visible = trimmed.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'<' | b'>' | b'\\'));
    let once = trimmed.matches(PLACE).count() == 1 && !trimmed.replace(PLACE, "").contains(['{', '}']);
    if visible && once && !host.starts_with(['/', '?', '#']) && !host.is_empty() {
        Ok(trimmed.to_owned())
    } else {
        Err(wrong())
    }
}

text! {
    /// Country and operator of EVSE-IDs, for example `DE*ISE`. Input may lack the separator and be in lower case; it is kept
    /// with it, in upper case.
    EvseOperator { example: "DE*ISE", max: 10, parse: parse_prefix }
}

text! {
    /// A URL with `{evse_id}`, once, in the place of an EVSE-ID; visible ASCII.
    UrlPattern { example: "https://example.com/charge/{evse_id}", max: 300, parse: parse_pattern }
}

impl EvseOperator {
    /// That of an EVSE-ID.
    #[must_use]
    pub fn of(evse_id: &EvseId) -> Self {
        // The canonical form begins so.
        Self(evse_id.as_str().chars().take(6).collect())
    }

    /// The country's code.
    #[must_use]
    pub fn country(&self) -> &str {
        &self.0[..2]
    }
}

impl UrlPattern {
    /// The URL of a charge point. What EVSE-IDs are made of needs no escape in a path or query (RFC 3986 section 2.2).
    #[must_use]
    pub fn url(&self, evse_id: &EvseId) -> String {
        self.0.replace(PLACE, evse_id.as_str())
    }
}

const fn one() -> i64 {
    1
}

/// What a caller may set of an EVSE-ID prefix.
#[derive(
    Debug,
    Clone,
    PartialEq,
    Serialize,
    Deserialize,
    Object,
    diesel::Queryable,
    diesel::Selectable,
    diesel::Insertable,
    diesel::AsChangeset,
)]
#[serde(deny_unknown_fields)]
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = evse_prefix, treat_none_as_null = true)]
pub struct EvsePrefixInput {
    /// Country and operator, unique on the platform.
    pub prefix: EvseOperator,
    /// Numbers are given out from this one on, 1 to 999999999999; 1 when absent. 100001 makes them equally long.
    #[serde(default = "one")]
    #[oai(default = "one")]
    pub first_number: i64,
    /// What the QR codes of stickers hold; the server's `sticker.url_pattern` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url_pattern: Option<UrlPattern>,
    /// The caller's own id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<ExternalId>,
    /// Free key/value pairs.
    #[serde(default)]
    #[oai(default)]
    pub metadata: Metadata,
}

impl EvsePrefixInput {
    /// The rules that concern more than one field.
    pub fn check(&self) -> Result<()> {
        if !(1..=999_999_999_999).contains(&self.first_number) {
            return Err(Error::invalid("/first_number", "must be between 1 and 999999999999"));
        }
        Ok(())
    }
}

/// An EVSE-ID prefix.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object, diesel::Queryable, diesel::Selectable)]
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = evse_prefix, check_for_backend(diesel::pg::Pg))]
pub struct EvsePrefix {
    /// Id.
    pub id: EvsePrefixId,
    /// Whose it is; it may be used by this partner and those below it.
    pub partner_id: PartnerId,
    /// What a caller may set.
    #[oai(flatten)]
    #[serde(flatten)]
    #[diesel(embed)]
    pub input: EvsePrefixInput,
    /// The highest number given out so far, 0 for none; outside `ETag`.
    pub last_number: i64,
    /// Counts the changes.
    pub revision: i64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_have_one_form() {
        for text in ["DE*ISE", "de*ise", "DEISE", " deise "] {
            assert_eq!(EvseOperator::parse(text).unwrap().as_str(), "DE*ISE", "{text}");
        }
        for text in ["", "DE", "DE*IS", "DE*ISEE", "D1*ISE", "DE**SE", "DE*ISE*", "ÄÖ*ISE", "DE*IÄE"] {
            assert!(EvseOperator::parse(text).is_err(), "{text}");
        }
        let of = EvseOperator::of(&EvseId::parse("atc4oe12").unwrap());
        assert_eq!((of.as_str(), of.country()), ("AT*C4O", "AT"));
    }

    #[test]
    fn patterns_hold_the_evse_id_once() {
        let id = EvseId::parse("DE*ISE*E1*2").unwrap();
        let url = |text: &str| UrlPattern::parse(text).map(|pattern| pattern.url(&id));
        assert_eq!(url("https://a.example/c?e={evse_id}&x=1").unwrap(), "https://a.example/c?e=DE*ISE*E1*2&x=1");
        for text in [
            "",
            "ftp://a/{evse_id}",
            "https://a.example/",
            "https://a/{evse_id}/{evse_id}",
            "https://a/{evse_id}/{other}",
            "https:///{evse_id}",
            "https://a b/{evse_id}",
            "https://ä/{evse_id}",
            "javascript:{evse_id}",
        ] {
            assert!(url(text).is_err(), "{text}");
        }
    }
}
