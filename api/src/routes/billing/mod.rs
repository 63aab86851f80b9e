//! What sessions cost.

pub mod cdr;
