//! Charging sessions: what stations report, what it amounts to, what it costs.

pub mod report;
#[allow(clippy::module_inception, reason = "the resource has the name of its area")]
pub mod session;
