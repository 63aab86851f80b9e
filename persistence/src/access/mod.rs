//! Who may charge where.

pub mod attempt;
pub mod local_list;
pub mod token;
pub mod token_alias;
