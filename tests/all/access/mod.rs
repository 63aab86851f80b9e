//! Who may charge.

mod spelling;
mod token;
