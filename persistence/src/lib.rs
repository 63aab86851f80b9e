//! The only room that asks the database.
//!
//! Every function takes a [`tx::Tx`], which exists only for an actor and a named permission and carries the actor's
//! scope into row-level security; or, for what stations report and for jobs, a system transaction of a role of its own.
//! Row-level security is the scope filter: queries do not repeat it, so it cannot be forgotten in one of them.

#[macro_use]
mod resource;

pub mod access;
pub mod admin;
mod audit;
pub mod billing;
pub mod clock;
pub mod command;
pub mod db;
pub mod embedded;
pub mod error;
pub mod event;
mod explain;
pub mod file;
mod group;
pub mod housekeeping;
pub mod ingest;
pub mod listen;
pub mod listing;
pub mod marketing;
pub mod marketplace;
pub mod migrate;
pub mod network;
pub mod product;
pub mod roaming;
pub mod session;
mod sql;
pub mod tariff;
pub mod tenancy;
pub mod tx;
