//! What the business is: every type and rule of Stromtor, and no input or output.
//!
//! Nothing in this crate can ask a database, open a socket, read the clock or draw a random number: time, ids and
//! facts are parameters. Types may carry diesel *mapping* derives (against the tables-only crate `stromtor-schema`) and
//! poem-openapi derives, so that one struct per shape serves as row, request and response.

#[macro_use]
mod choice;
#[macro_use]
mod id;
#[macro_use]
mod text;
#[macro_use]
mod jsonb;

pub mod access;
pub mod actor;
pub mod admin;
pub mod billing;
pub mod clock;
pub mod command;
pub mod error;
pub mod event;
pub mod file;
pub mod marketing;
pub mod marketplace;
pub mod money;
pub mod network;
pub mod page;
pub mod patch;
pub mod product;
pub mod roaming;
pub mod session;
pub mod tariff;
pub mod tenancy;
pub mod time;
pub mod values;

pub use error::{Error, Result};
pub use time::Timestamp;
