//! Charging sessions: what stations report, and what it amounts to.

pub mod clock;
pub mod finding;
pub mod matching;
pub mod measure;
pub mod register;
pub mod report;
#[allow(clippy::module_inception, reason = "the resource has the name of its area")]
pub mod session;
pub mod signed;
