//! Access information of stations over REST.

use poem_openapi::{
    OpenApi,
    param::{Header, Path},
};
use stromtor_domain::{
    actor::{Actor, Permission},
    marketing::{
        access_information::{AccessInformation, AccessInformationInput},
        bulk::{AccessInformationBulk, AccessInformationBulkResult},
        readiness::Readiness,
    },
    network::station::StationId,
    patch::Patch,
};
use stromtor_persistence::marketing::{access_information, facts};

use crate::{
    auth::Auth,
    problem::Answer,
    respond::{Body, Found, if_match},
    routes::Tag,
    state::App,
};

/// Operations on access information.
pub struct AccessInformationApi(pub App);

#[OpenApi(prefix_path = "/v1", tag = "Tag::Marketing")]
impl AccessInformationApi {
    /// Read a station's access information
    ///
    /// Who may use it, what maps show, and what is switched on. A station that was never told has the defaults: payable,
    /// everything off.
    ///
    /// Permission: `station:read`
    #[oai(path = "/stations/:station_id/access-information", method = "get", operation_id = "access_information_get")]
    async fn get(&self, Auth(actor): Auth, station_id: Path<StationId>) -> Answer<Found<AccessInformation>> {
        let mut tx = self.0.begin(&actor, Permission::StationRead).await?;
        let found = access_information::get(&mut tx, station_id.0).await?;
        tx.commit().await?;
        let revision = found.revision;
        Ok(Found::versioned(found, revision))
    }

    /// Replace a station's access information
    ///
    /// What is absent from the body is off. Roaming, direct payment and Roaming+ are refused without marketing
    /// (`marketing_off`), and cannot be switched on without remote authentication at every charge point
    /// (`remote_authentication_needed`) or at a dismantled station (`station_dismantled`); Roaming+ neither while the station is
    /// not ready for the platform (`not_ready`). The problem names the switch and, for each thing that is wrong, the resource
    /// and the field to mend. What is on already is not judged again.
    ///
    /// Permission: `station:write`
    #[oai(
        path = "/stations/:station_id/access-information",
        method = "put",
        operation_id = "access_information_replace"
    )]
    async fn replace(
        &self,
        Auth(actor): Auth,
        station_id: Path<StationId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
        Body(input): Body<AccessInformationInput>,
    ) -> Answer<Found<AccessInformation>> {
        self.change(&actor, station_id.0, if_match_header.0, move |_| Ok(input)).await
    }

    /// Change a station's access information
    ///
    /// Merge patch (RFC 7396); refused as when it is replaced.
    ///
    /// Permission: `station:write`
    #[oai(
        path = "/stations/:station_id/access-information",
        method = "patch",
        operation_id = "access_information_patch"
    )]
    async fn patch(
        &self,
        Auth(actor): Auth,
        station_id: Path<StationId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
        Body(patch): Body<Patch<AccessInformationInput>>,
    ) -> Answer<Found<AccessInformation>> {
        self.change(&actor, station_id.0, if_match_header.0, move |current| patch.apply(current)).await
    }

    /// Change the access information of many stations
    ///
    /// Chosen one by one or by filter, at most 5000; the merge patch is applied to each. It is made at all of them or at none:
    /// while something cannot be switched on at one, `applied` is false, and `refused` says where and why, with the codes of
    /// the single change. With `dry_run` nothing is changed in any case.
    ///
    /// Permission: `station:write`
    #[oai(path = "/access-information/bulk", method = "post", operation_id = "access_information_bulk")]
    async fn bulk(
        &self,
        Auth(actor): Auth,
        Body(bulk): Body<AccessInformationBulk>,
    ) -> Answer<Found<AccessInformationBulkResult>> {
        let mut tx = self.0.begin(&actor, Permission::StationWrite).await?;
        let result = access_information::bulk(&mut tx, &bulk).await?;
        tx.commit().await?;
        Ok(Found::plain(result))
    }

    /// Read a station's readiness
    ///
    /// What Hubject and partners connected over OCPI ask for before Roaming+ can be switched on: each item holds, or says what
    /// is wrong, which resource to mend and which field of it (a JSON pointer). Computed when it is asked for.
    ///
    /// Permission: `station:read`
    #[oai(path = "/stations/:station_id/readiness", method = "get", operation_id = "station_readiness_get")]
    async fn readiness(&self, Auth(actor): Auth, station_id: Path<StationId>) -> Answer<Found<Readiness>> {
        let mut tx = self.0.begin(&actor, Permission::StationRead).await?;
        let facts = facts::of_one(&mut tx, station_id.0).await?;
        tx.commit().await?;
        Ok(Found::plain(facts.all()))
    }
}

impl AccessInformationApi {
    async fn change(
        &self,
        actor: &Actor,
        id: StationId,
        if_match_header: Option<String>,
        change: impl FnOnce(&AccessInformationInput) -> stromtor_domain::Result<AccessInformationInput> + Send,
    ) -> Answer<Found<AccessInformation>> {
        let mut tx = self.0.begin(actor, Permission::StationWrite).await?;
        let changed = access_information::change(&mut tx, id, if_match(if_match_header)?, change).await?;
        tx.commit().await?;
        let revision = changed.revision;
        Ok(Found::versioned(changed, revision))
    }
}
