//! Charging sessions: what stations report, what it amounts to, what it costs.

pub mod report;
pub mod session;
