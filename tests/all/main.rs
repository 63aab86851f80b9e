//! Every integration test, in one binary: real PostgreSQL, real HTTP, real WebSockets.
#![allow(missing_docs, dead_code, clippy::disallowed_methods)]

mod contract;
mod network;
mod ocpp;
mod tenancy;
mod world;
