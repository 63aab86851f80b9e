//! The eMarketplace (portal function E5): whose drivers charge at which operator, and at what price.

pub mod emp_contract;
