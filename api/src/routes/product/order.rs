//! Product orders over REST: choose, check, do.

use poem::Request;
use poem_openapi::{
    OpenApi,
    param::{Path, Query},
};
use stromtor_domain::{
    actor::Permission,
    page::PageRequest,
    product::{
        order::{ProductOrder, ProductOrderId, ProductOrderInput, ProductOrderItem, ProductOrderState},
        product::ProductId,
    },
    tenancy::partner::PartnerId,
};
use stromtor_persistence::product::order::{self, ProductOrderFilter, ProductOrderItemFilter};

use crate::{
    auth::Auth,
    list::{Listed, list},
    problem::Answer,
    respond::{Body, Created, Found},
    routes::Tag,
    state::App,
};

/// Operations on product orders.
pub struct ProductOrderApi(pub App);

#[OpenApi(prefix_path = "/v1/product-orders", tag = "Tag::Products")]
impl ProductOrderApi {
    /// List product orders
    ///
    /// Every order for business partners in your scope, newest first.
    ///
    /// Permission: `product:read`
    #[oai(path = "/", method = "get", operation_id = "product_order_list")]
    #[allow(clippy::too_many_arguments, reason = "one for each query parameter")]
    async fn list(
        &self,
        request: &Request,
        Auth(actor): Auth,
        /// For this partner alone.
        partner_id: Query<Option<PartnerId>>,
        /// Of this product.
        product_id: Query<Option<ProductId>>,
        /// As far as this.
        state: Query<Option<ProductOrderState>>,
        /// Items per page, 1 to 500; 50 when absent.
        limit: Query<Option<u32>>,
        /// Where to go on: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<ProductOrder>> {
        let filter = ProductOrderFilter { partner_id: partner_id.0, product_id: product_id.0, state: state.0 };
        let page = PageRequest { limit: limit.0, cursor: cursor.0 };
        list(&self.0, request, &actor, Permission::ProductRead, filter, page).await
    }

    /// Order a product
    ///
    /// Assigns it, or ends it: a product for stations at stations of one business partner, chosen one by one or by filter; a product
    /// for partners at the business partner with the debtor number. It must be of the catalogue of that partner or of one above. This
    /// chooses and checks: what each has before and after, and what speaks against it. Nothing is done before the order is confirmed.
    ///
    /// Permission: `product:order`
    #[oai(path = "/", method = "post", operation_id = "product_order_create")]
    async fn create(
        &self,
        Auth(actor): Auth,
        /// The business partner whose stations they are; when absent, the operator of the first station chosen, or your own partner.
        partner_id: Query<Option<PartnerId>>,
        Body(input): Body<ProductOrderInput>,
    ) -> Answer<Created<ProductOrder>> {
        let mut tx = self.0.begin(&actor, Permission::ProductOrder).await?;
        let created = order::create(&mut tx, partner_id.0, input).await?;
        tx.commit().await?;
        Ok(Created::plain(format!("/v1/product-orders/{}", created.id), created))
    }

    /// Read a product order
    ///
    /// Permission: `product:read`
    #[oai(path = "/:product_order_id", method = "get", operation_id = "product_order_get")]
    async fn get(&self, Auth(actor): Auth, product_order_id: Path<ProductOrderId>) -> Answer<Found<ProductOrder>> {
        let mut tx = self.0.begin(&actor, Permission::ProductRead).await?;
        let found = order::get(&mut tx, product_order_id.0).await?;
        tx.commit().await?;
        Ok(Found::plain(found))
    }

    /// List a product order's items
    ///
    /// Each station, or the business partner: its products before and after, and what speaks against the order there.
    ///
    /// Permission: `product:read`
    #[oai(path = "/:product_order_id/items", method = "get", operation_id = "product_order_item_list")]
    async fn items(
        &self,
        request: &Request,
        Auth(actor): Auth,
        product_order_id: Path<ProductOrderId>,
        /// Those alone at which something speaks against it.
        violations: Query<Option<bool>>,
        /// Items per page, 1 to 500; 50 when absent.
        limit: Query<Option<u32>>,
        /// Where to go on: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<ProductOrderItem>> {
        let filter =
            ProductOrderItemFilter { order_id: product_order_id.0, violations: violations.0.unwrap_or_default() };
        let page = PageRequest { limit: limit.0, cursor: cursor.0 };
        list(&self.0, request, &actor, Permission::ProductRead, filter, page).await
    }

    /// Confirm a product order
    ///
    /// Assigns or ends the product at every item, or at none: refused with `order_has_violations` while something speaks against it
    /// anywhere, and with `order_outdated` when it would no longer do what was shown, at the price that was shown.
    ///
    /// Permission: `product:order`
    #[oai(path = "/:product_order_id/confirm", method = "post", operation_id = "product_order_confirm")]
    async fn confirm(&self, Auth(actor): Auth, product_order_id: Path<ProductOrderId>) -> Answer<Found<ProductOrder>> {
        let mut tx = self.0.begin(&actor, Permission::ProductOrder).await?;
        let confirmed = order::confirm(&mut tx, product_order_id.0).await?;
        tx.commit().await?;
        Ok(Found::plain(confirmed))
    }

    /// Cancel a product order
    ///
    /// Gives a preview up, or takes what was confirmed back everywhere, before it begins (`order_began` afterwards). The end of a
    /// product is not taken back where it was assigned again for the time after (`product_assigned_anew`).
    ///
    /// Permission: `product:order`
    #[oai(path = "/:product_order_id/cancel", method = "post", operation_id = "product_order_cancel")]
    async fn cancel(&self, Auth(actor): Auth, product_order_id: Path<ProductOrderId>) -> Answer<Found<ProductOrder>> {
        let mut tx = self.0.begin(&actor, Permission::ProductOrder).await?;
        let cancelled = order::cancel(&mut tx, product_order_id.0).await?;
        tx.commit().await?;
        Ok(Found::plain(cancelled))
    }
}
