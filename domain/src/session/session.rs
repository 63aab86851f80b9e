//! Sessions: active, then ended, then settled.

use poem_openapi::Object;
use serde::{Deserialize, Serialize};
use stromtor_schema::schema::session;

use crate::{
    Timestamp,
    access::token::TokenId,
    money::Fixed,
    network::{charge_point::ChargePointId, location::LocationId, station::StationId},
    session::finding::Findings,
    tariff::tariff::TariffVersionId,
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

choice! {
    /// How a driver was let in.
    pub enum AuthSource {
        /// By a card at the station.
        LocalRfid = "local_rfid",
        /// By a command from outside.
        Remote = "remote",
        /// By the car's contract certificate.
        PlugAndCharge = "plug_and_charge",
        /// The station did not say.
        Unknown = "unknown",
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
    /// How the driver was let in.
    pub auth_source: AuthSource,
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
    /// Energy so far in Wh, by the register; once settled, as billed.
    pub energy_wh: Fixed<6>,
    /// Power at the last reading in W.
    pub power_w: Option<Fixed<6>>,
    /// The car's state of charge at the last reading in percent.
    pub state_of_charge: Option<Fixed<2>>,
    /// Time of the last reading.
    pub last_reading_at: Option<Timestamp>,
    /// Why it ended, as the station said.
    pub stop_reason: Option<String>,
    /// When it was first reported.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// The tariff's version that it is priced by: the one that held when it began.
    pub tariff_version_id: Option<TariffVersionId>,
    /// Whether its start was never reported.
    pub orphan: bool,
    /// What was doubtful in the station's reports.
    pub findings: Findings,
}
