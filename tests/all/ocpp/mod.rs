//! Stations over real WebSockets.

pub mod door;
mod foreign;
mod frames;
mod transaction;
