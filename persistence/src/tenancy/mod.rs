//! Who is on the platform.

pub mod api_client;
pub mod audit;
pub mod bootstrap;
pub mod credential;
pub mod idempotency;
pub mod partner;
pub mod personal_data;
pub mod role;
pub mod signing_key;
pub mod stream_ticket;
pub mod user;
