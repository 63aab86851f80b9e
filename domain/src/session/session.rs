//! Sessions: active, then ended, then settled.

use poem_openapi::Object;
use serde::{Deserialize, Serialize};
use stromtor_schema::schema::session;

use crate::{
    Error, Result, Timestamp,
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
        /// As the driver of a provider with a contract, in any of these ways.
        Emarketplace = "emarketplace",
        /// By a partner connected over OCPI, which was asked, had sent its token or sent the command.
        Ocpi = "ocpi",
        /// By a provider connected over Hubject (OICP), likewise.
        Oicp = "oicp",
        /// By paying at once, without a contract.
        DirectPayment = "direct_payment",
        /// By nobody: the station lets everybody in (OCPP 2.0.1 `NoAuthorization`).
        Free = "free",
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
    /// When it last changed. The readings of a running session (energy, power, state of charge) are no change.
    pub updated_at: Timestamp,
    /// The tariff's version that it is priced by: the one that held when it began.
    pub tariff_version_id: Option<TariffVersionId>,
    /// Whether its start was never reported.
    pub orphan: bool,
    /// What was doubtful in the station's reports.
    pub findings: Findings,
}

/// What an operator knows better of a session than its station's reports; what is absent stays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(skip_serializing_if_is_none)]
pub struct SessionRepair {
    /// The station's own number of the connector.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connector: Option<i32>,
    /// UID of the token that charged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_tag: Option<String>,
    /// When it began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// Register at start in Wh.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meter_start_wh: Option<Fixed<6>>,
    /// Register at end in Wh.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meter_stop_wh: Option<Fixed<6>>,
}

impl SessionRepair {
    /// Puts it into a session; the whole must make sense.
    pub fn apply(&self, session: &mut Session) -> Result<()> {
        let wrong = |pointer: &str, message: &str| Err(Error::invalid(pointer, message));
        session.ocpp_connector_id = self.connector.unwrap_or(session.ocpp_connector_id);
        session.id_tag = self.id_tag.clone().or_else(|| session.id_tag.take());
        session.started_at = self.started_at.unwrap_or(session.started_at);
        session.ended_at = self.ended_at.or(session.ended_at);
        session.meter_start_wh = self.meter_start_wh.unwrap_or(session.meter_start_wh);
        session.meter_stop_wh = self.meter_stop_wh.or(session.meter_stop_wh);
        if self.id_tag.as_ref().is_some_and(|tag| !(1..=36).contains(&tag.chars().count())) {
            return wrong("/id_tag", "must have 1 to 36 characters");
        }
        if session.ended_at.is_some_and(|ended| ended < session.started_at) {
            return wrong("/ended_at", "lies before the start");
        }
        let Some(stop) = session.meter_stop_wh else {
            return wrong("/meter_stop_wh", "is not known and must be given");
        };
        if stop.decimal() < session.meter_start_wh.decimal() || session.meter_start_wh.decimal().is_sign_negative() {
            return wrong("/meter_stop_wh", "is less than the register at start");
        }
        Ok(())
    }
}
