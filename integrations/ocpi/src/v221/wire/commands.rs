//! Commands (OCPI 2.2.1 chapter 13): the answer comes at once, the result later at `response_url`.

use serde::{Deserialize, Serialize};

use super::{common::DisplayText, tokens::Token};
use crate::values::{CiString, DateTime, Url, words};

/// Asks for a session (section 13.3.5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartSession {
    pub response_url: Url,
    /// Authorised by its provider already.
    pub token: Token,
    pub location_id: CiString<36>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evse_uid: Option<CiString<36>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connector_id: Option<CiString<36>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_reference: Option<CiString<36>>,
}

/// Asks for the end of a session (section 13.3.6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopSession {
    pub response_url: Url,
    pub session_id: CiString<36>,
}

/// Asks for a reservation, or another end of it (section 13.3.4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReserveNow {
    pub response_url: Url,
    pub token: Token,
    pub expiry_date: DateTime,
    /// The provider's own.
    pub reservation_id: CiString<36>,
    pub location_id: CiString<36>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evse_uid: Option<CiString<36>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_reference: Option<CiString<36>>,
}

/// Takes a reservation back (section 13.3.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelReservation {
    pub response_url: Url,
    pub reservation_id: CiString<36>,
}

/// Asks for a connector to be unlocked: for help desks (section 13.3.7).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnlockConnector {
    pub response_url: Url,
    pub location_id: CiString<36>,
    pub evse_uid: CiString<36>,
    pub connector_id: CiString<36>,
}

words! {
    /// Which command.
    CommandType { CancelReservation = "CANCEL_RESERVATION", ReserveNow = "RESERVE_NOW", StartSession = "START_SESSION",
        StopSession = "STOP_SESSION", UnlockConnector = "UNLOCK_CONNECTOR" }
}

words! {
    /// Whether a command was taken.
    CommandResponseType { NotSupported = "NOT_SUPPORTED", Rejected = "REJECTED", Accepted = "ACCEPTED",
        UnknownSession = "UNKNOWN_SESSION" }
}

/// The answer to a command (section 13.3.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandResponse {
    pub result: CommandResponseType,
    /// Seconds until the result at the latest.
    pub timeout: u32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub message: Vec<DisplayText>,
}

words! {
    /// What became of a command.
    CommandResultType { Accepted = "ACCEPTED", CanceledReservation = "CANCELED_RESERVATION", EvseOccupied = "EVSE_OCCUPIED",
        EvseInoperative = "EVSE_INOPERATIVE", Failed = "FAILED", NotSupported = "NOT_SUPPORTED", Rejected = "REJECTED",
        Timeout = "TIMEOUT", UnknownReservation = "UNKNOWN_RESERVATION" }
}

/// The result of a command (section 13.3.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandResult {
    pub result: CommandResultType,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub message: Vec<DisplayText>,
}
