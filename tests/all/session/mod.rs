//! Sessions, whatever stations report.

mod model;
mod vectors;
