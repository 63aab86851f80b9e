//! The charging network.

pub mod location;
