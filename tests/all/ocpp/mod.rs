//! Stations over real WebSockets.

pub mod door;
mod transaction;
