//! Tokens and real-time authorisation (OCPI 2.2.1 chapter 12).

use serde::{Deserialize, Serialize};

use super::common::DisplayText;
use crate::values::{CiString, DateTime, Text, words};

/// A driver's card or app account (section 12.3.2); its key is party, uid and type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    pub country_code: CiString<2>,
    pub party_id: CiString<3>,
    pub uid: CiString<36>,
    #[serde(rename = "type")]
    pub kind: TokenType,
    /// Usually an EMAID.
    pub contract_id: CiString<36>,
    /// What is printed on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visual_number: Option<Text<64>>,
    pub issuer: Text<64>,
    /// OCPP's parent id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_id: Option<CiString<36>>,
    /// Whether it may charge.
    pub valid: bool,
    pub whitelist: WhitelistType,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Text<2>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_profile_type: Option<ProfileType>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub energy_contract: Option<EnergyContract>,
    pub last_updated: DateTime,
}

words! {
    /// What kind of token it is.
    TokenType { AdHocUser = "AD_HOC_USER", AppUser = "APP_USER", Other = "OTHER", Rfid = "RFID" } else Other
}

words! {
    /// Whether its provider is asked each time.
    WhitelistType { Always = "ALWAYS", Allowed = "ALLOWED", AllowedOffline = "ALLOWED_OFFLINE", Never = "NEVER" } else Never
}

words! {
    /// How a driver likes to charge.
    ProfileType { Cheap = "CHEAP", Fast = "FAST", Green = "GREEN", Regular = "REGULAR" } else Regular
}

/// A driver's own contract for energy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnergyContract {
    pub supplier_name: Text<64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract_id: Option<Text<64>>,
}

/// Where somebody wants to charge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocationReferences {
    pub location_id: CiString<36>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evse_uids: Vec<CiString<36>>,
}

words! {
    /// A provider's answer.
    AllowedType { Allowed = "ALLOWED", Blocked = "BLOCKED", Expired = "EXPIRED", NoCredit = "NO_CREDIT", NotAllowed = "NOT_ALLOWED" }
        else NotAllowed
}

/// A provider's answer (section 12.3.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationInfo {
    pub allowed: AllowedType,
    pub token: Token,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<LocationReferences>,
    /// To be repeated in session and CDR.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_reference: Option<CiString<36>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub info: Option<DisplayText>,
}
