//! Security profiles 0 to 3, passwords and certificates.

mod certificate;
mod password;
mod pki;
mod profile;
mod request;
mod station;
