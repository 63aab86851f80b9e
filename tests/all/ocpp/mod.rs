//! Stations over real WebSockets.

mod door;
mod transaction;
