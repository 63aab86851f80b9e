//! Stations over real WebSockets.

pub mod door;
pub mod driven;
pub mod foreign;
mod frames;
mod transaction;
mod v201;
