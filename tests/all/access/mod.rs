//! Who may charge.

mod permission;
mod spelling;
mod token;
mod token_import;
