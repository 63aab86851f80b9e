//! The tables, and nothing else: `schema.rs` is generated from the migrated database (`diesel print-schema`).
#![allow(missing_docs)]

pub mod schema;
