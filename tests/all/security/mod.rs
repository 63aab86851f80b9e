//! Security profiles 0 to 3, passwords and certificates.

mod certificate;
mod password;
pub mod pki;
mod profile;
mod request;
mod station;
