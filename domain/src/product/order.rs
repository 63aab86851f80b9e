//! Orders: a product for many stations of a business partner, or for the partner, in three steps: chosen, checked, then done as a
//! whole or not at all.

use poem_openapi::Object;
use serde::{Deserialize, Serialize};
use stromtor_schema::schema::{product_order, product_order_item};

use super::product::{ProductId, ProductKind, ProductPeriod};
use crate::{
    Error, Result, Timestamp,
    money::{Amount, CurrencyCode},
    network::{location::LocationId, station::StationId},
    tariff::plan::ChargePointChoice,
    tenancy::partner::PartnerId,
    values::ExternalId,
};

id! {
    /// Id of a product order.
    ProductOrderId
}

/// Most stations that may be chosen one by one.
const MOST_CHOSEN: usize = 5_000;

choice! {
    /// What an order does.
    #[derive(Default)]
    pub enum ProductAction {
        /// Assigns the product.
        #[default]
        Assign = "assign",
        /// Ends what is assigned.
        End = "end",
    }
}

choice! {
    /// How far an order is.
    pub enum ProductOrderState {
        /// Checked; nothing is assigned or ended.
        Preview = "preview",
        /// Done.
        Confirmed = "confirmed",
        /// Given up, or taken back before it began.
        Cancelled = "cancelled",
    }
}

/// A product to be assigned, or to end.
#[derive(
    Debug,
    Clone,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    Object,
    diesel::expression::AsExpression,
    diesel::deserialize::FromSqlRow,
)]
#[serde(deny_unknown_fields)]
#[oai(skip_serializing_if_is_none)]
#[diesel(sql_type = diesel::sql_types::Jsonb)]
pub struct ProductOrderInput {
    /// The product.
    pub product_id: ProductId,
    /// Whether to assign it or to end it.
    #[serde(default)]
    #[oai(default)]
    pub action: ProductAction,
    /// From then on it is assigned, or is not any more; at once, when it is confirmed, when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<Timestamp>,
    /// For a product of stations: these, at most 5000; or a `filter`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[oai(default)]
    pub station_ids: Vec<StationId>,
    /// For a product of stations: every station of the business partner that meets this; as to current and tariff, with a charge
    /// point that does. Dismantled ones are passed over, but where products end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter: Option<ChargePointChoice>,
    /// For a product of partners: the business partner, by its number in accounting [Debitorennummer].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub debtor_number: Option<ExternalId>,
}

jsonb!(ProductOrderInput);

impl ProductOrderInput {
    /// The rules that concern more than one field; `kind` is the product's.
    pub fn check(&self, kind: ProductKind) -> Result<()> {
        let (chosen, filter) = (self.station_ids.len(), self.filter.is_some());
        match (kind, &self.debtor_number) {
            (ProductKind::Partner, _) if chosen > 0 => {
                Err(Error::invalid("/station_ids", "a product of partners is not ordered for stations"))
            }
            (ProductKind::Partner, _) if filter => {
                Err(Error::invalid("/filter", "a product of partners is not ordered for stations"))
            }
            (ProductKind::Partner, None) => Err(Error::invalid("/debtor_number", "name the business partner")),
            (ProductKind::Partner, Some(_)) => Ok(()),
            (ProductKind::Station, Some(_)) => {
                Err(Error::invalid("/debtor_number", "a product of stations is ordered for stations"))
            }
            (ProductKind::Station, None) => match (chosen, filter) {
                (0, false) => Err(Error::invalid("/station_ids", "choose stations, or give a filter")),
                (0, true) | (1..=MOST_CHOSEN, false) => Ok(()),
                (_, true) => Err(Error::invalid("/filter", "goes without station_ids")),
                _ => Err(Error::invalid("/station_ids", "are at most 5000; use a filter")),
            },
        }
    }
}

/// An order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object, diesel::Queryable, diesel::Selectable)]
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = product_order, check_for_backend(diesel::pg::Pg))]
pub struct ProductOrder {
    /// Id.
    pub id: ProductOrderId,
    /// The business partner that it is for.
    pub partner_id: PartnerId,
    /// The product.
    pub product_id: ProductId,
    /// What it does.
    pub action: ProductAction,
    /// From when on.
    pub valid_from: Option<Timestamp>,
    /// What was chosen, as it was said.
    pub selection: ProductOrderInput,
    /// Net price of each item per `period`, as the catalogue said when it was checked.
    pub price: Amount,
    /// Currency of the price.
    pub currency: CurrencyCode,
    /// What the price is for.
    pub period: ProductPeriod,
    /// How far it is.
    pub state: ProductOrderState,
    /// How many stations it is for; 1 for a partner.
    pub items: i64,
    /// At how many of them something speaks against it.
    pub violations: i64,
    /// Who made it.
    pub created_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// When it was confirmed.
    pub confirmed_at: Option<Timestamp>,
    /// When it was given up or taken back.
    pub cancelled_at: Option<Timestamp>,
}

choice! {
    /// What speaks against an order at a station or partner.
    pub enum ProductViolationCode {
        /// The product is not sold any more.
        ProductWithdrawn = "product_withdrawn",
        /// It has the product at that time, or will later.
        AlreadyAssigned = "already_assigned",
        /// It does not have the product at that time.
        NotAssigned = "not_assigned",
        /// The product's end there is ordered already.
        AlreadyEnded = "already_ended",
        /// The station is dismantled.
        StationDismantled = "station_dismantled",
        /// The station is not the business partner's.
        OtherOperator = "other_operator",
        /// The business partner has products in another currency.
        OtherCurrency = "other_currency",
    }
}

/// What speaks against an order at a station or partner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
pub struct ProductViolation {
    /// Stable code.
    pub code: ProductViolationCode,
}

/// All that speaks against it.
#[derive(
    Debug,
    Clone,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    diesel::expression::AsExpression,
    diesel::deserialize::FromSqlRow,
)]
#[diesel(sql_type = diesel::sql_types::Jsonb)]
pub struct ProductViolations(pub Vec<ProductViolation>);

jsonb!(ProductViolations);

impl From<ProductViolations> for Vec<ProductViolation> {
    fn from(violations: ProductViolations) -> Self {
        violations.0
    }
}

/// One station of an order, or the partner that it is for: the products before and after, and what speaks against it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object, diesel::Queryable, diesel::Selectable)]
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = product_order_item, check_for_backend(diesel::pg::Pg))]
pub struct ProductOrderItem {
    /// The station; the business partner itself when absent.
    pub station_id: Option<StationId>,
    /// Whose station it is, or the business partner.
    pub operator_id: PartnerId,
    /// Where the station stands.
    pub location_id: Option<LocationId>,
    /// Products that it would have at the order's time without it.
    pub products_before: Vec<ProductId>,
    /// Products that it will have then with it.
    pub products_after: Vec<ProductId>,
    /// What speaks against it; nothing when empty.
    #[diesel(deserialize_as = ProductViolations)]
    pub violations: Vec<ProductViolation>,
}
