//! The eMarketplace.

pub mod emp;
pub mod emp_contract;
