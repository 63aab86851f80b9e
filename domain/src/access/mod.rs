//! Who may charge where.

pub mod decide;
pub mod emaid;
pub mod token;
