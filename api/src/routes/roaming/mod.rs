//! Roaming with providers outside of the platform.

pub mod ocpi_message;
pub mod ocpi_party;
pub mod ocpi_peer;
