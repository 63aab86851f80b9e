//! Who is on the platform.

pub mod bootstrap;
pub mod signing_key;
