//! From a measured session to money.

pub mod cdr;
pub mod rating;
pub mod usage;
