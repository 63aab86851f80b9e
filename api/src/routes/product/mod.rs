//! Products over REST.

pub mod assignment;
pub mod order;
#[allow(clippy::module_inception, reason = "the resource has the name of its area")]
pub mod product;
