//! Who charged where, as roaming partners are told: the same for sessions and CDRs, for every protocol and version.

use serde_json::Value;

use super::place::PlaceConnector;
use crate::{
    network::{
        charge_point::ChargePointId,
        evse_id::EvseId,
        location::{Address, Coordinates, LocationId},
    },
    session::session::SessionId,
};

/// Who charged where.
#[derive(Debug, Clone, PartialEq)]
pub struct Drive {
    /// The session.
    pub session_id: SessionId,
    /// The operator in OCPI: country and party.
    pub party: (String, String),
    /// The token as its provider told of it; absent once it was erased.
    pub token: Option<Value>,
    /// The provider in OCPI: country and party.
    pub provider: (String, String),
    /// Where.
    pub location_id: LocationId,
    /// Name for people.
    pub name: String,
    /// Postal address.
    pub address: Address,
    /// Position on the map.
    pub coordinates: Option<Coordinates>,
    /// At which charge point, when known.
    pub charge_point_id: Option<ChargePointId>,
    /// Its EVSE-ID.
    pub evse_id: Option<EvseId>,
    /// At which connector, when known.
    pub connector: Option<PlaceConnector>,
    /// Currency of the tariff that holds for it.
    pub currency: Option<String>,
}
