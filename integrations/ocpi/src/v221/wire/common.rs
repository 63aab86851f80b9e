//! What several modules use (OCPI 2.2.1 chapter 16).

use serde::{Deserialize, Serialize};

use crate::values::{CiString, Number, Text, Url, words};

/// Text for people in one language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DisplayText {
    /// ISO 639-1.
    pub language: Text<2>,
    pub text: Text<512>,
}

/// An amount of money; without `incl_vat` the VAT is not known, which is not zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    pub excl_vat: Number,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incl_vat: Option<Number>,
}

words! {
    /// What a party is.
    Role { Cpo = "CPO", Emsp = "EMSP", Hub = "HUB", Nap = "NAP", Nsp = "NSP", Other = "OTHER", Scsp = "SCSP" } else Other
}

/// Who somebody is (section 8.4.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BusinessDetails {
    pub name: Text<100>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub website: Option<Url>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logo: Option<Image>,
}

words! {
    /// What an image shows.
    ImageCategory { Charger = "CHARGER", Entrance = "ENTRANCE", Location = "LOCATION", Network = "NETWORK", Operator = "OPERATOR",
        Other = "OTHER", Owner = "OWNER" } else Other
}

/// An image (section 8.4.15).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    pub url: Url,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thumbnail: Option<Url>,
    pub category: ImageCategory,
    /// Ending of the file: gif, jpeg, png, svg.
    #[serde(rename = "type")]
    pub kind: CiString<4>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
}
