//! Every integration test, in one binary: real PostgreSQL, real HTTP, real WebSockets.
#![allow(missing_docs, dead_code, clippy::disallowed_methods)]

mod access;
mod billing;
mod contract;
mod event;
mod file;
mod marketing;
mod marketplace;
mod network;
mod ocpp;
mod process;
mod product;
mod roaming;
mod security;
mod session;
mod tariff;
mod tenancy;
mod world;
