//! The charging network: locations, stations, charge points, connectors, hardware.

pub mod location;
