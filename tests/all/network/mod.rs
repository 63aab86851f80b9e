pub mod fleet;
pub mod location;
pub mod station;
