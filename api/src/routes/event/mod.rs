//! What happened, live and kept.

#[allow(clippy::module_inception, reason = "the resource has the name of its area")]
pub mod event;
pub mod ticket;
