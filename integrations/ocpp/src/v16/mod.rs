//! OCPP 1.6: what stations send (lenient) and what we send (strict). Pure both ways.

pub mod answer;
pub mod call;
pub mod command;
pub mod file;
pub mod pnc;
pub mod report;
