//! How stations are offered, and where roaming partners see them.

pub mod access_information;
pub mod facts;
pub mod publication;
pub mod switch;
