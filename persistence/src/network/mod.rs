//! The charging network.

pub mod certificate_request;
pub mod charge_point;
pub mod charge_point_group;
pub mod charging_profile;
pub mod connection;
pub mod connector;
pub mod evse_allocation;
pub mod evse_id;
pub mod evse_prefix;
pub mod hardware;
pub mod history;
pub mod location;
pub mod note;
pub mod ocpp_message;
pub mod parameter;
pub mod reservation;
pub mod security;
pub mod station;
pub mod station_alias;
pub mod station_certificate;
pub mod transfer;
pub mod unknown_station;
