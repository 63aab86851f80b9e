//! The objects of OCPI 2.2.1, module by module. Names and order are the specification's; a field is explained where its name does
//! not say it. Numbers are decimals; what a peer sends beyond these fields is ignored.
#![allow(missing_docs, reason = "fields that the specification names plainly")]

pub mod cdrs;
pub mod charging_profiles;
pub mod commands;
pub mod common;
pub mod credentials;
pub mod hub_client_info;
pub mod locations;
pub mod sessions;
pub mod tariffs;
pub mod tokens;
pub mod versions;
