//! Running the platform.

pub mod delivery;
pub mod distinct;
pub mod failed_report;
pub mod job;
