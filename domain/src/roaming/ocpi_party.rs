//! Who an operator is in OCPI: country and party, as every object and every header names it (OCPI 2.2.1 section 3.2).

use poem_openapi::Object;
use serde::{Deserialize, Serialize};
use stromtor_schema::schema::ocpi_party;

use crate::{
    Result, Timestamp,
    tenancy::partner::PartnerId,
    values::{CountryCode, Name},
};

id! {
    /// Id of an OCPI party.
    OcpiPartyId
}

fn parse_party(text: &str) -> Result<String, String> {
    let upper = text.trim().to_ascii_uppercase();
    let clean = upper.len() == 3 && upper.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if clean { Ok(upper) } else { Err("is not a party id of three letters and digits such as ISE".into()) }
}

fn parse_website(text: &str) -> Result<String, String> {
    let text = text.trim();
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or_default();
    let clean = !host.is_empty() && !host.starts_with('/') && text.bytes().all(|byte| byte.is_ascii_graphic());
    if clean { Ok(text.to_owned()) } else { Err("is not a URL such as https://example.com".into()) }
}

text! {
    /// Party id, as the country's registrar gave it; kept in upper case.
    PartyCode { example: "ISE", max: 3, parse: parse_party }
}

text! {
    /// Address of a website.
    Website { example: "https://example.com", max: 255, parse: parse_website }
}

/// What a caller may set of an OCPI party.
#[derive(
    Debug,
    Clone,
    PartialEq,
    Serialize,
    Deserialize,
    Object,
    diesel::Queryable,
    diesel::Selectable,
    diesel::Insertable,
    diesel::AsChangeset,
)]
#[serde(deny_unknown_fields)]
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = ocpi_party, treat_none_as_null = true)]
pub struct OcpiPartyInput {
    /// Country of the registrar.
    pub country_code: CountryCode,
    /// Party; with the country unique on the platform.
    pub party_id: PartyCode,
    /// What peers call it; the partner's name when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
    /// Its website.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub website: Option<Website>,
}

impl OcpiPartyInput {
    /// The rules that concern more than one field.
    pub fn check(&self) -> Result<()> {
        Ok(())
    }
}

/// Who an operator is in OCPI.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object, diesel::Queryable, diesel::Selectable)]
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = ocpi_party, check_for_backend(diesel::pg::Pg))]
pub struct OcpiParty {
    /// Id.
    pub id: OcpiPartyId,
    /// The operator; one party each.
    pub partner_id: PartnerId,
    /// What a caller may set.
    #[oai(flatten)]
    #[serde(flatten)]
    #[diesel(embed)]
    pub input: OcpiPartyInput,
    /// Counts the changes.
    pub revision: i64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}
