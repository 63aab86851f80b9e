//! How far a station is with a file: what it says in status messages, whatever its version of OCPP, and the words it used.

use poem_openapi::{NewType, Object};
use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// One status message about a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "of", rename_all = "snake_case")]
pub enum ProgressReport {
    /// DiagnosticsStatusNotification (OCPP 1.6 section 4.4): names no request.
    Diagnostics {
        /// The station's word.
        status: String,
    },
    /// LogStatusNotification (OCPP 1.6 security whitepaper 4.9, OCPP 2.0.1 N01).
    Log {
        /// The station's word.
        status: String,
        /// The request it is about; absent when it was triggered and nothing is going on.
        request_id: Option<i32>,
    },
    /// FirmwareStatusNotification and SignedFirmwareStatusNotification (OCPP 1.6 section 4.5, whitepaper 4.18, OCPP 2.0.1 L01).
    Firmware {
        /// The station's word.
        status: String,
        /// The update it is about; absent in plain OCPP 1.6.
        request_id: Option<i32>,
    },
    /// PublishFirmwareStatusNotification (OCPP 2.0.1 L03).
    Publication {
        /// The station's word.
        status: String,
        /// The publication it is about.
        request_id: Option<i32>,
        /// Where the image is served; with `Published` alone.
        locations: Vec<String>,
    },
}

/// One word of a station, and when it came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
pub struct ProgressStep {
    /// When it came.
    pub at: Timestamp,
    /// The word, for example `Downloading`.
    pub status: String,
}

/// A station's words in the order they came, the newest 200.
#[derive(
    Debug,
    Clone,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    NewType,
    diesel::expression::AsExpression,
    diesel::deserialize::FromSqlRow,
)]
#[oai(to_header = false, from_parameter = false, from_multipart = false)]
#[diesel(sql_type = diesel::sql_types::Jsonb)]
pub struct ProgressHistory(pub Vec<ProgressStep>);

jsonb!(ProgressHistory);

impl ProgressHistory {
    /// Most words that are kept.
    pub const MOST: usize = 200;

    /// Adds a word; behind [`Self::MOST`] the oldest goes.
    pub fn note(&mut self, at: Timestamp, status: &str) {
        if self.0.len() >= Self::MOST {
            self.0.remove(0);
        }
        self.0.push(ProgressStep { at, status: status.to_owned() });
    }
}
