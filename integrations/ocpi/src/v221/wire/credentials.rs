//! Credentials (OCPI 2.2.1 chapter 7).

use serde::{Deserialize, Serialize};

use super::common::{BusinessDetails, Role};
use crate::values::{CiString, Url};

/// How a platform is reached and whom it speaks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// The token that the receiver calls the sender with, as it is: base64 is for the header alone. Up to 64 characters.
    pub token: String,
    /// The sender's versions.
    pub url: Url,
    pub roles: Vec<CredentialsRole>,
}

/// A party that a platform speaks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CredentialsRole {
    pub role: Role,
    pub business_details: BusinessDetails,
    pub party_id: CiString<3>,
    /// ISO 3166-1 alpha-2.
    pub country_code: CiString<2>,
}
