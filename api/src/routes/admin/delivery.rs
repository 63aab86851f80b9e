//! Deliverys over REST.

use poem::Request;
use poem_openapi::{
    OpenApi,
    param::{Path, Query},
};
use stromtor_domain::{
    actor::Permission,
    admin::delivery::{Delivery, DeliveryId, WorkState},
    page::PageRequest,
    tenancy::partner::PartnerId,
};
use stromtor_persistence::admin::delivery::{self, DeliveryFilter};

use crate::{
    auth::Auth,
    list::{Listed, list},
    problem::Answer,
    respond::Found,
    routes::Tag,
    state::App,
};

/// Operations on deliverys.
pub struct DeliveryApi(pub App);

#[OpenApi(prefix_path = "/v1/deliveries", tag = "Tag::Work")]
impl DeliveryApi {
    /// List deliveries
    ///
    /// What is on its way to subscribers outside, newest first. Contents are not shown.
    ///
    /// Permission: `outbox:read`
    #[oai(path = "/", method = "get", operation_id = "delivery_list")]
    async fn list(
        &self,
        request: &Request,
        Auth(actor): Auth,
        /// Of this partner alone.
        partner_id: Query<Option<PartnerId>>,
        /// This far; `dead` are the dead letters.
        state: Query<Option<WorkState>>,
        /// Items per page, 1 to 500; 50 when absent.
        limit: Query<Option<u32>>,
        /// Where to go on: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<Delivery>> {
        let filter = DeliveryFilter { partner_id: partner_id.0, state: state.0 };
        list(&self.0, request, &actor, Permission::OutboxRead, filter, PageRequest { limit: limit.0, cursor: cursor.0 })
            .await
    }

    /// Retry a delivery
    ///
    /// Tries a dead one again, from the beginning.
    ///
    /// Permission: `outbox:write`
    #[oai(path = "/:delivery_id/retry", method = "post", operation_id = "delivery_retry")]
    async fn retry(&self, Auth(actor): Auth, delivery_id: Path<DeliveryId>) -> Answer<Found<Delivery>> {
        let mut tx = self.0.begin(&actor, Permission::OutboxWrite).await?;
        let retried = delivery::retry(&mut tx, delivery_id.0).await?;
        tx.commit().await?;
        Ok(Found::plain(retried))
    }
}
