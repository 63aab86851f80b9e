//! Who is on the platform: business partners, their users and programs.

pub mod partner;
