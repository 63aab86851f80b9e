//! The REST API, the use cases behind it, and the executable that wires all rooms together.

pub mod app;
pub mod auth;
pub mod config;
pub mod problem;
pub mod respond;
pub mod routes;
pub mod secrets;
pub mod service;
pub mod state;
