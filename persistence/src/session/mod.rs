//! Charging sessions.

#[allow(clippy::module_inception, reason = "the resource has the name of its area")]
pub mod session;
pub mod silent;
