//! Who has which product, over REST.

use poem::Request;
use poem_openapi::{
    OpenApi,
    param::{Path, Query},
};
use stromtor_domain::{
    Timestamp,
    actor::Permission,
    network::{location::LocationId, station::StationId},
    page::PageRequest,
    product::{
        assignment::{ProductAssignment, ProductAssignmentId},
        order::ProductOrderId,
        product::ProductId,
    },
    tenancy::partner::PartnerId,
};
use stromtor_persistence::product::assignment::{self, ProductAssignmentFilter};

use crate::{
    auth::Auth,
    list::{Listed, list},
    problem::Answer,
    respond::Found,
    routes::Tag,
    state::App,
};

/// Operations on products' assignments.
pub struct ProductAssignmentApi(pub App);

#[OpenApi(prefix_path = "/v1/product-assignments", tag = "Tag::Products")]
impl ProductAssignmentApi {
    /// List product assignments
    ///
    /// What stations and business partners in your scope have, had and will have: from when until when, at what price, by whom.
    /// Oldest first, those that were taken back too. Product orders make and end them.
    ///
    /// Permission: `product:read`
    #[oai(path = "/", method = "get", operation_id = "product_assignment_list")]
    #[allow(clippy::too_many_arguments, reason = "one for each query parameter")]
    async fn list(
        &self,
        request: &Request,
        Auth(actor): Auth,
        /// Of this partner and its stations alone.
        partner_id: Query<Option<PartnerId>>,
        /// At this location.
        location_id: Query<Option<LocationId>>,
        /// Of this station.
        station_id: Query<Option<StationId>>,
        /// Of this product.
        product_id: Query<Option<ProductId>>,
        /// Made by this order.
        order_id: Query<Option<ProductOrderId>>,
        /// Those that hold at this time.
        active_at: Query<Option<Timestamp>>,
        /// Items per page, 1 to 500; 50 when absent.
        limit: Query<Option<u32>>,
        /// Where to go on: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<ProductAssignment>> {
        let filter = ProductAssignmentFilter {
            partner_id: partner_id.0,
            location_id: location_id.0,
            station_id: station_id.0,
            product_id: product_id.0,
            order_id: order_id.0,
            active_at: active_at.0,
        };
        let page = PageRequest { limit: limit.0, cursor: cursor.0 };
        list(&self.0, request, &actor, Permission::ProductRead, filter, page).await
    }

    /// Read a product assignment
    ///
    /// Permission: `product:read`
    #[oai(path = "/:product_assignment_id", method = "get", operation_id = "product_assignment_get")]
    async fn get(
        &self,
        Auth(actor): Auth,
        product_assignment_id: Path<ProductAssignmentId>,
    ) -> Answer<Found<ProductAssignment>> {
        let mut tx = self.0.begin(&actor, Permission::ProductRead).await?;
        let found = assignment::get(&mut tx, product_assignment_id.0).await?;
        tx.commit().await?;
        Ok(Found::plain(found))
    }
}
