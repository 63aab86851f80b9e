//! Files to and from stations.

pub mod firmware_image;
pub mod firmware_publication;
pub mod firmware_update;
pub mod log_request;
pub mod station_file;
pub mod transfer;
