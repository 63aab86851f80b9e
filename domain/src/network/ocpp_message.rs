//! The OCPP message log: what went over the wire between a station and us (portal function C7).

use poem_openapi::Object;
use serde::{Deserialize, Serialize};
use stromtor_schema::schema::ocpp_message;

use crate::{
    Timestamp,
    network::{location::LocationId, station::StationId},
    tenancy::partner::PartnerId,
};

id! {
    /// Id of a message in the log.
    OcppMessageId
}

choice! {
    /// Which way a message went.
    pub enum Direction {
        /// From the station.
        In = "in",
        /// To the station.
        Out = "out",
    }
}

choice! {
    /// What a message is.
    pub enum MessageKind {
        /// CALL.
        Call = "call",
        /// CALLRESULT.
        Result = "result",
        /// CALLERROR.
        Error = "error",
        /// No OCPP frame.
        Invalid = "invalid",
    }
}

/// A message as it was on the wire.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object, diesel::Queryable, diesel::Selectable)]
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = ocpp_message, check_for_backend(diesel::pg::Pg))]
pub struct OcppMessage {
    /// Id.
    pub id: OcppMessageId,
    /// When it came or went, by our clock.
    pub at: Timestamp,
    /// The station's operator then.
    pub partner_id: PartnerId,
    /// The station's location then.
    pub location_id: LocationId,
    /// The station.
    pub station_id: StationId,
    /// Which way.
    pub direction: Direction,
    /// What it is.
    pub kind: MessageKind,
    /// Its action; for an answer, that of the call where it is known.
    pub action: Option<String>,
    /// The message's own id, which call and answer share.
    pub message_id: Option<String>,
    /// The frame as it was on the wire, secrets masked.
    pub payload: String,
    /// What had to be forgiven in it.
    pub quirks: Vec<String>,
}
