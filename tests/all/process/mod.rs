//! The built program as a whole, killed and bereft of its database.

mod crash;
mod server;
