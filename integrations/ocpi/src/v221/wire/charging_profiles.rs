//! Charging profiles of running sessions (OCPI 2.2.1 chapter 14).

use serde::{Deserialize, Serialize};

use crate::values::{DateTime, Number, Url, words};

/// Limits the power of a session (section 14.4.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetChargingProfile {
    pub charging_profile: ChargingProfile,
    pub response_url: Url,
}

/// A course of limits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChargingProfile {
    /// Absent: from the begin of the session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_date_time: Option<DateTime>,
    /// Seconds; absent: the last period goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<u32>,
    pub charging_rate_unit: ChargingRateUnit,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_charging_rate: Option<Number>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub charging_profile_period: Vec<ChargingProfilePeriod>,
}

/// A limit from a time on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChargingProfilePeriod {
    /// Seconds from the begin of the profile.
    pub start_period: u32,
    /// W, or A for each phase.
    pub limit: Number,
}

words! {
    /// What limits are in.
    ChargingRateUnit { W = "W", A = "A" }
}

/// What a station goes by now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActiveChargingProfile {
    pub start_date_time: DateTime,
    pub charging_profile: ChargingProfile,
}

words! {
    /// Whether a request was taken.
    ChargingProfileResponseType { Accepted = "ACCEPTED", NotSupported = "NOT_SUPPORTED", Rejected = "REJECTED",
        TooOften = "TOO_OFTEN", UnknownSession = "UNKNOWN_SESSION" }
}

/// The answer to a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChargingProfileResponse {
    pub result: ChargingProfileResponseType,
    /// Seconds until the result at the latest.
    pub timeout: u32,
}

words! {
    /// What became of a request.
    ChargingProfileResultType { Accepted = "ACCEPTED", Rejected = "REJECTED", Unknown = "UNKNOWN" } else Unknown
}

/// The result of asking for, setting or clearing a profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChargingProfileResult {
    pub result: ChargingProfileResultType,
    /// Where it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<ActiveChargingProfile>,
}
