//! Who has a product, from when until when, and at what price.

use poem_openapi::Object;
use serde::{Deserialize, Serialize};
use stromtor_schema::schema::product_assignment;

use super::{
    order::ProductOrderId,
    product::{ProductId, ProductPeriod},
};
use crate::{
    Timestamp,
    money::{Amount, CurrencyCode},
    network::{location::LocationId, station::StationId},
    tenancy::partner::PartnerId,
};

id! {
    /// Id of a product's assignment.
    ProductAssignmentId
}

/// A product that a station or a business partner has, had or will have. Price and period are those of the catalogue when it was
/// assigned; they stay.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object, diesel::Queryable, diesel::Selectable)]
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = product_assignment, check_for_backend(diesel::pg::Pg))]
pub struct ProductAssignment {
    /// Id.
    pub id: ProductAssignmentId,
    /// Who pays for it: the station's operator, or the business partner that has it.
    pub partner_id: PartnerId,
    /// The product.
    pub product_id: ProductId,
    /// The station that has it; the business partner itself when absent.
    pub station_id: Option<StationId>,
    /// Where the station stood when it was assigned.
    pub location_id: Option<LocationId>,
    /// From then on.
    pub valid_from: Timestamp,
    /// Until then; without an end when absent.
    pub valid_until: Option<Timestamp>,
    /// Net price per `period`.
    pub price: Amount,
    /// Currency of the price.
    pub currency: CurrencyCode,
    /// What the price is for.
    pub period: ProductPeriod,
    /// The order it was assigned by.
    pub order_id: ProductOrderId,
    /// Who confirmed that.
    pub assigned_by: String,
    /// The order it was ended by; absent while it has no end, and when it ended because the station changed its operator.
    pub ended_by_order_id: Option<ProductOrderId>,
    /// Who ended it.
    pub ended_by: Option<String>,
    /// When it was taken back, before it began.
    pub cancelled_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}
