//! Roaming with providers outside of the platform.

pub mod drive;
pub mod ocpi_message;
pub mod ocpi_party;
pub mod ocpi_peer;
pub mod place;
