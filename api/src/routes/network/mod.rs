//! The charging network.

pub mod charge_point;
pub mod connector;
pub mod location;
pub mod station;
