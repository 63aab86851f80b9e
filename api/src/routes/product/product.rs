//! Products over REST.

use poem::Request;
use poem_openapi::{
    OpenApi,
    param::{Header, Path, Query},
};
use stromtor_domain::{
    actor::{Actor, Permission},
    page::PageRequest,
    patch::Patch,
    product::product::{Product, ProductId, ProductInput, ProductKind, ProductState},
    tenancy::partner::PartnerId,
};
use stromtor_persistence::product::product::{self, ProductFilter};

use crate::{
    auth::Auth,
    list::{Listed, list},
    problem::Answer,
    respond::{Body, Created, Done, Found, if_match},
    routes::Tag,
    state::App,
};

/// Operations on products.
pub struct ProductApi(pub App);

#[OpenApi(prefix_path = "/v1/products", tag = "Tag::Products")]
impl ProductApi {
    /// List products
    ///
    /// The catalogues of your partner and below, and those of the partners above, from which you order; oldest first.
    ///
    /// Permission: `product:read`
    #[oai(path = "/", method = "get", operation_id = "product_list")]
    #[allow(clippy::too_many_arguments, reason = "one for each query parameter")]
    async fn list(
        &self,
        request: &Request,
        Auth(actor): Auth,
        /// Sold by this partner alone.
        partner_id: Query<Option<PartnerId>>,
        /// For stations, or for partners.
        kind: Query<Option<ProductKind>>,
        /// Whether it is sold.
        state: Query<Option<ProductState>>,
        /// With this short name.
        code: Query<Option<String>>,
        /// With this id of yours.
        external_id: Query<Option<String>>,
        /// Items per page, 1 to 500; 50 when absent.
        limit: Query<Option<u32>>,
        /// Where to go on: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<Product>> {
        let filter = ProductFilter {
            partner_id: partner_id.0,
            kind: kind.0,
            state: state.0,
            code: code.0,
            external_id: external_id.0,
        };
        let page = PageRequest { limit: limit.0, cursor: cursor.0 };
        list(&self.0, request, &actor, Permission::ProductRead, filter, page).await
    }

    /// Create a product
    ///
    /// It is sold by your partner, unless `partner_id` names one below it, to that partner and all below it. As soon as it is
    /// there, what it enables needs a product there: with each seller, a product of its catalogue that enables the feature, assigned
    /// to the station, to its operator, or to a partner above. Without one it is refused with `product_needed`.
    ///
    /// Permission: `product:write`
    #[oai(path = "/", method = "post", operation_id = "product_create")]
    async fn create(
        &self,
        Auth(actor): Auth,
        /// The partner that sells it; your own when absent.
        partner_id: Query<Option<PartnerId>>,
        Body(input): Body<ProductInput>,
    ) -> Answer<Created<Product>> {
        let mut tx = self.0.begin(&actor, Permission::ProductWrite).await?;
        let partner_id = tx.partner(partner_id.0).await?;
        let created = product::create(&mut tx, partner_id, input).await?;
        tx.commit().await?;
        Ok(Created::at(format!("/v1/products/{}", created.id), created.clone(), created.revision))
    }

    /// Read a product
    ///
    /// Permission: `product:read`
    #[oai(path = "/:product_id", method = "get", operation_id = "product_get")]
    async fn get(&self, Auth(actor): Auth, product_id: Path<ProductId>) -> Answer<Found<Product>> {
        let mut tx = self.0.begin(&actor, Permission::ProductRead).await?;
        let found = product::get(&mut tx, product_id.0).await?;
        tx.commit().await?;
        let revision = found.revision;
        Ok(Found::versioned(found, revision))
    }

    /// Replace a product
    ///
    /// What is absent from the body is cleared. Kind and currency never change. Price and period count for what is assigned from now
    /// on, what it enables for all who have it. With `state` `withdrawn` it is not sold any more; who has it keeps it.
    ///
    /// Permission: `product:write`
    #[oai(path = "/:product_id", method = "put", operation_id = "product_replace")]
    async fn replace(
        &self,
        Auth(actor): Auth,
        product_id: Path<ProductId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
        Body(input): Body<ProductInput>,
    ) -> Answer<Found<Product>> {
        self.change(&actor, product_id.0, if_match_header.0, move |_| Ok(input)).await
    }

    /// Change a product
    ///
    /// Merge patch (RFC 7396). What changes for those who have it is said at replacing it.
    ///
    /// Permission: `product:write`
    #[oai(path = "/:product_id", method = "patch", operation_id = "product_patch")]
    async fn patch(
        &self,
        Auth(actor): Auth,
        product_id: Path<ProductId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
        Body(patch): Body<Patch<ProductInput>>,
    ) -> Answer<Found<Product>> {
        self.change(&actor, product_id.0, if_match_header.0, move |current| patch.apply(current)).await
    }

    /// Delete a product
    ///
    /// One that was never ordered; others are withdrawn (`in_use`).
    ///
    /// Permission: `product:write`
    #[oai(path = "/:product_id", method = "delete", operation_id = "product_delete")]
    async fn delete(
        &self,
        Auth(actor): Auth,
        product_id: Path<ProductId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
    ) -> Answer<Done> {
        let mut tx = self.0.begin(&actor, Permission::ProductWrite).await?;
        product::delete(&mut tx, product_id.0, if_match(if_match_header.0)?).await?;
        tx.commit().await?;
        Ok(Done::NoContent)
    }
}

impl ProductApi {
    async fn change(
        &self,
        actor: &Actor,
        id: ProductId,
        if_match_header: Option<String>,
        change: impl FnOnce(&ProductInput) -> stromtor_domain::Result<ProductInput> + Send,
    ) -> Answer<Found<Product>> {
        let mut tx = self.0.begin(actor, Permission::ProductWrite).await?;
        let changed = product::update(&mut tx, id, if_match(if_match_header)?, |before| {
            let after = change(before)?;
            after.check_change(before)?;
            Ok(after)
        });
        let changed = changed.await?;
        tx.commit().await?;
        let revision = changed.revision;
        Ok(Found::versioned(changed, revision))
    }
}
