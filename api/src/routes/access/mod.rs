//! Who may charge where.

pub mod attempt;
pub mod token;
pub mod token_alias;
