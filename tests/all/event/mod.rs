//! Events, logs and lists, live and exported.

mod stream;
