//! Tariffs over REST.

use poem::Request;
use poem_openapi::{
    OpenApi,
    param::{Header, Path, Query},
};
use stromtor_domain::{
    Timestamp,
    actor::{Actor, Permission},
    page::PageRequest,
    patch::Patch,
    tariff::tariff::{Tariff, TariffId, TariffInput, TariffVersion},
    tenancy::partner::PartnerId,
};
use stromtor_persistence::tariff::tariff::{self, TariffFilter, VersionFilter};

use crate::{
    auth::Auth,
    list::{Listed, list},
    problem::Answer,
    respond::{Body, Created, Done, Found, if_match},
    routes::Tag,
    state::App,
};

/// Operations on tariffs.
pub struct TariffApi(pub App);

#[OpenApi(prefix_path = "/v1/tariffs", tag = "Tag::Tariffs")]
impl TariffApi {
    /// List tariffs
    ///
    /// Every tariff in your scope, oldest first, a page at a time.
    ///
    /// Permission: `tariff:read`
    #[oai(path = "/", method = "get", operation_id = "tariff_list")]
    async fn list(
        &self,
        request: &Request,
        Auth(actor): Auth,
        /// Of this partner alone.
        partner_id: Query<Option<PartnerId>>,
        /// With this short name.
        code: Query<Option<String>>,
        /// With this id of yours.
        external_id: Query<Option<String>>,
        /// Changed at or after this time.
        updated_since: Query<Option<Timestamp>>,
        /// Items per page, 1 to 500; 50 when absent.
        limit: Query<Option<u32>>,
        /// Where to go on: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<Tariff>> {
        let filter = TariffFilter {
            partner_id: partner_id.0,
            code: code.0,
            external_id: external_id.0,
            updated_since: updated_since.0,
        };
        list(&self.0, request, &actor, Permission::TariffRead, filter, PageRequest { limit: limit.0, cursor: cursor.0 })
            .await
    }

    /// Create a tariff
    ///
    /// The partner's first tariff sets its default currency.
    ///
    /// Permission: `tariff:write`
    #[oai(path = "/", method = "post", operation_id = "tariff_create")]
    async fn create(
        &self,
        Auth(actor): Auth,
        /// The partner it is to belong to; your own when absent.
        partner_id: Query<Option<PartnerId>>,
        Body(input): Body<TariffInput>,
    ) -> Answer<Created<Tariff>> {
        let mut tx = self.0.begin(&actor, Permission::TariffWrite).await?;
        let partner_id = tx.partner(partner_id.0).await?;
        let created = tariff::create(&mut tx, partner_id, input).await?;
        tx.commit().await?;
        Ok(Created::at(format!("/v1/tariffs/{}", created.id), created.clone(), created.revision))
    }

    /// Read a tariff
    ///
    /// Permission: `tariff:read`
    #[oai(path = "/:tariff_id", method = "get", operation_id = "tariff_get")]
    async fn get(&self, Auth(actor): Auth, tariff_id: Path<TariffId>) -> Answer<Found<Tariff>> {
        let mut tx = self.0.begin(&actor, Permission::TariffRead).await?;
        let found = tariff::get(&mut tx, tariff_id.0).await?;
        tx.commit().await?;
        let revision = found.revision;
        Ok(Found::versioned(found, revision))
    }

    /// Replace a tariff
    ///
    /// What is absent from the body is cleared.
    ///
    /// Permission: `tariff:write`
    #[oai(path = "/:tariff_id", method = "put", operation_id = "tariff_replace")]
    async fn replace(
        &self,
        Auth(actor): Auth,
        tariff_id: Path<TariffId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
        Body(input): Body<TariffInput>,
    ) -> Answer<Found<Tariff>> {
        self.change(&actor, tariff_id.0, if_match_header.0, move |_| Ok(input)).await
    }

    /// Change a tariff
    ///
    /// Merge patch (RFC 7396).
    ///
    /// Permission: `tariff:write`
    #[oai(path = "/:tariff_id", method = "patch", operation_id = "tariff_patch")]
    async fn patch(
        &self,
        Auth(actor): Auth,
        tariff_id: Path<TariffId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
        Body(patch): Body<Patch<TariffInput>>,
    ) -> Answer<Found<Tariff>> {
        self.change(&actor, tariff_id.0, if_match_header.0, move |current| patch.apply(current)).await
    }

    /// Delete a tariff
    ///
    /// Refused with `in_use` once it was assigned.
    ///
    /// Permission: `tariff:write`
    #[oai(path = "/:tariff_id", method = "delete", operation_id = "tariff_delete")]
    async fn delete(
        &self,
        Auth(actor): Auth,
        tariff_id: Path<TariffId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
    ) -> Answer<Done> {
        let mut tx = self.0.begin(&actor, Permission::TariffWrite).await?;
        tariff::delete(&mut tx, tariff_id.0, if_match(if_match_header.0)?).await?;
        tx.commit().await?;
        Ok(Done::NoContent)
    }

    /// List a tariff's versions
    ///
    /// Newest first. A version never changes; a session is priced by the one that held when it began.
    ///
    /// Permission: `tariff:read`
    #[oai(path = "/:tariff_id/versions", method = "get", operation_id = "tariff_version_list")]
    async fn versions(
        &self,
        request: &Request,
        Auth(actor): Auth,
        tariff_id: Path<TariffId>,
        /// Items per page, 1 to 500; 50 when absent.
        limit: Query<Option<u32>>,
        /// Where to go on: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<TariffVersion>> {
        let filter = VersionFilter { tariff_id: tariff_id.0 };
        list(&self.0, request, &actor, Permission::TariffRead, filter, PageRequest { limit: limit.0, cursor: cursor.0 })
            .await
    }
}

impl TariffApi {
    async fn change(
        &self,
        actor: &Actor,
        id: TariffId,
        if_match_header: Option<String>,
        change: impl FnOnce(&TariffInput) -> stromtor_domain::Result<TariffInput> + Send,
    ) -> Answer<Found<Tariff>> {
        let mut tx = self.0.begin(actor, Permission::TariffWrite).await?;
        let changed = tariff::change(&mut tx, id, if_match(if_match_header)?, change).await?;
        tx.commit().await?;
        let revision = changed.revision;
        Ok(Found::versioned(changed, revision))
    }
}
