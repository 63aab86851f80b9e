//! The charging network: locations, stations, charge points, connectors, hardware.

pub mod certificate;
pub mod charge_point;
pub mod charge_point_group;
pub mod charging_profile;
pub mod connector;
pub mod evse_id;
pub mod evse_prefix;
pub mod hardware;
pub mod history;
pub mod location;
pub mod note;
pub mod notice;
pub mod ocpp_message;
pub mod parameter;
pub mod progress;
pub mod quirk;
pub mod reservation;
pub mod station;
pub mod station_alias;
pub mod station_parameter;
pub mod sticker;
pub mod suggestion;
pub mod tolerance;
