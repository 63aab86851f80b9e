//! Who may charge where.

pub mod token;
