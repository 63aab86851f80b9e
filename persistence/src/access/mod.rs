//! Who may charge where.

pub mod attempt;
pub mod token;
