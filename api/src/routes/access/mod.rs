//! Who may charge where.

pub mod authorization;
pub mod emaid_group;
pub mod evaluation;
pub mod permission;
pub mod token;
pub mod token_alias;
pub mod token_import;
