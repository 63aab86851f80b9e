//! Commands to stations: resources with a state and a result.

pub mod charging;
pub mod device;
pub mod input;
pub mod probe;
pub mod station;

pub use input::CommandInput;
use poem_openapi::Object;
use serde::{Deserialize, Serialize};
use stromtor_schema::schema::command;

use crate::{
    Error, Result, Timestamp,
    network::{location::LocationId, station::StationId},
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
    /// The version it was worded for, for example `ocpp1.6`; over another it is not sent.
    pub ocpp_version: String,
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
