//! The built program as a whole, killed and bereft of its database.

pub mod crash;
mod hostile;
mod nodes;
mod restart;
pub mod server;
