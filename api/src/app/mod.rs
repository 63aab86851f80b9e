//! Use cases: what takes several steps, has side effects, or has a second caller.

pub mod answer;
pub mod bootstrap;
pub mod ca;
pub mod certificate;
pub mod charge;
pub mod command;
pub mod door;
pub mod identity;
pub mod ingest;
pub mod keys;
pub mod order;
pub mod settle;
pub mod ticket;
