//! The charging network.

pub mod certificate;
pub mod certificate_request;
pub mod charge_point;
pub mod charge_point_group;
pub mod charging_profile;
pub mod command;
pub mod connector;
pub mod evse_id;
pub mod evse_prefix;
pub mod history;
pub mod local_list;
pub mod location;
pub mod manufacturer;
pub mod note;
pub mod ocpp_message;
pub mod parameter;
pub mod parameter_template;
pub mod quirk;
pub mod reservation;
pub mod security;
pub mod station;
pub mod station_alias;
pub mod station_model;
pub mod sticker;
pub mod unknown_station;

use stromtor_domain::{
    Error, Result,
    actor::{Actor, Permission},
};

/// The hardware catalogue is the platform's.
fn only_platform(actor: &Actor) -> Result<()> {
    if actor.platform { Ok(()) } else { Err(Error::Forbidden(Permission::PlatformAdmin)) }
}
