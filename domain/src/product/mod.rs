//! What is sold to operators, who has it, and what it enables (portal function B7).

pub mod assignment;
pub mod order;
#[allow(clippy::module_inception, reason = "the resource has the name of its area")]
pub mod product;
