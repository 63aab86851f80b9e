//! Reservations of connectors (OCPP 1.6 sections 5.13 and 5.2, OCPP 2.0.1 block H).

use poem_openapi::Object;
use serde::{Deserialize, Serialize};
use stromtor_schema::schema::reservation;
use uuid::Uuid;

use crate::{
    Error, Result, Timestamp,
    command::CommandId,
    network::{location::LocationId, station::StationId},
    tenancy::partner::PartnerId,
    values::{ExternalId, Metadata},
};

id! {
    /// Id of a reservation.
    ReservationId
}

choice! {
    /// How far a reservation is.
    pub enum ReservationState {
        /// The station has not answered yet.
        Requested = "requested",
        /// The station holds the connector.
        Active = "active",
        /// The station did not take it; `detail` says why.
        Rejected = "rejected",
        /// A session began with it.
        Used = "used",
        /// It was cancelled.
        Cancelled = "cancelled",
        /// Its time ran out.
        Expired = "expired",
        /// The station gave it up: the connector broke down or was taken out of service.
        Removed = "removed",
    }
}

/// A reservation to be made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(skip_serializing_if_is_none)]
pub struct NewReservation {
    /// The station.
    pub station_id: StationId,
    /// The station's own number of the connector; 0 for any one of them.
    pub connector: i32,
    /// UID of the token that may charge, up to 20 characters (36 in OCPP 2.x).
    pub token_uid: String,
    /// Group whose tokens may charge too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_id: Option<String>,
    /// Until when, at most 24 hours ahead.
    pub expires_at: Timestamp,
    /// The caller's own id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<ExternalId>,
    /// Free key/value pairs.
    #[serde(default)]
    #[oai(default)]
    pub metadata: Metadata,
}

impl NewReservation {
    /// Ranges and lengths.
    pub fn check(&self, now: Timestamp) -> Result<()> {
        if !(0..=999).contains(&self.connector) {
            return Err(Error::invalid("/connector", "must be between 0 and 999"));
        }
        if !(1..=36).contains(&self.token_uid.chars().count()) {
            return Err(Error::invalid("/token_uid", "must have 1 to 36 characters"));
        }
        if self.group_id.as_ref().is_some_and(|group| !(1..=36).contains(&group.chars().count())) {
            return Err(Error::invalid("/group_id", "must have 1 to 36 characters"));
        }
        if self.expires_at <= now || self.expires_at > now + chrono::TimeDelta::hours(24) {
            return Err(Error::invalid("/expires_at", "must lie within the next 24 hours"));
        }
        Ok(())
    }
}

/// A reservation, and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object, diesel::Queryable, diesel::Selectable)]
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = reservation, check_for_backend(diesel::pg::Pg))]
pub struct Reservation {
    /// Id.
    pub id: ReservationId,
    /// The station's operator.
    pub partner_id: PartnerId,
    /// The station's location.
    pub location_id: LocationId,
    /// The station.
    pub station_id: StationId,
    /// The station's own number of the connector; 0 for any one of them.
    #[diesel(column_name = ocpp_connector_id)]
    pub connector: i32,
    /// The number the station knows it by.
    pub ocpp_reservation_id: i32,
    /// UID of the token that may charge.
    pub token_uid: String,
    /// Group whose tokens may charge too.
    pub group_id: Option<String>,
    /// Until when.
    pub expires_at: Timestamp,
    /// How far it is.
    pub state: ReservationState,
    /// The station's word, when it was not taken or was given up.
    pub detail: Option<String>,
    /// The session that began with it.
    pub session_id: Option<Uuid>,
    /// The last command about it.
    pub command_id: Option<CommandId>,
    /// The caller's own id.
    pub external_id: Option<ExternalId>,
    /// Free key/value pairs.
    pub metadata: Metadata,
    /// Who made it.
    pub created_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its state last changed.
    pub updated_at: Timestamp,
}
