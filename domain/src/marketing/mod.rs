//! How stations are offered, and where roaming partners see them (portal functions E3, E4).

pub mod access_information;
pub mod bulk;
pub mod publication;
pub mod readiness;
pub mod switch;
