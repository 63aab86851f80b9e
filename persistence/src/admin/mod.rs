//! Running the platform: deliveries, jobs, what could not be used.

pub mod delivery;
pub mod distinct;
pub mod failed_report;
pub mod job;
