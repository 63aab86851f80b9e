//! Charge detail records (OCPI 2.2.1 chapter 10). A CDR never changes; a credit CDR takes one back.

use serde::{Deserialize, Serialize};

use super::{
    common::Price,
    locations::{ConnectorFormat, ConnectorType, GeoLocation, PowerType},
    tariffs::Tariff,
    tokens::TokenType,
};
use crate::values::{CiString, DateTime, Number, Text, words};

/// What a session cost (section 10.3.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cdr {
    pub country_code: CiString<2>,
    pub party_id: CiString<3>,
    /// 36 characters; 39 in credit CDRs.
    pub id: CiString<39>,
    pub start_date_time: DateTime,
    pub end_date_time: DateTime,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<CiString<36>>,
    pub cdr_token: CdrToken,
    pub auth_method: AuthMethod,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_reference: Option<CiString<36>>,
    pub cdr_location: CdrLocation,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meter_id: Option<Text<255>>,
    pub currency: Text<3>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tariffs: Vec<Tariff>,
    pub charging_periods: Vec<ChargingPeriod>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_data: Option<SignedData>,
    pub total_cost: Price,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_fixed_cost: Option<Price>,
    /// kWh.
    pub total_energy: Number,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_energy_cost: Option<Price>,
    /// Hours, parking included.
    pub total_time: Number,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_time_cost: Option<Price>,
    /// Hours without energy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_parking_time: Option<Number>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_parking_cost: Option<Price>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_reservation_cost: Option<Price>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remark: Option<Text<255>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invoice_reference_id: Option<CiString<39>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credit: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credit_reference_id: Option<CiString<39>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub home_charging_compensation: Option<bool>,
    /// When it was made.
    pub last_updated: DateTime,
}

words! {
    /// How a driver was let in: by asking the provider, by its command, by what is known here.
    AuthMethod { AuthRequest = "AUTH_REQUEST", Command = "COMMAND", Whitelist = "WHITELIST" }
}

/// The token as it was at the start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CdrToken {
    pub country_code: CiString<2>,
    pub party_id: CiString<3>,
    pub uid: CiString<36>,
    #[serde(rename = "type")]
    pub kind: TokenType,
    pub contract_id: CiString<36>,
}

/// The place as it was at the start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CdrLocation {
    pub id: CiString<36>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Text<255>>,
    pub address: Text<45>,
    pub city: Text<45>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<Text<10>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<Text<20>>,
    /// ISO 3166-1 alpha-3.
    pub country: Text<3>,
    pub coordinates: GeoLocation,
    pub evse_uid: CiString<36>,
    /// EVSE-ID; `#NA` where there is none.
    pub evse_id: CiString<48>,
    pub connector_id: CiString<36>,
    pub connector_standard: ConnectorType,
    pub connector_format: ConnectorFormat,
    pub connector_power_type: PowerType,
}

/// A part of a session in which one price holds; it ends where the next begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChargingPeriod {
    pub start_date_time: DateTime,
    pub dimensions: Vec<CdrDimension>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tariff_id: Option<CiString<36>>,
}

/// How much of something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CdrDimension {
    #[serde(rename = "type")]
    pub kind: CdrDimensionType,
    /// kWh, hours, A, kW, percent.
    pub volume: Number,
}

words! {
    /// What is measured; CURRENT, ENERGY_EXPORT, ENERGY_IMPORT, POWER and STATE_OF_CHARGE are for sessions alone.
    CdrDimensionType { Current = "CURRENT", Energy = "ENERGY", EnergyExport = "ENERGY_EXPORT", EnergyImport = "ENERGY_IMPORT",
        MaxCurrent = "MAX_CURRENT", MinCurrent = "MIN_CURRENT", MaxPower = "MAX_POWER", MinPower = "MIN_POWER",
        ParkingTime = "PARKING_TIME", Power = "POWER", ReservationTime = "RESERVATION_TIME", StateOfCharge = "STATE_OF_CHARGE",
        Time = "TIME" }
}

/// Signed readings (German calibration law).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedData {
    /// `OCMF` and so on.
    pub encoding_method: CiString<36>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding_method_version: Option<i32>,
    /// Base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_key: Option<Text<512>>,
    pub signed_values: Vec<SignedValue>,
    /// Where a driver can check them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<Text<512>>,
}

/// A signed reading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedValue {
    /// `Start`, `End`, `Intermediate`.
    pub nature: CiString<32>,
    pub plain_data: Text<5000>,
    /// Base64 of the signed record.
    pub signed_data: Text<5000>,
}
