//! Files of stations over REST.

use poem::Request;
use poem_openapi::{
    OpenApi,
    param::{Path, Query},
};
use stromtor_domain::{
    actor::Permission,
    file::{
        log_request::LogRequestId,
        station_file::{StationFile, StationFileId},
    },
    network::{location::LocationId, station::StationId},
    page::PageRequest,
    tenancy::partner::PartnerId,
};
use stromtor_persistence::file::station_file::{self, StationFileFilter};

use crate::{
    auth::Auth,
    download::{Download, FileView},
    list::{Listed, list},
    problem::Answer,
    respond::{Done, Found},
    routes::Tag,
    state::App,
};

/// Operations on stations' files.
pub struct StationFileApi(pub App);

#[OpenApi(prefix_path = "/v1/station-files", tag = "Tag::StationFiles")]
impl StationFileApi {
    /// List stations' files
    ///
    /// What stations have uploaded, newest first. Files go after the configured retention.
    ///
    /// Permission: `file:read`
    #[oai(path = "/", method = "get", operation_id = "station_file_list")]
    async fn list(
        &self,
        request: &Request,
        Auth(actor): Auth,
        /// Of this operator's stations.
        partner_id: Query<Option<PartnerId>>,
        /// Of stations at this location.
        location_id: Query<Option<LocationId>>,
        /// Of this station.
        station_id: Query<Option<StationId>>,
        /// Uploaded for this request.
        log_request_id: Query<Option<LogRequestId>>,
        /// Items per page, 1 to 500; 50 when absent.
        limit: Query<Option<u32>>,
        /// Where to go on: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<StationFile>> {
        let filter = StationFileFilter {
            partner_id: partner_id.0,
            location_id: location_id.0,
            station_id: station_id.0,
            log_request_id: log_request_id.0,
        };
        let page = PageRequest { limit: limit.0, cursor: cursor.0 };
        list(&self.0, request, &actor, Permission::FileRead, filter, page).await
    }

    /// Read what a file is
    ///
    /// Permission: `file:read`
    #[oai(path = "/:station_file_id", method = "get", operation_id = "station_file_get")]
    async fn get(&self, Auth(actor): Auth, station_file_id: Path<StationFileId>) -> Answer<Found<StationFile>> {
        let mut tx = self.0.begin(&actor, Permission::FileRead).await?;
        let found = station_file::get(&mut tx, station_file_id.0).await?;
        tx.commit().await?;
        Ok(Found::plain(found))
    }

    /// Download a file
    ///
    /// Permission: `file:read`
    #[oai(path = "/:station_file_id/content", method = "get", operation_id = "station_file_download")]
    async fn content(
        &self,
        request: &Request,
        Auth(actor): Auth,
        station_file_id: Path<StationFileId>,
    ) -> Answer<Download> {
        let mut tx = self.0.begin(&actor, Permission::FileRead).await?;
        let found = station_file::get(&mut tx, station_file_id.0).await?;
        let key = station_file::object_key(&mut tx, station_file_id.0).await?;
        tx.commit().await?;
        let view = FileView {
            key,
            size_bytes: found.size_bytes,
            sha256: found.sha256,
            name: found.name,
            content_type: found.content_type,
        };
        Ok(Download::of(&self.0.files, request, view).await?)
    }

    /// Delete a file
    ///
    /// Permission: `file:write`
    #[oai(path = "/:station_file_id", method = "delete", operation_id = "station_file_delete")]
    async fn delete(&self, Auth(actor): Auth, station_file_id: Path<StationFileId>) -> Answer<Done> {
        let mut tx = self.0.begin(&actor, Permission::FileWrite).await?;
        station_file::delete(&mut tx, station_file_id.0).await?;
        tx.commit().await?;
        Ok(Done::NoContent)
    }
}
