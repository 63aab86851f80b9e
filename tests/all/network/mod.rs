mod evse_id;
mod evse_prefix;
pub mod fleet;
pub mod location;
pub mod station;
mod sticker;
