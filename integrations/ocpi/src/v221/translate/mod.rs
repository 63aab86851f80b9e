//! From the domain's words to those of OCPI 2.2.1. Pure.

pub mod drive;
pub mod locations;
pub mod tariffs;
