//! Business partners: the tenants. They form a tree; a partner sees itself and its subtree, never a sibling.

use poem_openapi::Object;
use serde::{Deserialize, Serialize};
use stromtor_schema::schema::partner;

use crate::{
    Timestamp,
    money::CurrencyCode,
    network::location::Address,
    values::{Email, ExternalId, Line, Metadata, Name, Phone},
};

id! {
    /// Id of a business partner.
    PartnerId
}

choice! {
    /// What a business partner is.
    pub enum PartnerKind {
        /// The owner of the platform; exactly one, the root of the tree.
        Platform = "platform",
        /// Sells the platform's services to sub-CPOs on its own account.
        Reseller = "reseller",
        /// Charge point operator.
        Cpo = "cpo",
        /// A CPO below a reseller, an affiliate or another CPO.
        SubCpo = "sub_cpo",
        /// Brings sub-CPOs, which contract with the platform.
        Affiliate = "affiliate",
        /// E-mobility provider: gives drivers access and bills them.
        Emp = "emp",
    }
}

choice! {
    /// Who contracts with and bills the partner.
    pub enum ContractModel {
        /// The platform.
        Direct = "direct",
        /// The reseller above it.
        Reseller = "reseller",
        /// The platform, with a share for the affiliate above it.
        Affiliate = "affiliate",
    }
}

/// What a caller may set of a business partner.
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
#[diesel(table_name = partner, treat_none_as_null = true)]
pub struct PartnerInput {
    /// Name of the organisation.
    pub name: Name,
    /// What it is; `platform` cannot be chosen. Fixed after creation.
    pub kind: PartnerKind,
    /// Who contracts with it; `direct` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contract_model: Option<ContractModel>,
    /// Number in accounting [Debitorennummer], unique on the platform.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub debtor_number: Option<ExternalId>,
    /// Postal address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
    /// VAT identification number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vat_id: Option<Line>,
    /// International bank account number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iban: Option<Line>,
    /// Bank identifier code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bic: Option<Line>,
    /// Contact by e-mail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
    /// Telephone drivers call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hotline: Option<Phone>,
    /// Default currency of its tariffs; set by its first tariff when absent (portal function F4).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<CurrencyCode>,
    /// The caller's own id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<ExternalId>,
    /// Free key/value pairs.
    #[serde(default)]
    #[oai(default)]
    pub metadata: Metadata,
}

/// A business partner.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object, diesel::Queryable, diesel::Selectable)]
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = partner, check_for_backend(diesel::pg::Pg))]
pub struct Partner {
    /// Id.
    pub id: PartnerId,
    /// The partner above it; absent for the platform.
    pub parent_id: Option<PartnerId>,
    #[oai(flatten)]
    #[serde(flatten)]
    #[diesel(embed)]
    /// What a caller may set.
    pub input: PartnerInput,
    /// Counts the changes; `ETag` is made of it.
    pub revision: i64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl PartnerKind {
    /// Whether a partner of this kind may stand below one of the other.
    #[must_use]
    pub const fn may_stand_below(self, parent: Self) -> bool {
        match parent {
            Self::Platform => !matches!(self, Self::Platform),
            Self::Reseller | Self::Affiliate => matches!(self, Self::SubCpo),
            Self::Cpo | Self::SubCpo => matches!(self, Self::SubCpo),
            Self::Emp => false,
        }
    }
}

impl PartnerInput {
    /// The rules that concern more than one field.
    pub fn check(&self) -> crate::Result<()> {
        Ok(())
    }
}
