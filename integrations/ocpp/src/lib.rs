//! The OCPP gateway: stations connect over WebSockets (OCPP-J), what they report is handed to a [`backend::Backend`] in
//! domain words, and calls to them go through the [`route::Registry`].
//!
//! This room knows the wire and the domain, never the database. Parsing is lenient and remembers what was wrong;
//! sending is strict.

pub mod backend;
pub mod call;
mod connection;
mod dispatch;
pub mod file;
pub mod frame;
pub mod fuzz;
mod handshake;
pub mod mask;
pub mod outbound;
pub mod parts;
pub mod progress;
pub mod read;
pub mod result;
pub mod route;
pub mod security;
pub mod server;
pub mod sim;
pub mod tls;
pub mod tolerate;
pub mod v16;
pub mod v201;
pub mod version;
pub mod words;
