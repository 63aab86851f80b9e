//! What roaming partners see of a location: the same for every protocol and version. Doors put it into their own words.

use crate::{
    Timestamp,
    access::policy::AuthenticationType,
    money::Kwh,
    network::{
        charge_point::{ChargePointId, ChargePointStatus, CurrentType},
        connector::{ConnectorFormat, ConnectorId, ConnectorStandard, PowerType},
        evse_id::EvseId,
        location::{Address, Coordinates, EnergyMix, LocationId, OpeningHours, TimeZone},
    },
    tariff::tariff::TariffId,
};

/// A location as roaming partners see it.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// Id.
    pub id: LocationId,
    /// The operator in OCPI: country and party.
    pub party: (String, String),
    /// The operator's name.
    pub operator: String,
    /// The operator's website.
    pub website: Option<String>,
    /// Name for people.
    pub name: String,
    /// Postal address.
    pub address: Address,
    /// Position on the map; whatever is published has one.
    pub coordinates: Coordinates,
    /// Time zone.
    pub time_zone: TimeZone,
    /// When it is open.
    pub opening_hours: Option<OpeningHours>,
    /// Where its energy comes from.
    pub energy_mix: Option<EnergyMix>,
    /// How to get there.
    pub directions: Option<String>,
    /// Charge points of stations that are published, or were.
    pub points: Vec<PlacePoint>,
    /// When it or anything of it last changed.
    pub last_updated: Timestamp,
}

/// A charge point as roaming partners see it.
#[derive(Debug, Clone, PartialEq)]
pub struct PlacePoint {
    /// Id.
    pub id: ChargePointId,
    /// EVSE-ID.
    pub evse_id: Option<EvseId>,
    /// What is written on it.
    pub code: String,
    /// AC or DC.
    pub current_type: CurrentType,
    /// What it is doing.
    pub status: ChargePointStatus,
    /// Whether it is published; else it is gone for roaming partners.
    pub published: bool,
    /// Whether the map may show it to everybody.
    pub show_as_poi: bool,
    /// How drivers are let in.
    pub ways: Vec<AuthenticationType>,
    /// The tariff that holds there now.
    pub tariff_id: Option<TariffId>,
    /// Its connectors.
    pub connectors: Vec<PlaceConnector>,
    /// When it or anything of it last changed.
    pub last_updated: Timestamp,
}

/// A connector as roaming partners see it.
#[derive(Debug, Clone, PartialEq)]
pub struct PlaceConnector {
    /// Id.
    pub id: ConnectorId,
    /// Type of plug.
    pub standard: ConnectorStandard,
    /// Socket or cable.
    pub format: ConnectorFormat,
    /// Kind of power.
    pub power_type: PowerType,
    /// V, between the conductors.
    pub max_voltage_v: i32,
    /// A, per phase.
    pub max_current_a: i32,
    /// kW.
    pub max_power_kw: Option<Kwh>,
    /// When it last changed.
    pub last_updated: Timestamp,
}
