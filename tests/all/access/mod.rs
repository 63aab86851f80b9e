//! Who may charge.

mod authorization;
mod permission;
mod spelling;
mod token;
mod token_import;
