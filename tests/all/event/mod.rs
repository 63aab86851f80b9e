//! Events, logs and lists, live and exported.

pub mod stream;
