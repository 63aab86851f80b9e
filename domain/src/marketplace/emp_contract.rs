//! Contracts of an operator with a provider (EMP): where the provider's drivers may charge, and what the provider pays.
//!
//! What is agreed does not change: another price is another contract. So a session costs what its contract said when it began.

use poem_openapi::Object;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use stromtor_schema::schema::{emp, emp_contract};

use crate::{
    Error, Result, Timestamp,
    money::Percent,
    network::charge_point_group::ChargePointGroupId,
    tariff::tariff::TariffId,
    tenancy::partner::PartnerId,
    values::{CountryCode, ExternalId, Metadata, Name},
};

id! {
    /// Id of a contract of an operator with a provider.
    EmpContractId
}

/// A provider (EMP), as every operator may know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object, diesel::Queryable, diesel::Selectable)]
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = emp, check_for_backend(diesel::pg::Pg))]
pub struct Emp {
    /// Id of the partner.
    pub id: PartnerId,
    /// Its name.
    pub name: Name,
    /// Where it is at home.
    pub country: Option<CountryCode>,
}

/// What an operator may set of a contract with a provider.
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
#[diesel(table_name = emp_contract, treat_none_as_null = true)]
pub struct EmpContractInput {
    /// Name for people.
    pub name: Name,
    /// The provider; never changes.
    pub emp_id: PartnerId,
    /// Where its drivers may charge: in this group of charge points, those whose access policy is `permitted` included; at
    /// every `open` charge point of the operator when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub charge_point_group_id: Option<ChargePointGroupId>,
    /// The operator's price for this provider; the tariff of the charge point when absent. Never changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tariff_id: Option<TariffId>,
    /// What the platform adds for the provider, in percent of every price, 0 to 1000; nothing when absent. Never changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub markup_percent: Option<Percent>,
    /// Whether it counts at all.
    #[serde(default = "yes")]
    #[oai(default = "yes")]
    pub enabled: bool,
    /// It holds from then on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<Timestamp>,
    /// It holds until then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Timestamp>,
    /// The caller's own id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<ExternalId>,
    /// Free key/value pairs.
    #[serde(default)]
    #[oai(default)]
    pub metadata: Metadata,
}

const fn yes() -> bool {
    true
}

impl EmpContractInput {
    /// The rules that concern more than one field.
    pub fn check(&self) -> Result<()> {
        if let (Some(from), Some(until)) = (self.valid_from, self.valid_until)
            && until <= from
        {
            return Err(Error::invalid("/valid_until", "must be later than valid_from"));
        }
        let most = Decimal::ONE_THOUSAND;
        if self.markup_percent.is_some_and(|markup| !(Decimal::ZERO..=most).contains(&markup.decimal())) {
            return Err(Error::invalid("/markup_percent", "must be between 0 and 1000"));
        }
        Ok(())
    }

    /// What was agreed stays.
    pub fn check_change(&self, before: &Self) -> Result<()> {
        for (same, pointer) in [
            (self.emp_id == before.emp_id, "/emp_id"),
            (self.tariff_id == before.tariff_id, "/tariff_id"),
            (self.markup_percent == before.markup_percent, "/markup_percent"),
        ] {
            if !same {
                return Err(Error::invalid(pointer, "never changes; make another contract"));
            }
        }
        Ok(())
    }
}

/// A contract of an operator with a provider.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object, diesel::Queryable, diesel::Selectable)]
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = emp_contract, check_for_backend(diesel::pg::Pg))]
pub struct EmpContract {
    /// Id.
    pub id: EmpContractId,
    /// The operator.
    pub partner_id: PartnerId,
    /// What the operator may set.
    #[oai(flatten)]
    #[serde(flatten)]
    #[diesel(embed)]
    pub input: EmpContractInput,
    /// When the provider agreed; the contract does not count before.
    pub accepted_at: Option<Timestamp>,
    /// Counts the changes.
    pub revision: i64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}
