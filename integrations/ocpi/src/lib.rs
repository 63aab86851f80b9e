//! OCPI 2.2.1: roaming with e-mobility providers, directly or through a hub.
//!
//! This room knows the wire and the domain, never the database. `v221` is what version 2.2.1 says (2.2 is the same wire);
//! what is the same in every version stands beside it. Reading is lenient: unknown fields are ignored, unknown words are kept or
//! mapped; writing is strict.

pub mod address;
pub mod client;
pub mod envelope;
pub mod header;
pub mod page;
pub mod v221;
pub mod values;
