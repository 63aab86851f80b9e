//! The REST API, the use cases behind it, and the executable that wires all rooms together.

pub mod app;
pub mod auth;
pub mod config;
pub mod demo;
pub mod download;
pub mod files;
pub mod idempotency;
pub mod jobs;
pub mod limits;
pub mod list;
pub mod live;
pub mod ocpi;
pub mod problem;
pub mod respond;
pub mod routes;
pub mod run;
pub mod secrets;
pub mod service;
pub mod state;
pub mod sticker;
pub mod transfer;
pub mod upload;
