//! Sessions (OCPI 2.2.1 chapter 9).

use serde::{Deserialize, Serialize};

use super::{
    cdrs::{AuthMethod, CdrToken, ChargingPeriod},
    common::Price,
    tokens::ProfileType,
};
use crate::values::{CiString, DateTime, Number, Text, words};

/// A session (section 9.3.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    pub country_code: CiString<2>,
    pub party_id: CiString<3>,
    pub id: CiString<36>,
    pub start_date_time: DateTime,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_date_time: Option<DateTime>,
    /// So far.
    pub kwh: Number,
    pub cdr_token: CdrToken,
    pub auth_method: AuthMethod,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_reference: Option<CiString<36>>,
    pub location_id: CiString<36>,
    pub evse_uid: CiString<36>,
    pub connector_id: CiString<36>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meter_id: Option<Text<255>>,
    pub currency: Text<3>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub charging_periods: Vec<ChargingPeriod>,
    /// So far; absent where it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_cost: Option<Price>,
    pub status: SessionStatus,
    pub last_updated: DateTime,
}

words! {
    /// How far a session is. The specification's text says RESERVED too.
    SessionStatus { Active = "ACTIVE", Completed = "COMPLETED", Invalid = "INVALID", Pending = "PENDING", Reservation = "RESERVATION",
        Reserved = "RESERVED" }
}

/// How a driver wants to charge (section 9.3.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChargingPreferences {
    pub profile_type: ProfileType,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub departure_time: Option<DateTime>,
    /// kWh.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub energy_need: Option<Number>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discharge_allowed: Option<bool>,
}

words! {
    /// What becomes of it.
    ChargingPreferencesResponse { Accepted = "ACCEPTED", DepartureRequired = "DEPARTURE_REQUIRED",
        EnergyNeedRequired = "ENERGY_NEED_REQUIRED", NotPossible = "NOT_POSSIBLE",
        ProfileTypeNotSupported = "PROFILE_TYPE_NOT_SUPPORTED" }
}
