//! Stations over real WebSockets.

mod again;
mod complete;
pub mod door;
pub mod driven;
mod events;
pub mod foreign;
mod frames;
mod local_list;
pub mod odd;
mod parameters;
mod plug_and_charge;
pub mod quirk;
mod robust;
mod tolerance;
mod transaction;
mod transport;
pub mod v16;
mod v201;
