//! Sessions, whatever stations report.

mod model;
