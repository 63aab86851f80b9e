//! Authorisations: who wanted to charge where, what was decided and by which rule, and what became of it (portal functions E1, C6).

use poem_openapi::Object;
use serde::{Deserialize, Serialize};
use stromtor_schema::schema::authorization_monitor;

use crate::{
    Timestamp,
    access::{
        decide::{Outcome, Reason},
        permission::AccessPermissionId,
        token::TokenId,
    },
    billing::cdr::CdrId,
    marketplace::emp_contract::EmpContractId,
    money::Fixed,
    network::{charge_point::ChargePointId, location::LocationId, station::StationId},
    session::session::{AuthSource, SessionId},
    tenancy::partner::PartnerId,
};

id! {
    /// Id of an authorisation.
    AuthorizationId
}

choice! {
    /// What asked.
    pub enum Trigger {
        /// The station, before a session.
        Authorize = "authorize",
        /// The station, at the start of a session that nothing preceded.
        Start = "start",
        /// A remote start.
        RemoteStart = "remote_start",
    }
}

choice! {
    /// How far an authorisation has come.
    pub enum Progress {
        /// Let in; no session has begun.
        Authorized = "authorized",
        /// A session runs, and no energy flows yet.
        Plugged = "plugged",
        /// Energy flows.
        Charging = "charging",
        /// The session pauses.
        Suspended = "suspended",
        /// The session has ended and is not priced yet.
        Ended = "ended",
        /// The session is priced.
        Billed = "billed",
        /// Not let in.
        Refused = "refused",
    }
}

choice! {
    /// How far an authorisation has come, in detail.
    pub enum AuthorizationStatus {
        /// Let in; the station is waiting for the car, or was left.
        Waiting = "waiting",
        /// The session has begun.
        Started = "started",
        /// Energy flows.
        Charging = "charging",
        /// The car takes nothing.
        SuspendedEv = "suspended_ev",
        /// The station gives nothing.
        SuspendedEvse = "suspended_evse",
        /// The session has ended.
        Finished = "finished",
        /// It is priced, and its CDR may not be billed; the CDR says why.
        Held = "held",
        /// It is priced, and its CDR is final.
        Billed = "billed",
        /// Not let in; `reason` says why.
        Refused = "refused",
    }
}

/// An authorisation. The Authorize of a station and the start that follows it within ten minutes are one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object, diesel::Queryable, diesel::Selectable)]
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = authorization_monitor, check_for_backend(diesel::pg::Pg))]
pub struct Authorization {
    /// Id.
    pub id: AuthorizationId,
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
    /// Who, as the station sent it; empty where the station lets everybody in.
    pub id_tag: String,
    /// The token it is.
    pub token_id: Option<TokenId>,
    /// What asked.
    pub trigger: Trigger,
    /// Where the right to charge comes from.
    pub source: AuthSource,
    /// What was decided.
    pub decision: Outcome,
    /// The rule that decided.
    pub reason: Reason,
    /// The permission that admitted, or that came closest to it.
    pub permission_id: Option<AccessPermissionId>,
    /// The contract with the driver's provider that admitted.
    pub emp_contract_id: Option<EmpContractId>,
    /// How far it has come.
    pub progress: Progress,
    /// How far, in detail.
    pub status: AuthorizationStatus,
    /// The session that began with it.
    pub session_id: Option<SessionId>,
    /// The session's running number.
    pub session_number: Option<i64>,
    /// When the session began.
    pub started_at: Option<Timestamp>,
    /// When the session ended.
    pub ended_at: Option<Timestamp>,
    /// Energy of the session so far in Wh.
    pub energy_wh: Option<Fixed<6>>,
    /// The session's CDR (BDR): of those that you may see, the one that is nearest to the operator.
    pub cdr_id: Option<CdrId>,
}
