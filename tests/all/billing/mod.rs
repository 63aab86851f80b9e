//! From a session to money.

pub mod cdr;
