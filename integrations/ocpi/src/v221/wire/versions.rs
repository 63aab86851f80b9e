//! Versions and their endpoints (OCPI 2.2.1 chapter 6).

use serde::{Deserialize, Serialize};

use crate::values::{Url, words};

/// A version that a platform speaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// `2.2.1` and so on; others come in future.
    pub version: String,
    /// Where its details are.
    pub url: Url,
}

/// A version's endpoints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionDetails {
    pub version: String,
    pub endpoints: Vec<Endpoint>,
}

words! {
    /// Which side of a module an endpoint is.
    InterfaceRole { Sender = "SENDER", Receiver = "RECEIVER" }
}

/// Where a module is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// `locations`, `tokens` and so on; platforms may have their own.
    pub identifier: String,
    pub role: InterfaceRole,
    pub url: Url,
}
