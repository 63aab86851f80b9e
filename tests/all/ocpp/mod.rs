//! Stations over real WebSockets.

mod complete;
pub mod door;
pub mod driven;
mod events;
pub mod foreign;
mod frames;
mod local_list;
mod parameters;
mod plug_and_charge;
mod robust;
mod tolerance;
mod transaction;
mod transport;
mod v16;
mod v201;
