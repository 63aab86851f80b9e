//! Stations over real WebSockets.

mod again;
pub mod door;
pub mod driven;
pub mod foreign;
mod frames;
pub mod odd;
pub mod quirk;
mod robust;
mod tolerance;
mod transaction;
mod v16;
mod v201;
