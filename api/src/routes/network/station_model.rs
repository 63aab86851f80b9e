//! Station models over REST: the platform writes them, everybody reads them.

use poem::Request;
use poem_openapi::{
    OpenApi,
    param::{Header, Path, Query},
};
use stromtor_domain::{
    actor::{Actor, Permission},
    network::hardware::{ManufacturerId, StationModel, StationModelId, StationModelInput},
    page::PageRequest,
    patch::Patch,
};
use stromtor_persistence::network::hardware::station_model::{self, StationModelFilter};

use crate::{
    auth::Auth,
    list::{Listed, list},
    problem::Answer,
    respond::{Body, Created, Done, Found, if_match},
    routes::Tag,
    routes::network::only_platform,
    state::App,
};

/// Operations on station models.
pub struct StationModelApi(pub App);

#[OpenApi(prefix_path = "/v1/station-models", tag = "Tag::Hardware")]
impl StationModelApi {
    /// List station models
    ///
    /// Every station model of the hardware catalogue, oldest first.
    ///
    /// Permission: `hardware:read`
    #[oai(path = "/", method = "get", operation_id = "station_model_list")]
    async fn list(
        &self,
        request: &Request,
        Auth(actor): Auth,
        /// Of this manufacturer.
        manufacturer_id: Query<Option<ManufacturerId>>,
        /// With this name, whatever its case.
        name: Query<Option<String>>,
        /// Items per page, 1 to 500; 50 when absent.
        limit: Query<Option<u32>>,
        /// Where to go on: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<StationModel>> {
        let filter = StationModelFilter { manufacturer_id: manufacturer_id.0, name: name.0 };
        list(
            &self.0,
            request,
            &actor,
            Permission::HardwareRead,
            filter,
            PageRequest { limit: limit.0, cursor: cursor.0 },
        )
        .await
    }

    /// Create a station model
    ///
    /// The catalogue is the platform's; everybody reads it.
    ///
    /// Permission: `hardware:write`
    #[oai(path = "/", method = "post", operation_id = "station_model_create")]
    async fn create(&self, Auth(actor): Auth, Body(input): Body<StationModelInput>) -> Answer<Created<StationModel>> {
        let mut tx = self.0.begin(&actor, Permission::HardwareWrite).await?;
        only_platform(&actor)?;
        let created = station_model::create(&mut tx, input).await?;
        tx.commit().await?;
        Ok(Created::at(format!("/v1/station-models/{}", created.id), created.clone(), created.revision))
    }

    /// Read a station model
    ///
    /// Permission: `hardware:read`
    #[oai(path = "/:station_model_id", method = "get", operation_id = "station_model_get")]
    async fn get(&self, Auth(actor): Auth, station_model_id: Path<StationModelId>) -> Answer<Found<StationModel>> {
        let mut tx = self.0.begin(&actor, Permission::HardwareRead).await?;
        let found = station_model::get(&mut tx, station_model_id.0).await?;
        tx.commit().await?;
        let revision = found.revision;
        Ok(Found::versioned(found, revision))
    }

    /// Replace a station model
    ///
    /// What is absent from the body is cleared.
    ///
    /// Permission: `hardware:write`
    #[oai(path = "/:station_model_id", method = "put", operation_id = "station_model_replace")]
    async fn replace(
        &self,
        Auth(actor): Auth,
        station_model_id: Path<StationModelId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
        Body(input): Body<StationModelInput>,
    ) -> Answer<Found<StationModel>> {
        self.change(&actor, station_model_id.0, if_match_header.0, move |_| Ok(input)).await
    }

    /// Change a station model
    ///
    /// Merge patch (RFC 7396).
    ///
    /// Permission: `hardware:write`
    #[oai(path = "/:station_model_id", method = "patch", operation_id = "station_model_patch")]
    async fn patch(
        &self,
        Auth(actor): Auth,
        station_model_id: Path<StationModelId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
        Body(patch): Body<Patch<StationModelInput>>,
    ) -> Answer<Found<StationModel>> {
        self.change(&actor, station_model_id.0, if_match_header.0, move |current| patch.apply(current)).await
    }

    /// Delete a station model
    ///
    /// Refused with `in_use` while something refers to it.
    ///
    /// Permission: `hardware:write`
    #[oai(path = "/:station_model_id", method = "delete", operation_id = "station_model_delete")]
    async fn delete(
        &self,
        Auth(actor): Auth,
        station_model_id: Path<StationModelId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
    ) -> Answer<Done> {
        let mut tx = self.0.begin(&actor, Permission::HardwareWrite).await?;
        only_platform(&actor)?;
        station_model::delete(&mut tx, station_model_id.0, if_match(if_match_header.0)?).await?;
        tx.commit().await?;
        Ok(Done::NoContent)
    }
}

impl StationModelApi {
    async fn change(
        &self,
        actor: &Actor,
        id: StationModelId,
        if_match_header: Option<String>,
        change: impl FnOnce(&StationModelInput) -> stromtor_domain::Result<StationModelInput> + Send,
    ) -> Answer<Found<StationModel>> {
        let mut tx = self.0.begin(actor, Permission::HardwareWrite).await?;
        only_platform(actor)?;
        let changed = station_model::update(&mut tx, id, if_match(if_match_header)?, change).await?;
        tx.commit().await?;
        let revision = changed.revision;
        Ok(Found::versioned(changed, revision))
    }
}
