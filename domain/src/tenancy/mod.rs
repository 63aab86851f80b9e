//! Who is on the platform: business partners, their users and programs.

pub mod api_client;
pub mod audit;
pub mod partner;
pub mod personal_data;
pub mod role;
pub mod user;
