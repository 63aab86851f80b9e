//! Commands about charging.

use poem_openapi::Object;
use serde::{Deserialize, Serialize};

use crate::{
    money::Amount,
    network::charging_profile::{ProfilePurpose, RateUnit},
    session::session::SessionId,
};

choice! {
    /// What kind of token a remote start names (OCPP 2.0.1 IdTokenEnumType). OCPP 1.6 knows no kinds.
    pub enum IdTokenKind {
        /// Made by us: an app, a portal.
        Central = "central",
        /// An RFID card, ISO 14443.
        Iso14443 = "iso14443",
        /// An RFID card, ISO 15693.
        Iso15693 = "iso15693",
        /// A contract.
        Emaid = "emaid",
        /// A code of keys.
        KeyCode = "key_code",
        /// Made by the station.
        Local = "local",
    }
}

/// Starts a session for a driver who is not at the station's reader.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(skip_serializing_if_is_none)]
pub struct RemoteStart {
    /// The station's own number of the connector; the station chooses when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connector: Option<i32>,
    /// UID of the token that charges, up to 20 characters (36 in OCPP 2.x).
    pub token_uid: String,
    /// Its kind; `central` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_kind: Option<IdTokenKind>,
}

/// Ends a running session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
pub struct RemoteStop {
    /// The session.
    pub session_id: SessionId,
}

/// Releases a stuck cable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
pub struct UnlockConnector {
    /// The station's own number of the connector, 1 and up.
    pub connector: i32,
}

/// Asks what all charging profiles amount to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(skip_serializing_if_is_none)]
pub struct GetCompositeSchedule {
    /// The station's own number of the connector; 0 is the grid connection.
    pub connector: i32,
    /// Seconds to look ahead, 1 to 604,800.
    pub duration_s: i32,
    /// The unit wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<RateUnit>,
}

/// Takes charging profiles out of a station, also those that we did not set. All that fit are taken out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(skip_serializing_if_is_none)]
pub struct ClearChargingProfiles {
    /// The station's number of the one profile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<i32>,
    /// Of this connector; 0 is the grid connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connector: Option<i32>,
    /// For this purpose.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purpose: Option<ProfilePurpose>,
    /// At this stack level.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stack_level: Option<i32>,
}

/// Asks for the charging profiles that a station holds; they arrive as a station report. OCPP 2.x alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(skip_serializing_if_is_none)]
pub struct GetChargingProfiles {
    /// Of this EVSE; 0 is the grid connection; all when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evse: Option<i32>,
    /// For this purpose.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purpose: Option<ProfilePurpose>,
    /// At this stack level.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stack_level: Option<i32>,
}

/// Shows a driver what a running session has cost so far. OCPP 2.x alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
pub struct UpdateCost {
    /// The session.
    pub session_id: SessionId,
    /// The cost so far with VAT, in the currency of the station.
    pub total_cost: Amount,
}

/// Asks whether a transaction runs, and whether messages wait at the station. OCPP 2.x alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(skip_serializing_if_is_none)]
pub struct GetTransactionStatus {
    /// The session; absent, only whether messages wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
}
