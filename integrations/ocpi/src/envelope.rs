//! What every answer stands in (OCPI 2.2.1 section 4.1.7).

use serde::{Deserialize, Serialize};

use crate::values::DateTime;

/// OCPI's own status of an answer (chapter 5): 1xxx success, 2xxx the caller's fault, 3xxx the answering side's, 4xxx a hub's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StatusCode(pub u16);

impl StatusCode {
    /// Done.
    pub const SUCCESS: Self = Self(1000);
    /// The caller did something wrong.
    pub const CLIENT_ERROR: Self = Self(2000);
    /// A parameter is invalid or missing.
    pub const INVALID_PARAMETERS: Self = Self(2001);
    /// More information is needed: at an authorisation, where it is.
    pub const NOT_ENOUGH_INFORMATION: Self = Self(2002);
    /// The location is not known.
    pub const UNKNOWN_LOCATION: Self = Self(2003);
    /// The token is not known.
    pub const UNKNOWN_TOKEN: Self = Self(2004);
    /// The answering side failed.
    pub const SERVER_ERROR: Self = Self(3000);
    /// The caller's endpoints could not be used.
    pub const UNABLE_TO_USE_CLIENT_API: Self = Self(3001);
    /// No common version.
    pub const UNSUPPORTED_VERSION: Self = Self(3002);
    /// The caller's endpoints do not go with ours.
    pub const NO_MATCHING_ENDPOINTS: Self = Self(3003);

    /// Whether it is 1xxx.
    #[must_use]
    pub const fn is_success(self) -> bool {
        self.0 / 1000 == 1
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope<T> {
    /// What was asked for; absent where nothing is to be said.
    #[serde(default = "nothing", skip_serializing_if = "Option::is_none")]
    pub data: Option<T>,
    /// How it went.
    pub status_code: StatusCode,
    /// The same in words, for those who debug.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_message: Option<String>,
    /// When it was written. Peers that leave it out are understood.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<DateTime>,
}

const fn nothing<T>() -> Option<T> {
    None
}

impl<T> Envelope<T> {
    /// Done, with what was asked for.
    pub const fn of(data: T, now: DateTime) -> Self {
        Self { data: Some(data), status_code: StatusCode::SUCCESS, status_message: None, timestamp: Some(now) }
    }

    /// Not done.
    pub fn error(code: StatusCode, message: impl Into<String>, now: DateTime) -> Self {
        Self { data: None, status_code: code, status_message: Some(message.into()), timestamp: Some(now) }
    }
}

impl Envelope<()> {
    /// Done, with nothing to say.
    #[must_use]
    pub const fn done(now: DateTime) -> Self {
        Self { data: None, status_code: StatusCode::SUCCESS, status_message: None, timestamp: Some(now) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn is_read_with_and_without_everything() {
        let bare: Envelope<Vec<u8>> = serde_json::from_value(json!({ "status_code": 2001, "more": 1 })).unwrap();
        assert_eq!((bare.data, bare.status_code.is_success()), (None, false));
        let now = DateTime::parse("2026-11-23T12:00:00Z").unwrap();
        assert_eq!(
            serde_json::to_value(Envelope::of(vec![1], now)).unwrap(),
            json!({ "data": [1], "status_code": 1000, "timestamp": "2026-11-23T12:00:00Z" })
        );
    }
}
