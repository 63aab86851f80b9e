//! The charging network.

pub mod charge_point;
pub mod charging_profile;
pub mod connector;
pub mod hardware;
pub mod history;
pub mod location;
pub mod note;
pub mod ocpp_message;
pub mod parameter;
pub mod reservation;
pub mod station;
pub mod transfer;
pub mod unknown_station;
