//! The charging network: locations, stations, charge points, connectors, hardware.

pub mod certificate;
pub mod charge_point;
pub mod connector;
pub mod evse_id;
pub mod hardware;
pub mod location;
pub mod note;
pub mod ocpp_message;
pub mod station;
