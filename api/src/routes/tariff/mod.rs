//! What charging costs.

pub mod assignment;
pub mod plan;
pub mod quote;
#[allow(clippy::module_inception, reason = "the resource has the name of its area")]
pub mod tariff;
