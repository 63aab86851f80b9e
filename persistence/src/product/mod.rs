//! What is sold to operators, who has it, and whether what is wanted was bought.

pub mod assignment;
mod choose;
pub mod needs;
pub mod order;
#[allow(clippy::module_inception, reason = "the resource has the name of its area")]
pub mod product;
