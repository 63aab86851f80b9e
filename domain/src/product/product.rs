//! The catalogue: what a partner sells to those below it, what it enables, and at what price.

use poem_openapi::Object;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use stromtor_schema::schema::product;

use crate::{
    Error, Result, Timestamp,
    money::{Amount, CurrencyCode},
    tenancy::partner::PartnerId,
    values::{ExternalId, LongText, Metadata, Name},
};

id! {
    /// Id of a product.
    ProductId
}

choice! {
    /// What a product is assigned to.
    pub enum ProductKind {
        /// Stations, one by one.
        Station = "station",
        /// A business partner: with all of its stations, and all partners below it.
        Partner = "partner",
    }
}

choice! {
    /// A function that may need a product.
    pub enum Feature {
        /// The OCPP message log, and logs from stations.
        Monitoring = "monitoring",
        /// Commands, parameters, reservations and charging profiles.
        RemoteControl = "remote_control",
        /// New firmware.
        Firmware = "firmware",
        /// Marketing of stations.
        Marketing = "marketing",
        /// Roaming at stations (eMarketplace).
        Roaming = "roaming",
        /// Payment on the spot, without a contract.
        DirectPayment = "direct_payment",
        /// Publication to roaming platforms (Roaming+).
        RoamingPlus = "roaming_plus",
        /// Contracts with providers (eMarketplace); a function of partners, not of stations.
        EmpContracts = "emp_contracts",
    }
}

impl Feature {
    /// Whether stations have it; else business partners.
    #[must_use]
    pub const fn of_stations(self) -> bool {
        !matches!(self, Self::EmpContracts)
    }
}

choice! {
    /// What a price is for.
    pub enum ProductPeriod {
        /// Each month.
        Month = "month",
        /// Each year.
        Year = "year",
        /// Once, at the beginning.
        Once = "once",
    }
}

choice! {
    /// Whether a product is sold.
    #[derive(Default)]
    pub enum ProductState {
        /// It is.
        #[default]
        Active = "active",
        /// Not any more; who has it keeps it. What nobody sells any more needs no product any more.
        Withdrawn = "withdrawn",
    }
}

fn parse_code(text: &str) -> Result<String, String> {
    let text = text.trim();
    if !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.+/".contains(c)) {
        Ok(text.to_owned())
    } else {
        Err("must be letters, digits and - _ . + /".into())
    }
}

text! {
    /// Short name of a product, unique for its seller.
    ProductCode { example: "EOP-AC", max: 36, parse: parse_code }
}

/// What a caller may set of a product.
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
#[diesel(table_name = product, treat_none_as_null = true)]
pub struct ProductInput {
    /// What it is assigned to; never changes.
    pub kind: ProductKind,
    /// Short name, unique for the seller.
    pub code: ProductCode,
    /// Name for people.
    pub name: Name,
    /// What it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<LongText>,
    /// What it enables, each once. Products for stations enable functions of stations alone. A change counts for those who have
    /// the product too.
    pub enables: Vec<Feature>,
    /// Net price per station or partner and `period`, not negative. What is assigned already keeps the price it was assigned at.
    pub price: Amount,
    /// Currency of the price; never changes.
    pub currency: CurrencyCode,
    /// What the price is for; as with the price, a change counts for later assignments.
    pub period: ProductPeriod,
    /// Whether it is sold.
    #[serde(default)]
    #[oai(default)]
    pub state: ProductState,
    /// The caller's own id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<ExternalId>,
    /// Free key/value pairs.
    #[serde(default)]
    #[oai(default)]
    pub metadata: Metadata,
}

impl ProductInput {
    /// The rules that concern more than one field.
    pub fn check(&self) -> Result<()> {
        if self.price.decimal() < Decimal::ZERO {
            return Err(Error::invalid("/price", "must not be negative"));
        }
        for (at, feature) in self.enables.iter().enumerate() {
            let pointer = || format!("/enables/{at}");
            if self.enables[..at].contains(feature) {
                return Err(Error::invalid(pointer(), "is there twice"));
            }
            if self.kind == ProductKind::Station && !feature.of_stations() {
                return Err(Error::invalid(
                    pointer(),
                    "is a function of partners; products for stations cannot enable it",
                ));
            }
        }
        Ok(())
    }

    /// What was ordered stays comparable.
    pub fn check_change(&self, before: &Self) -> Result<()> {
        for (same, pointer) in [(self.kind == before.kind, "/kind"), (self.currency == before.currency, "/currency")] {
            if !same {
                return Err(Error::invalid(pointer, "never changes; make another product"));
            }
        }
        Ok(())
    }
}

/// A product of a catalogue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object, diesel::Queryable, diesel::Selectable)]
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = product, check_for_backend(diesel::pg::Pg))]
pub struct Product {
    /// Id.
    pub id: ProductId,
    /// Who sells it; it is for this partner and those below it.
    pub partner_id: PartnerId,
    /// What a caller may set.
    #[oai(flatten)]
    #[serde(flatten)]
    #[diesel(embed)]
    pub input: ProductInput,
    /// Counts the changes; `ETag` is made of it.
    pub revision: i64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stations_products_enable_what_stations_do_each_once() {
        use Feature::*;
        let input = |kind, enables: &[Feature]| ProductInput {
            kind,
            code: ProductCode::parse("EOP-AC").unwrap(),
            name: Name::parse("eOperate AC").unwrap(),
            description: None,
            enables: enables.to_vec(),
            price: Amount::ZERO,
            currency: CurrencyCode::parse("EUR").unwrap(),
            period: ProductPeriod::Month,
            state: ProductState::Active,
            external_id: None,
            metadata: Metadata::default(),
        };
        let wrong = |input: ProductInput| match input.check() {
            Err(Error::Invalid { fields }) => fields[0].pointer.clone(),
            other => format!("{other:?}"),
        };
        assert!(input(ProductKind::Partner, &[Roaming, EmpContracts]).check().is_ok());
        assert_eq!(wrong(input(ProductKind::Station, &[Roaming, EmpContracts])), "/enables/1");
        assert_eq!(wrong(input(ProductKind::Station, &[Roaming, Firmware, Roaming])), "/enables/2");
        let cheap = ProductInput { price: Amount::parse("-0.01").unwrap(), ..input(ProductKind::Station, &[]) };
        assert_eq!(wrong(cheap), "/price");
    }
}
