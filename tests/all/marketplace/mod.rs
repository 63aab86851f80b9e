//! The eMarketplace.

pub mod emp_contract;
