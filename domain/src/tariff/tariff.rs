//! Tariffs: what an operator asks for energy and time, AC and DC apart (portal functions F1, F4).

use poem_openapi::Object;
use serde::{Deserialize, Serialize};
use stromtor_schema::schema::{tariff, tariff_version};

use crate::{
    Error, Result, Timestamp,
    money::CurrencyCode,
    network::charge_point::CurrentType,
    tariff::price::PowerPrice,
    tenancy::partner::PartnerId,
    values::{ExternalId, Metadata, Name},
};

id! {
    /// Id of a tariff.
    TariffId,
    /// Id of one version of a tariff.
    TariffVersionId,
}

fn parse_code(text: &str) -> Result<String, String> {
    let text = text.trim();
    if !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || "-_.+/ ".contains(c)) {
        Ok(text.to_owned())
    } else {
        Err("must be letters, digits, blanks and - _ . + /".into())
    }
}

text! {
    /// Short name of a tariff, unique for its partner.
    TariffCode { example: "AC-49", max: 36, parse: parse_code }
}

/// What a caller may set of a tariff.
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
#[diesel(table_name = tariff, treat_none_as_null = true)]
pub struct TariffInput {
    /// Name for people.
    pub name: Name,
    /// Short name, unique for the partner.
    pub code: TariffCode,
    /// Currency of its prices; never changes. The first tariff's becomes its partner's default, which counts when this is absent
    /// or `XXX`.
    #[serde(default = "CurrencyCode::none")]
    #[oai(default = "CurrencyCode::none")]
    pub currency: CurrencyCode,
    /// Prices at AC charge points; they cannot be charged at when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ac: Option<PowerPrice>,
    /// Prices at DC charge points.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dc: Option<PowerPrice>,
    /// The caller's own id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<ExternalId>,
    /// Free key/value pairs.
    #[serde(default)]
    #[oai(default)]
    pub metadata: Metadata,
}

impl TariffInput {
    /// The rules that concern more than one field.
    pub fn check(&self) -> Result<()> {
        if self.ac.is_none() && self.dc.is_none() {
            return Err(Error::invalid("/ac", "a tariff has prices for ac, dc or both"));
        }
        self.ac.as_ref().map_or(Ok(()), |price| price.check("/ac"))?;
        self.dc.as_ref().map_or(Ok(()), |price| price.check("/dc"))
    }

    /// Whether a change from `before` needs a new version: what a CDR shows is different.
    #[must_use]
    pub fn reprices(&self, before: &Self) -> bool {
        self.name != before.name || self.code != before.code || self.ac != before.ac || self.dc != before.dc
    }
}

/// A tariff, as it is now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object, diesel::Queryable, diesel::Selectable)]
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = tariff, check_for_backend(diesel::pg::Pg))]
pub struct Tariff {
    /// Id.
    pub id: TariffId,
    /// Whose it is.
    pub partner_id: PartnerId,
    /// What a caller may set.
    #[oai(flatten)]
    #[serde(flatten)]
    #[diesel(embed)]
    pub input: TariffInput,
    /// The version these prices are; a change of prices makes a new one, and running sessions keep theirs.
    pub version: i32,
    /// Id of that version.
    pub version_id: TariffVersionId,
    /// Counts the changes.
    pub revision: i64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// One version of a tariff; it never changes.
#[derive(
    Debug,
    Clone,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    Object,
    diesel::Queryable,
    diesel::Selectable,
    diesel::Insertable,
)]
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = tariff_version, check_for_backend(diesel::pg::Pg))]
pub struct TariffVersion {
    /// Id.
    pub id: TariffVersionId,
    /// Whose it is.
    pub partner_id: PartnerId,
    /// The tariff.
    pub tariff_id: TariffId,
    /// Its number, 1 and up.
    pub version: i32,
    /// Name for people.
    pub name: Name,
    /// Short name.
    pub code: TariffCode,
    /// Currency.
    pub currency: CurrencyCode,
    /// Prices at AC charge points.
    pub ac: Option<PowerPrice>,
    /// Prices at DC charge points.
    pub dc: Option<PowerPrice>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl TariffVersion {
    /// The prices for one kind of current.
    #[must_use]
    pub const fn price(&self, current: CurrentType) -> Option<&PowerPrice> {
        match current {
            CurrentType::Ac => self.ac.as_ref(),
            CurrentType::Dc => self.dc.as_ref(),
        }
    }
}
