//! Files to and from stations: logs that they upload, firmware that they download.

pub mod firmware_image;
pub mod firmware_publication;
pub mod firmware_update;
pub mod log_request;
pub mod retry;
pub mod station_file;
pub mod target;
