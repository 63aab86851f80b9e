//! OCPP 2.0.1.

pub mod file;
