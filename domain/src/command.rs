//! Commands to stations: resources with a state and a result.

use poem_openapi::{Object, Union};
use serde::{Deserialize, Serialize};
use stromtor_schema::schema::command;

use crate::{
    Error, Result, Timestamp,
    network::{location::LocationId, station::StationId},
    session::session::SessionId,
    tenancy::partner::PartnerId,
};

id! {
    /// Id of a command.
    CommandId
}

choice! {
    /// How far a command is.
    pub enum CommandState {
        /// Waits for the station: it is not connected, or busy with an earlier call.
        Queued = "queued",
        /// On its way; the station has not answered yet.
        Sent = "sent",
        /// The station answered, and did or will do it.
        Accepted = "accepted",
        /// The station answered that it will not.
        Rejected = "rejected",
        /// The station answered with an error, or the connection was lost.
        Failed = "failed",
        /// No answer in time.
        TimedOut = "timed_out",
    }
}

impl CommandState {
    /// Whether nothing more will happen.
    #[must_use]
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Queued | Self::Sent)
    }
}

choice! {
    /// How a station restarts.
    pub enum ResetKind {
        /// Ends transactions, then restarts.
        Soft = "soft",
        /// Restarts at once.
        Hard = "hard",
    }
}

choice! {
    /// What a station can be asked to send (OCPP 1.6 section 7.32).
    pub enum TriggerKind {
        /// BootNotification.
        BootNotification = "boot_notification",
        /// DiagnosticsStatusNotification.
        DiagnosticsStatus = "diagnostics_status",
        /// FirmwareStatusNotification.
        FirmwareStatus = "firmware_status",
        /// Heartbeat.
        Heartbeat = "heartbeat",
        /// MeterValues.
        MeterValues = "meter_values",
        /// StatusNotification.
        Status = "status",
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
    /// UID of the token that charges, up to 20 characters.
    pub token_uid: String,
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

/// Restarts the station.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
pub struct Reset {
    /// How.
    pub kind: ResetKind,
}

/// Takes a connector or the whole station out of service, or back into it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
pub struct ChangeAvailability {
    /// The station's own number of the connector; 0 is the whole station.
    pub connector: i32,
    /// In service?
    pub operative: bool,
}

/// Reads configuration keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
pub struct GetConfiguration {
    /// Which; all when empty.
    #[serde(default)]
    #[oai(default)]
    pub keys: Vec<String>,
}

/// Sets a configuration key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
pub struct ChangeConfiguration {
    /// Key, up to 50 characters.
    pub key: String,
    /// Value, up to 500 characters. Values of secret keys are masked in log, audit and command.
    pub value: String,
}

/// Empties the station's authorisation cache.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
pub struct ClearCache {}

/// Asks the station to send a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(skip_serializing_if_is_none)]
pub struct TriggerMessage {
    /// Which.
    pub message: TriggerKind,
    /// About which connector, 1 and up; all when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connector: Option<i32>,
}

/// A vendor's own message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(skip_serializing_if_is_none)]
pub struct DataTransfer {
    /// The vendor's name space, up to 255 characters.
    pub vendor_id: String,
    /// The vendor's message, up to 50 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// Its content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
}

/// What a station is to do. OCPP 1.6 Edition 2, section 5.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Union)]
#[serde(tag = "type", rename_all = "snake_case")]
#[oai(discriminator_name = "type")]
pub enum CommandInput {
    /// Starts a session.
    #[oai(mapping = "remote_start")]
    RemoteStart(RemoteStart),
    /// Ends a session.
    #[oai(mapping = "remote_stop")]
    RemoteStop(RemoteStop),
    /// Releases a cable.
    #[oai(mapping = "unlock_connector")]
    UnlockConnector(UnlockConnector),
    /// Restarts.
    #[oai(mapping = "reset")]
    Reset(Reset),
    /// Out of service, or back.
    #[oai(mapping = "change_availability")]
    ChangeAvailability(ChangeAvailability),
    /// Reads configuration keys.
    #[oai(mapping = "get_configuration")]
    GetConfiguration(GetConfiguration),
    /// Sets a configuration key.
    #[oai(mapping = "change_configuration")]
    ChangeConfiguration(ChangeConfiguration),
    /// Empties the authorisation cache.
    #[oai(mapping = "clear_cache")]
    ClearCache(ClearCache),
    /// Asks for a message.
    #[oai(mapping = "trigger_message")]
    TriggerMessage(TriggerMessage),
    /// A vendor's own message.
    #[oai(mapping = "data_transfer")]
    DataTransfer(DataTransfer),
}

impl CommandInput {
    /// The command's name, as in `type`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::RemoteStart(_) => "remote_start",
            Self::RemoteStop(_) => "remote_stop",
            Self::UnlockConnector(_) => "unlock_connector",
            Self::Reset(_) => "reset",
            Self::ChangeAvailability(_) => "change_availability",
            Self::GetConfiguration(_) => "get_configuration",
            Self::ChangeConfiguration(_) => "change_configuration",
            Self::ClearCache(_) => "clear_cache",
            Self::TriggerMessage(_) => "trigger_message",
            Self::DataTransfer(_) => "data_transfer",
        }
    }

    /// Lengths and ranges of OCPP 1.6.
    pub fn check(&self) -> Result<()> {
        let length = |pointer: &str, text: &str, least: usize, most: usize| {
            if (least..=most).contains(&text.chars().count()) {
                Ok(())
            } else {
                Err(Error::invalid(pointer, format!("must have {least} to {most} characters")))
            }
        };
        let connector = |number: i32, least: i32| {
            if (least..=999).contains(&number) {
                Ok(())
            } else {
                Err(Error::invalid("/connector", format!("must be between {least} and 999")))
            }
        };
        match self {
            Self::RemoteStart(start) => {
                length("/token_uid", &start.token_uid, 1, 20)?;
                start.connector.map_or(Ok(()), |number| connector(number, 1))
            }
            Self::UnlockConnector(unlock) => connector(unlock.connector, 1),
            Self::ChangeAvailability(change) => connector(change.connector, 0),
            Self::TriggerMessage(trigger) => trigger.connector.map_or(Ok(()), |number| connector(number, 1)),
            Self::GetConfiguration(get) => {
                if get.keys.len() > 200 {
                    return Err(Error::invalid("/keys", "names more than 200 keys"));
                }
                get.keys.iter().enumerate().try_for_each(|(at, key)| length(&format!("/keys/{at}"), key, 1, 50))
            }
            Self::ChangeConfiguration(change) => {
                length("/key", &change.key, 1, 50)?;
                length("/value", &change.value, 0, 500)
            }
            Self::DataTransfer(transfer) => {
                length("/vendor_id", &transfer.vendor_id, 1, 255)?;
                length("/message_id", transfer.message_id.as_deref().unwrap_or("-"), 1, 50)
            }
            Self::RemoteStop(_) | Self::Reset(_) | Self::ClearCache(_) => Ok(()),
        }
    }
}

/// Any OCPP call, for technicians.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(example)]
pub struct OcppCall {
    /// OCPP action, for example `GetDiagnostics`; up to 50 letters.
    pub action: String,
    /// Its payload as it goes over the wire.
    pub payload: serde_json::Value,
}

impl poem_openapi::types::Example for OcppCall {
    fn example() -> Self {
        Self { action: "GetDiagnostics".into(), payload: serde_json::json!({ "location": "ftp://example.com/logs" }) }
    }
}

impl OcppCall {
    /// An action is letters; a payload is an object.
    pub fn check(&self) -> Result<()> {
        if self.action.is_empty() || self.action.len() > 50 || !self.action.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(Error::invalid("/action", "must be 1 to 50 letters or digits"));
        }
        if !self.payload.is_object() {
            return Err(Error::invalid("/payload", "must be an object"));
        }
        Ok(())
    }
}

/// A command and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object, diesel::Queryable, diesel::Selectable)]
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = command, check_for_backend(diesel::pg::Pg))]
pub struct Command {
    /// Id.
    pub id: CommandId,
    /// The station's operator.
    pub partner_id: PartnerId,
    /// The station's location.
    pub location_id: LocationId,
    /// The station.
    pub station_id: StationId,
    /// Name of the typed command, or `ocpp_call`.
    pub kind: String,
    /// OCPP action.
    pub action: String,
    /// Payload as it goes over the wire; secrets masked.
    pub payload: serde_json::Value,
    /// How far it is.
    pub state: CommandState,
    /// The station's answer as it came; secrets masked.
    pub response: Option<serde_json::Value>,
    /// What went wrong.
    pub error: Option<String>,
    /// Who gave it.
    pub created_by: String,
    /// It is not sent any more after this.
    pub expires_at: Timestamp,
    /// When it was sent.
    pub sent_at: Option<Timestamp>,
    /// When its state became final.
    pub finished_at: Option<Timestamp>,
    /// When it was given.
    pub created_at: Timestamp,
    /// When its state last changed.
    pub updated_at: Timestamp,
}
