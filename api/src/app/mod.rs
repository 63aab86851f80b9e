//! Use cases: what takes several steps, has side effects, or has a second caller.

pub mod again;
pub mod answer;
pub mod batch;
pub mod bootstrap;
pub mod ca;
pub mod certificate;
pub mod charge;
pub mod command;
pub mod connection;
pub mod cost;
pub mod door;
pub mod file;
pub mod identity;
pub mod ingest;
pub mod iso15118;
pub mod keys;
pub mod local_list;
pub mod order;
pub mod parameter;
pub mod roam;
pub mod settle;
pub mod ticket;
