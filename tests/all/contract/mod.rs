//! What holds for the whole: the contract, permissions and tenancy of every operation, error codes, directions between
//! rooms, row-level security.

mod codes;
mod coverage;
mod drop;
mod rooms;
mod security;
mod spec;
