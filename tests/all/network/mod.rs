pub mod location;
pub mod station;
