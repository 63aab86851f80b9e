//! Who may charge.

mod token;
