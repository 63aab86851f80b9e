//! Use cases: what takes several steps, has side effects, or has a second caller.

pub mod answer;
pub mod bootstrap;
pub mod charge;
pub mod command;
pub mod file;
pub mod identity;
pub mod ingest;
pub mod keys;
pub mod settle;
pub mod ticket;
