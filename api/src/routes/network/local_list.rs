//! Local authorisation lists over REST.

use poem_openapi::{
    OpenApi,
    param::{Path, Query},
};
use stromtor_domain::{
    Error,
    access::local_list::{LocalList, LocalListInput},
    actor::Permission,
    network::station::StationId,
};
use stromtor_persistence::{access::local_list, network::station};

use crate::{
    auth::Auth,
    problem::Answer,
    respond::{Body, Found},
    routes::Tag,
    state::App,
};

/// Operations on local authorisation lists.
pub struct LocalListApi(pub App);

#[OpenApi(prefix_path = "/v1", tag = "Tag::LocalLists")]
impl LocalListApi {
    /// Read a local list
    ///
    /// What the station holds as far as it acknowledged, and whether that is what it should.
    ///
    /// Permission: `station:read`
    #[oai(path = "/stations/:station_id/local-list", method = "get", operation_id = "local_list_get")]
    async fn get(&self, Auth(actor): Auth, station_id: Path<StationId>) -> Answer<Found<LocalList>> {
        let mut tx = self.0.begin(&actor, Permission::StationRead).await?;
        let holder = station::get(&mut tx, station_id.0).await?;
        let found = local_list::get(&mut tx, &holder).await?;
        tx.commit().await?;
        Ok(Found::plain(found))
    }

    /// Switch a local list on or off
    ///
    /// Switched on, it is kept in step with the cards of the operator, of the partners above it and of providers, as far as the
    /// station can hold them, by differential updates; after a restart of the station its version is asked for, and the list
    /// replaced where it differs. Switched off, the station keeps what it holds.
    ///
    /// Permission: `station:write`
    #[oai(path = "/stations/:station_id/local-list", method = "put", operation_id = "local_list_replace")]
    async fn replace(
        &self,
        Auth(actor): Auth,
        station_id: Path<StationId>,
        Body(input): Body<LocalListInput>,
    ) -> Answer<Found<LocalList>> {
        let mut tx = self.0.begin(&actor, Permission::StationWrite).await?;
        let holder = station::get(&mut tx, station_id.0).await?;
        let set = local_list::set(&mut tx, &holder, input.enabled).await?;
        tx.commit().await?;
        Ok(Found::plain(set))
    }

    /// Bring a local list in step
    ///
    /// Looks at it now. With `full` the list is replaced as a whole.
    ///
    /// Permission: `command:execute`
    #[oai(path = "/stations/:station_id/local-list/sync", method = "post", operation_id = "local_list_sync")]
    async fn sync(
        &self,
        Auth(actor): Auth,
        station_id: Path<StationId>,
        /// Whether the list is replaced, not changed; false when absent.
        full: Query<Option<bool>>,
    ) -> Answer<Found<LocalList>> {
        let mut tx = self.0.begin(&actor, Permission::CommandExecute).await?;
        let holder = station::get(&mut tx, station_id.0).await?;
        if !local_list::get(&mut tx, &holder).await?.enabled {
            return Err(Error::conflict("local_list_disabled", "the station's local list is switched off").into());
        }
        let found = local_list::sync(&mut tx, &holder, full.0.unwrap_or_default()).await?;
        tx.commit().await?;
        Ok(Found::plain(found))
    }
}
