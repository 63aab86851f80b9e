//! OCPP 2.0.1: what stations send (lenient) and what we send (strict). Pure both ways.

pub mod answer;
pub mod call;
pub mod command;
pub mod file;
pub mod notice;
pub mod report;
