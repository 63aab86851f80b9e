//! Who may charge where.

pub mod decide;
