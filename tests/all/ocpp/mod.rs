//! Stations over real WebSockets.

pub mod door;
pub mod driven;
pub mod foreign;
mod frames;
mod robust;
mod tolerance;
mod transaction;
mod transport;
mod v16;
mod v201;
