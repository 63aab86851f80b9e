//! Authorisation attempts: who wanted to charge where, what was decided, and by which rule (portal function E1).

use poem_openapi::Object;
use serde::{Deserialize, Serialize};
use stromtor_schema::schema::authorization_attempt;

use crate::{
    Timestamp,
    access::{
        decide::{Outcome, Reason},
        permission::AccessPermissionId,
        token::TokenId,
    },
    marketplace::emp_contract::EmpContractId,
    network::{charge_point::ChargePointId, location::LocationId, station::StationId},
    session::session::SessionId,
    tenancy::partner::PartnerId,
};

id! {
    /// Id of an authorisation attempt.
    AttemptId
}

choice! {
    /// What asked.
    pub enum Trigger {
        /// The station, before a session.
        Authorize = "authorize",
        /// The station, at the start of a session.
        Start = "start",
        /// A remote start.
        RemoteStart = "remote_start",
    }
}

/// An authorisation attempt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object, diesel::Queryable, diesel::Selectable)]
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = authorization_attempt, check_for_backend(diesel::pg::Pg))]
pub struct Attempt {
    /// Id.
    pub id: AttemptId,
    /// When.
    pub at: Timestamp,
    /// The operator it took place at.
    pub operator_id: PartnerId,
    /// The provider whose driver it was.
    pub emp_id: Option<PartnerId>,
    /// Where.
    pub location_id: LocationId,
    /// At which station.
    pub station_id: StationId,
    /// At which charge point, when known.
    pub charge_point_id: Option<ChargePointId>,
    /// Who, as the station sent it.
    pub id_tag: String,
    /// The token it is.
    pub token_id: Option<TokenId>,
    /// What asked.
    pub trigger: Trigger,
    /// What was decided.
    pub decision: Outcome,
    /// The rule that decided.
    pub reason: Reason,
    /// The session that began with it.
    pub session_id: Option<SessionId>,
    /// The permission that admitted, or that came closest to it.
    pub permission_id: Option<AccessPermissionId>,
    /// The contract with the driver's provider that admitted.
    pub emp_contract_id: Option<EmpContractId>,
}
