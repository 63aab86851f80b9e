//! Aliases of stations over REST.

use poem::Request;
use poem_openapi::{
    OpenApi,
    param::{Header, Path, Query},
};
use stromtor_domain::{
    actor::{Actor, Permission},
    network::{
        station::StationId,
        station_alias::{StationAlias, StationAliasId, StationAliasInput},
    },
    page::PageRequest,
    patch::Patch,
    tenancy::partner::PartnerId,
};
use stromtor_persistence::network::station_alias::{self, StationAliasFilter};

use crate::{
    auth::Auth,
    list::{Listed, list},
    problem::Answer,
    respond::{Body, Created, Done, Found, if_match},
    routes::Tag,
    state::App,
};

/// Operations on aliases of stations.
pub struct StationAliasApi(pub App);

#[OpenApi(prefix_path = "/v1/station-aliases", tag = "Tag::Stations")]
impl StationAliasApi {
    /// List stations' aliases
    ///
    /// Other spellings of stations' OCPP identities, oldest first.
    ///
    /// Permission: `station:read`
    #[oai(path = "/", method = "get", operation_id = "station_alias_list")]
    async fn list(
        &self,
        request: &Request,
        Auth(actor): Auth,
        /// Of this partner alone.
        partner_id: Query<Option<PartnerId>>,
        /// Of this station.
        station_id: Query<Option<StationId>>,
        /// This spelling, exactly.
        ocpp_identity: Query<Option<String>>,
        /// Items per page, 1 to 500; 50 when absent.
        limit: Query<Option<u32>>,
        /// Where to go on: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<StationAlias>> {
        let filter =
            StationAliasFilter { partner_id: partner_id.0, station_id: station_id.0, ocpp_identity: ocpp_identity.0 };
        let page = PageRequest { limit: limit.0, cursor: cursor.0 };
        list(&self.0, request, &actor, Permission::StationRead, filter, page).await
    }

    /// Create an alias of a station
    ///
    /// A station that comes under it is this one, with the same credentials as under its own identity. Neither a station's identity nor
    /// another alias may be spelt so, whoever's it is.
    ///
    /// Permission: `station:write`
    #[oai(path = "/", method = "post", operation_id = "station_alias_create")]
    async fn create(
        &self,
        Auth(actor): Auth,
        /// The station that comes under it.
        station_id: Query<StationId>,
        Body(input): Body<StationAliasInput>,
    ) -> Answer<Created<StationAlias>> {
        let mut tx = self.0.begin(&actor, Permission::StationWrite).await?;
        let created = station_alias::create(&mut tx, station_id.0, input).await?;
        tx.commit().await?;
        Ok(Created::at(format!("/v1/station-aliases/{}", created.id), created.clone(), created.revision))
    }

    /// Read an alias of a station
    ///
    /// Permission: `station:read`
    #[oai(path = "/:station_alias_id", method = "get", operation_id = "station_alias_get")]
    async fn get(&self, Auth(actor): Auth, station_alias_id: Path<StationAliasId>) -> Answer<Found<StationAlias>> {
        let mut tx = self.0.begin(&actor, Permission::StationRead).await?;
        let found = station_alias::get(&mut tx, station_alias_id.0).await?;
        tx.commit().await?;
        let revision = found.revision;
        Ok(Found::versioned(found, revision))
    }

    /// Replace an alias of a station
    ///
    /// What is absent from the body is cleared.
    ///
    /// Permission: `station:write`
    #[oai(path = "/:station_alias_id", method = "put", operation_id = "station_alias_replace")]
    async fn replace(
        &self,
        Auth(actor): Auth,
        station_alias_id: Path<StationAliasId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
        Body(input): Body<StationAliasInput>,
    ) -> Answer<Found<StationAlias>> {
        self.change(&actor, station_alias_id.0, if_match_header.0, move |_| Ok(input)).await
    }

    /// Change an alias of a station
    ///
    /// Merge patch (RFC 7396).
    ///
    /// Permission: `station:write`
    #[oai(path = "/:station_alias_id", method = "patch", operation_id = "station_alias_patch")]
    async fn patch(
        &self,
        Auth(actor): Auth,
        station_alias_id: Path<StationAliasId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
        Body(patch): Body<Patch<StationAliasInput>>,
    ) -> Answer<Found<StationAlias>> {
        self.change(&actor, station_alias_id.0, if_match_header.0, move |current| patch.apply(current)).await
    }

    /// Delete an alias of a station
    ///
    /// Permission: `station:write`
    #[oai(path = "/:station_alias_id", method = "delete", operation_id = "station_alias_delete")]
    async fn delete(
        &self,
        Auth(actor): Auth,
        station_alias_id: Path<StationAliasId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
    ) -> Answer<Done> {
        let mut tx = self.0.begin(&actor, Permission::StationWrite).await?;
        station_alias::delete(&mut tx, station_alias_id.0, if_match(if_match_header.0)?).await?;
        tx.commit().await?;
        Ok(Done::NoContent)
    }
}

impl StationAliasApi {
    async fn change(
        &self,
        actor: &Actor,
        id: StationAliasId,
        if_match_header: Option<String>,
        change: impl FnOnce(&StationAliasInput) -> stromtor_domain::Result<StationAliasInput> + Send,
    ) -> Answer<Found<StationAlias>> {
        let mut tx = self.0.begin(actor, Permission::StationWrite).await?;
        let changed = station_alias::update(&mut tx, id, if_match(if_match_header)?, change).await?;
        tx.commit().await?;
        let revision = changed.revision;
        Ok(Found::versioned(changed, revision))
    }
}
