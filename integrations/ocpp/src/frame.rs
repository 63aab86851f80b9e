//! Frames of OCPP-J 1.6, section 4, the same in OCPP 2.0.1 part 4: `[2,id,action,payload]`, `[3,id,payload]`, `[4,id,code,description,details]`.

use serde_json::{Map, Value, json};
use stromtor_domain::network::quirk::Quirk;

use crate::version::Version;

/// Longest message id that we answer (OCPP-J 1.6 section 4.1.4 says 36; some stations send longer ones).
const MAX_ID: usize = 128;

/// A frame.
#[derive(Debug, Clone, PartialEq)]
pub enum Frame {
    /// A request.
    Call {
        /// Message id.
        id: String,
        /// What is asked.
        action: String,
        /// Its content.
        payload: Value,
    },
    /// An answer.
    Result {
        /// The request's id.
        id: String,
        /// Its content.
        payload: Value,
    },
    /// An error instead of an answer.
    Error {
        /// The request's id.
        id: String,
        /// Code, section 4.2.3.
        code: String,
        /// For people.
        description: String,
        /// For programs.
        details: Value,
    },
}

/// Why a text is no frame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// No message id can be read. Logged; the connection stays.
    #[error("{0}")]
    Unreadable(Quirk),
    /// An answer to nothing. Logged; the connection stays.
    #[error("an answer without a message id")]
    Unanswerable,
    /// A message type that is not known here.
    #[error("unknown message type")]
    UnknownType {
        /// Its message id.
        id: String,
    },
    /// A call that can be answered with a CALLERROR.
    #[error("{reason}")]
    Answerable {
        /// Its message id.
        id: String,
        /// What is wrong.
        reason: &'static str,
    },
}

/// Error codes of OCPP-J 1.6 table 7 and of OCPP 2.0.1 part 4 table 8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorCode {
    /// The action is not known.
    NotImplemented,
    /// The action is known but not supported.
    NotSupported,
    /// Our failure: the station should repeat.
    InternalError,
    /// The payload does not fit the action.
    ProtocolError,
    /// Not allowed now.
    SecurityError,
    /// Not the structure of the action.
    FormationViolation,
    /// A value out of range.
    PropertyConstraintViolation,
    /// Something required is missing.
    OccurenceConstraintViolation,
    /// A value of the wrong type.
    TypeConstraintViolation,
    /// Anything else.
    GenericError,
    /// Not a message, as far as can be seen (OCPP 2.x).
    RpcFrameworkError,
    /// A message of an unknown type (OCPP 2.x).
    MessageTypeNotSupported,
}

impl ErrorCode {
    /// The word on the wire. OCPP 1.6 misspells one and has another word for a second.
    #[must_use]
    pub const fn word(self, version: Version) -> &'static str {
        match (self, version) {
            (Self::FormationViolation, Version::V201) => "FormatViolation",
            (Self::OccurenceConstraintViolation, Version::V201) => "OccurrenceConstraintViolation",
            (code, _) => code.as_str(),
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::NotImplemented => "NotImplemented",
            Self::NotSupported => "NotSupported",
            Self::InternalError => "InternalError",
            Self::ProtocolError => "ProtocolError",
            Self::SecurityError => "SecurityError",
            Self::FormationViolation => "FormationViolation",
            Self::PropertyConstraintViolation => "PropertyConstraintViolation",
            Self::OccurenceConstraintViolation => "OccurenceConstraintViolation",
            Self::TypeConstraintViolation => "TypeConstraintViolation",
            Self::GenericError => "GenericError",
            Self::RpcFrameworkError => "RpcFrameworkError",
            Self::MessageTypeNotSupported => "MessageTypeNotSupported",
        }
    }
}

impl Frame {
    /// Parses leniently: a missing or null payload is empty, ids may be numbers, more elements than needed are ignored.
    pub fn parse(text: &str) -> Result<Self, FrameError> {
        let value: Value = serde_json::from_str(text).map_err(|_| FrameError::Unreadable(Quirk::NotJson))?;
        let Value::Array(mut parts) = value else { return Err(FrameError::Unreadable(Quirk::NotAnArray)) };
        let kind = parts.first().and_then(|kind| match kind {
            Value::Number(number) => number.as_u64(),
            Value::String(text) => text.parse().ok(),
            _ => None,
        });
        let id = match parts.get(1) {
            Some(Value::String(id)) if !id.is_empty() && id.len() <= MAX_ID => id.clone(),
            Some(Value::Number(id)) => id.to_string(),
            _ if matches!(kind, Some(3 | 4)) => return Err(FrameError::Unanswerable),
            _ => return Err(FrameError::Unreadable(Quirk::NoMessageId)),
        };
        let mut take = |at: usize| parts.get_mut(at).map(Value::take).filter(|value| !value.is_null());
        let empty = || Value::Object(Map::new());
        let text = |value: Option<Value>| match value {
            Some(Value::String(text)) => text,
            Some(other) => other.to_string(),
            None => String::new(),
        };
        match kind {
            Some(2) => match take(2) {
                Some(Value::String(action)) if !action.is_empty() => {
                    Ok(Self::Call { id, action, payload: take(3).unwrap_or_else(empty) })
                }
                _ => Err(FrameError::Answerable { id, reason: "a call without an action" }),
            },
            Some(3) => Ok(Self::Result { id, payload: take(2).unwrap_or_else(empty) }),
            Some(4) => Ok(Self::Error {
                id,
                code: text(take(2)),
                description: text(take(3)),
                details: take(4).unwrap_or_else(empty),
            }),
            _ => Err(FrameError::UnknownType { id }),
        }
    }

    /// The text on the wire.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Call { id, action, payload } => json!([2, id, action, payload]).to_string(),
            Self::Result { id, payload } => json!([3, id, payload]).to_string(),
            Self::Error { id, code, description, details } => json!([4, id, code, description, details]).to_string(),
        }
    }

    /// What a text that is no frame is answered with. OCPP-J 1.6 section 4.1.3 wants it ignored when there is no message id or
    /// its type is unknown; OCPP 2.0.1 part 4 section 4.3 has codes for both.
    #[must_use]
    pub fn answer_to(wrong: FrameError, version: Version) -> Option<Self> {
        let modern = version != Version::V16;
        match wrong {
            FrameError::Answerable { id, reason } => {
                Some(Self::error(version, id, ErrorCode::FormationViolation, reason))
            }
            FrameError::UnknownType { id } => {
                modern.then(|| Self::error(version, id, ErrorCode::MessageTypeNotSupported, "unknown message type"))
            }
            FrameError::Unanswerable => None,
            FrameError::Unreadable(quirk) => {
                // The message id of one that cannot be read.
                modern.then(|| Self::error(version, "-1".into(), ErrorCode::RpcFrameworkError, quirk.as_str()))
            }
        }
    }

    /// A CALLERROR.
    #[must_use]
    pub fn error(version: Version, id: String, code: ErrorCode, description: &str) -> Self {
        // Section 4.2.3: at most 255 characters.
        let description = description.chars().take(255).collect();
        Self::Error { id, code: code.word(version).to_owned(), description, details: Value::Object(Map::new()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_what_stations_send() {
        let call = |id: &str, payload| Frame::Call { id: id.into(), action: "Heartbeat".into(), payload };
        assert_eq!(Frame::parse(r#"[2,"1","Heartbeat",{}]"#).unwrap(), call("1", json!({})));
        assert_eq!(Frame::parse(r#"[2,"1","Heartbeat",null]"#).unwrap(), call("1", json!({})));
        assert_eq!(Frame::parse(r#"[2,"1","Heartbeat"]"#).unwrap(), call("1", json!({})));
        assert_eq!(Frame::parse(r#"[2,17,"Heartbeat",{"a":1,"a":2}]"#).unwrap(), call("17", json!({"a":2})));
        assert!(matches!(Frame::parse(r#"[4,"1","GenericError"]"#).unwrap(), Frame::Error { .. }));
        for text in ["", "[", "{}", "[2]", "[2,null,\"A\",{}]", "[2,\"\",\"A\",{}]"] {
            assert!(matches!(Frame::parse(text), Err(FrameError::Unreadable(_))), "{text}");
        }
        assert_eq!(Frame::parse("[3]"), Err(FrameError::Unanswerable));
        assert_eq!(Frame::parse(r#"[9,"1",{}]"#), Err(FrameError::UnknownType { id: "1".into() }));
        assert!(matches!(Frame::parse(r#"[2,"1"]"#), Err(FrameError::Answerable { .. })));
    }

    proptest! {
        #[test]
        fn never_panics(text in "\\PC*") {
            let _ = Frame::parse(&text);
        }

        #[test]
        fn never_panics_on_arrays(parts in proptest::collection::vec("[0-9]|null|\"[a-z]*\"|\\{\\}|\\[\\]", 0..6)) {
            let _ = Frame::parse(&format!("[{}]", parts.join(",")));
        }

        #[test]
        fn reads_what_it_wrote(id in "[a-zA-Z0-9-]{1,36}", action in "[A-Za-z]{1,30}", value in ".*") {
            let frame = Frame::Call { id, action, payload: json!({ "key": value }) };
            prop_assert_eq!(Frame::parse(&frame.text()).unwrap(), frame);
        }
    }
}
