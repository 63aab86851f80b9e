//! Running the platform: deliveries, jobs, dead letters.

pub mod delivery;
pub mod distinct;
pub mod failed_report;
pub mod job;
