//! What charging costs, and where.

pub mod assignment;
pub mod notice;
pub mod ocpi;
pub mod plan;
pub mod price;
pub mod quote;
pub mod restriction;
#[allow(clippy::module_inception, reason = "the resource has the name of its area")]
pub mod tariff;
