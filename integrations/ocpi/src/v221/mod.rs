//! OCPI 2.2.1, and 2.2, whose wire is the same.

pub mod merge;
pub mod translate;
pub mod wire;
