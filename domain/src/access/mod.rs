//! Who may charge where.

pub mod decide;
pub mod token;
