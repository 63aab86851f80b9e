//! The charging network.

pub mod charge_point;
pub mod connector;
pub mod hardware;
pub mod location;
pub mod note;
pub mod ocpp_message;
pub mod station;
pub mod transfer;
pub mod unknown_station;
