//! session.
pub mod report;
