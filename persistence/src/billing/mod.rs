//! Charge detail records and what makes them.

pub mod cdr;
pub mod running;
pub mod settle;
