//! Tariffs and where they hold.

pub mod assignment;
mod notice;
pub mod plan;
#[allow(clippy::module_inception, reason = "the resource has the name of its area")]
pub mod tariff;
