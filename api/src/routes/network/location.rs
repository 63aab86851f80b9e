//! Locations over REST.

use poem::Request;
use poem_openapi::{
    OpenApi,
    param::{Header, Path, Query},
};
use stromtor_domain::{
    Timestamp,
    actor::{Actor, Permission},
    network::location::{Location, LocationId, LocationInput},
    page::PageRequest,
    patch::Patch,
    tenancy::partner::PartnerId,
};
use stromtor_persistence::network::location::{self, LocationFilter};

use crate::{
    auth::Auth,
    list::{Listed, list},
    problem::Answer,
    respond::{Body, Created, Done, Found, if_match},
    routes::Tag,
    state::App,
};

/// Operations on locations.
pub struct LocationApi(pub App);

#[OpenApi(prefix_path = "/v1/locations", tag = "Tag::Locations")]
impl LocationApi {
    /// List locations
    ///
    /// Every location in your scope, oldest first, a page at a time.
    ///
    /// Permission: `location:read`
    #[oai(path = "/", method = "get", operation_id = "location_list")]
    async fn list(
        &self,
        request: &Request,
        Auth(actor): Auth,
        /// Of this partner alone.
        partner_id: Query<Option<PartnerId>>,
        /// With this id of yours.
        external_id: Query<Option<String>>,
        /// Changed at or after this time.
        updated_since: Query<Option<Timestamp>>,
        /// Items per page, 1 to 500; 50 when absent.
        limit: Query<Option<u32>>,
        /// Where to go on: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<Location>> {
        let filter =
            LocationFilter { partner_id: partner_id.0, external_id: external_id.0, updated_since: updated_since.0 };
        list(
            &self.0,
            request,
            &actor,
            Permission::LocationRead,
            filter,
            PageRequest { limit: limit.0, cursor: cursor.0 },
        )
        .await
    }

    /// Create a location
    ///
    /// It belongs to your partner unless `partner_id` names one below it.
    ///
    /// Permission: `location:write`
    #[oai(path = "/", method = "post", operation_id = "location_create")]
    async fn create(
        &self,
        Auth(actor): Auth,
        /// The partner it is to belong to; your own when absent.
        partner_id: Query<Option<PartnerId>>,
        Body(input): Body<LocationInput>,
    ) -> Answer<Created<Location>> {
        let mut tx = self.0.begin(&actor, Permission::LocationWrite).await?;
        let partner_id = tx.partner(partner_id.0).await?;
        let created = location::create(&mut tx, partner_id, input).await?;
        tx.commit().await?;
        Ok(Created::at(format!("/v1/locations/{}", created.id), created.clone(), created.revision))
    }

    /// Read a location
    ///
    /// Permission: `location:read`
    #[oai(path = "/:location_id", method = "get", operation_id = "location_get")]
    async fn get(&self, Auth(actor): Auth, location_id: Path<LocationId>) -> Answer<Found<Location>> {
        let mut tx = self.0.begin(&actor, Permission::LocationRead).await?;
        let found = location::get(&mut tx, location_id.0).await?;
        tx.commit().await?;
        let revision = found.revision;
        Ok(Found::versioned(found, revision))
    }

    /// Replace a location
    ///
    /// What is absent from the body is cleared.
    ///
    /// Permission: `location:write`
    #[oai(path = "/:location_id", method = "put", operation_id = "location_replace")]
    async fn replace(
        &self,
        Auth(actor): Auth,
        location_id: Path<LocationId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
        Body(input): Body<LocationInput>,
    ) -> Answer<Found<Location>> {
        self.change(&actor, location_id.0, if_match_header.0, move |_| Ok(input)).await
    }

    /// Change a location
    ///
    /// Merge patch (RFC 7396).
    ///
    /// Permission: `location:write`
    #[oai(path = "/:location_id", method = "patch", operation_id = "location_patch")]
    async fn patch(
        &self,
        Auth(actor): Auth,
        location_id: Path<LocationId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
        Body(patch): Body<Patch<LocationInput>>,
    ) -> Answer<Found<Location>> {
        self.change(&actor, location_id.0, if_match_header.0, move |current| patch.apply(current)).await
    }

    /// Delete a location
    ///
    /// Refused with `in_use` while it holds stations.
    ///
    /// Permission: `location:write`
    #[oai(path = "/:location_id", method = "delete", operation_id = "location_delete")]
    async fn delete(
        &self,
        Auth(actor): Auth,
        location_id: Path<LocationId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
    ) -> Answer<Done> {
        let mut tx = self.0.begin(&actor, Permission::LocationWrite).await?;
        location::delete(&mut tx, location_id.0, if_match(if_match_header.0)?).await?;
        tx.commit().await?;
        Ok(Done::NoContent)
    }
}

impl LocationApi {
    async fn change(
        &self,
        actor: &Actor,
        id: LocationId,
        if_match_header: Option<String>,
        change: impl FnOnce(&LocationInput) -> stromtor_domain::Result<LocationInput> + Send,
    ) -> Answer<Found<Location>> {
        let mut tx = self.0.begin(actor, Permission::LocationWrite).await?;
        let changed = location::update(&mut tx, id, if_match(if_match_header)?, change).await?;
        tx.commit().await?;
        let revision = changed.revision;
        Ok(Found::versioned(changed, revision))
    }
}
