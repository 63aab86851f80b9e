//! Who is on the platform, and how they log in.

pub mod api_client;
pub mod audit;
pub mod me;
pub mod oauth;
pub mod partner;
pub mod password;
pub mod personal_data;
pub mod role;
pub mod user;
