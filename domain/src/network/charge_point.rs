//! Charge points (EVSEs): each charges one car at a time.

use poem_openapi::Object;
use serde::{Deserialize, Serialize};
use stromtor_schema::schema::{charge_point, charge_point_live};
use uuid::Uuid;

use crate::{
    Error, Result, Timestamp,
    access::policy::{AccessPolicy, AuthenticationType},
    money::Kwh,
    network::{evse_id::EvseId, location::LocationId, station::StationId},
    tenancy::partner::PartnerId,
    values::{ExternalId, LongText, Metadata, Name},
};

id! {
    /// Id of a charge point.
    ChargePointId
}

choice! {
    /// Current type.
    pub enum CurrentType {
        /// Alternating current.
        Ac = "ac",
        /// Direct current.
        Dc = "dc",
    }
}

choice! {
    /// What a charge point is doing. The same words for every OCPP version.
    pub enum ChargePointStatus {
        /// Nothing was heard yet.
        Unknown = "unknown",
        /// Free.
        Available = "available",
        /// A cable is in, or a session prepares, pauses or ends.
        Occupied = "occupied",
        /// Energy flows.
        Charging = "charging",
        /// Reserved.
        Reserved = "reserved",
        /// Out of service by order.
        Unavailable = "unavailable",
        /// Out of service by a fault.
        Faulted = "faulted",
        /// Its station is not connected.
        Offline = "offline",
    }
}

impl ChargePointStatus {
    /// From a status word of OCPP 1.6 (section 7.7) or 2.x.
    #[must_use]
    pub fn from_ocpp(word: &str) -> Self {
        match word.to_ascii_lowercase().as_str() {
            "available" => Self::Available,
            "charging" => Self::Charging,
            "preparing" | "suspendedev" | "suspendedevse" | "finishing" | "occupied" => Self::Occupied,
            "reserved" => Self::Reserved,
            "unavailable" => Self::Unavailable,
            "faulted" => Self::Faulted,
            _ => Self::Unknown,
        }
    }

    /// What several connectors of one charge point amount to: the busiest tells.
    #[must_use]
    pub fn of_connectors(words: impl IntoIterator<Item = Self>) -> Self {
        const ORDER: [ChargePointStatus; 7] = [
            ChargePointStatus::Charging,
            ChargePointStatus::Occupied,
            ChargePointStatus::Reserved,
            ChargePointStatus::Available,
            ChargePointStatus::Faulted,
            ChargePointStatus::Unavailable,
            ChargePointStatus::Unknown,
        ];
        let words: Vec<Self> = words.into_iter().collect();
        ORDER.into_iter().find(|word| words.contains(word)).unwrap_or(Self::Unknown)
    }

    /// Whether nobody can charge.
    #[must_use]
    pub const fn is_down(self) -> bool {
        matches!(self, Self::Unavailable | Self::Faulted | Self::Offline)
    }
}

/// What a caller may set of a charge point.
#[derive(
    Debug,
    Clone,
    PartialEq,
    Serialize,
    Deserialize,
    Object,
    diesel::Queryable,
    diesel::Selectable,
    diesel::Insertable,
    diesel::AsChangeset,
)]
#[serde(deny_unknown_fields)]
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = charge_point, treat_none_as_null = true)]
pub struct ChargePointInput {
    /// The operator's own name of it, unique for the operator, for example `YD-9296-8`.
    pub code: Name,
    /// EVSE-ID, unique on the platform; needed for roaming.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evse_id: Option<EvseId>,
    /// Position within the station, 1 to 999.
    pub evse_number: i32,
    /// Current type; chooses the tariff's prices.
    pub current_type: CurrentType,
    /// Most power in kW.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_power_kw: Option<Kwh>,
    /// Public key of the meter that signs here, as printed on it: hexadecimal or base64 (OCMF). Signed readings are
    /// checked with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meter_public_key: Option<LongText>,
    /// Whom it lets in.
    #[serde(default)]
    #[oai(default)]
    pub access_policy: AccessPolicy,
    /// How drivers may be let in, each once; every way when absent. Roaming publishes them.
    #[serde(default = "AuthenticationType::all")]
    #[oai(default = "AuthenticationType::all")]
    pub authentication_types: Vec<AuthenticationType>,
    /// The caller's own id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<ExternalId>,
    /// Free key/value pairs.
    #[serde(default)]
    #[oai(default)]
    pub metadata: Metadata,
}

impl ChargePointInput {
    /// The rules that concern more than one field.
    pub fn check(&self) -> Result<()> {
        if !(1..=999).contains(&self.evse_number) {
            return Err(Error::invalid("/evse_number", "must be between 1 and 999"));
        }
        if self.max_power_kw.is_some_and(|power| power <= Kwh::ZERO) {
            return Err(Error::invalid("/max_power_kw", "must be above zero"));
        }
        for (at, kind) in self.authentication_types.iter().enumerate() {
            if self.authentication_types[..at].contains(kind) {
                return Err(Error::invalid(format!("/authentication_types/{at}"), "is there twice"));
            }
        }
        Ok(())
    }
}

/// A charge point.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object, diesel::Queryable, diesel::Selectable)]
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = charge_point, check_for_backend(diesel::pg::Pg))]
pub struct ChargePoint {
    /// Id.
    pub id: ChargePointId,
    /// Its operator.
    pub partner_id: PartnerId,
    /// Its station's location.
    pub location_id: LocationId,
    /// Its station.
    pub station_id: StationId,
    /// What a caller may set.
    #[oai(flatten)]
    #[serde(flatten)]
    #[diesel(embed)]
    pub input: ChargePointInput,
    /// Counts the changes.
    pub revision: i64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// What a charge point is doing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object, diesel::Queryable, diesel::Selectable)]
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = charge_point_live, check_for_backend(diesel::pg::Pg))]
pub struct ChargePointLive {
    /// The charge point.
    pub charge_point_id: ChargePointId,
    /// Its station.
    pub station_id: StationId,
    /// What it is doing.
    pub status: ChargePointStatus,
    /// Since when, by the station's clock.
    pub status_at: Option<Timestamp>,
    /// Since when nobody can charge here.
    pub unavailable_since: Option<Timestamp>,
    /// The running session.
    pub session_id: Option<Uuid>,
}
