//! Sessions: active, then ended, then settled.

use poem_openapi::Object;
use serde::{Deserialize, Serialize};
use stromtor_schema::schema::session;
use uuid::Uuid;

use crate::{
    Timestamp,
    access::token::TokenId,
    money::Fixed,
    network::{charge_point::ChargePointId, location::LocationId, station::StationId},
    tenancy::partner::PartnerId,
};

id! {
    /// Id of a session.
    SessionId
}

choice! {
    /// How far a session is.
    pub enum SessionState {
        /// Running.
        Active = "active",
        /// Ended, not yet priced.
        Ended = "ended",
        /// Priced.
        Settled = "settled",
    }
}

/// A charging session as its station reported it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object, diesel::Queryable, diesel::Selectable)]
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = session, check_for_backend(diesel::pg::Pg))]
pub struct Session {
    /// Id.
    pub id: SessionId,
    /// Running number, at most 12 digits.
    pub number: i64,
    /// The operator it took place at.
    pub operator_id: PartnerId,
    /// The provider whose driver it was.
    pub emp_id: Option<PartnerId>,
    /// Where.
    pub location_id: LocationId,
    /// At which station.
    pub station_id: StationId,
    /// At which charge point; absent when the connector is not known.
    pub charge_point_id: Option<ChargePointId>,
    /// The station's own number of the connector.
    pub ocpp_connector_id: i32,
    /// The transaction's number in OCPP 1.6.
    pub ocpp_transaction_id: i32,
    /// Who charged, as the station sent it.
    pub id_tag: Option<String>,
    /// The token that was accepted at the start; absent when it was refused.
    pub token_id: Option<TokenId>,
    /// How far it is.
    pub state: SessionState,
    /// When it began, by the station's clock where that can be.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Register at start in Wh.
    pub meter_start_wh: Fixed<6>,
    /// Register at end in Wh.
    pub meter_stop_wh: Option<Fixed<6>>,
    /// Why it ended, as the station said.
    pub stop_reason: Option<String>,
    /// When it was first reported.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// The tariff's version that it is priced by.
    pub tariff_version_id: Option<Uuid>,
}
