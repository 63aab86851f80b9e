//! Firmware publications over REST.

use poem::Request;
use poem_openapi::{
    OpenApi,
    param::{Path, Query},
};
use stromtor_domain::{
    actor::Permission,
    file::{
        firmware_image::FirmwareImageId,
        firmware_publication::{
            FirmwarePublication, FirmwarePublicationId, FirmwarePublicationInput, FirmwarePublicationState,
        },
    },
    network::{location::LocationId, station::StationId},
    page::PageRequest,
    tenancy::partner::PartnerId,
};
use stromtor_persistence::file::firmware_publication::{self, FirmwarePublicationFilter};

use crate::{
    app::file,
    auth::Auth,
    list::{Listed, list},
    problem::Answer,
    respond::{Body, Created, Found},
    routes::Tag,
    state::App,
};

/// Operations on firmware publications.
pub struct FirmwarePublicationApi(pub App);

#[OpenApi(prefix_path = "/v1", tag = "Tag::Firmware")]
impl FirmwarePublicationApi {
    /// Publish firmware at a local controller
    ///
    /// OCPP 2.0.1: the controller downloads the image once and serves it to the stations behind it. What becomes of it stands
    /// at `/v1/firmware-publications/{id}`.
    ///
    /// Permission: `firmware:execute`
    #[oai(
        path = "/stations/:station_id/firmware-publications",
        method = "post",
        operation_id = "firmware_publication_create"
    )]
    async fn create(
        &self,
        Auth(actor): Auth,
        station_id: Path<StationId>,
        /// Seconds that the command may wait for its station to connect, 1 to 86400; 60 when absent.
        expires_in_s: Query<Option<u32>>,
        Body(input): Body<FirmwarePublicationInput>,
    ) -> Answer<Created<FirmwarePublication>> {
        let created = file::publish_firmware(&self.0, &actor, station_id.0, input, expires_in_s.0).await?;
        Ok(Created::plain(format!("/v1/firmware-publications/{}", created.id), created))
    }

    /// List firmware publications
    ///
    /// Newest first.
    ///
    /// Permission: `firmware:read`
    #[oai(path = "/firmware-publications", method = "get", operation_id = "firmware_publication_list")]
    async fn list(
        &self,
        request: &Request,
        Auth(actor): Auth,
        /// By this operator's controllers.
        partner_id: Query<Option<PartnerId>>,
        /// By controllers at this location.
        location_id: Query<Option<LocationId>>,
        /// By this controller.
        station_id: Query<Option<StationId>>,
        /// Of this image.
        firmware_image_id: Query<Option<FirmwareImageId>>,
        /// This far.
        state: Query<Option<FirmwarePublicationState>>,
        /// Items per page, 1 to 500; 50 when absent.
        limit: Query<Option<u32>>,
        /// Where to go on: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<FirmwarePublication>> {
        let filter = FirmwarePublicationFilter {
            partner_id: partner_id.0,
            location_id: location_id.0,
            station_id: station_id.0,
            firmware_image_id: firmware_image_id.0,
            state: state.0,
        };
        let page = PageRequest { limit: limit.0, cursor: cursor.0 };
        list(&self.0, request, &actor, Permission::FirmwareRead, filter, page).await
    }

    /// Read a firmware publication
    ///
    /// Permission: `firmware:read`
    #[oai(
        path = "/firmware-publications/:firmware_publication_id",
        method = "get",
        operation_id = "firmware_publication_get"
    )]
    async fn get(
        &self,
        Auth(actor): Auth,
        firmware_publication_id: Path<FirmwarePublicationId>,
    ) -> Answer<Found<FirmwarePublication>> {
        let mut tx = self.0.begin(&actor, Permission::FirmwareRead).await?;
        let found = firmware_publication::get(&mut tx, firmware_publication_id.0).await?;
        tx.commit().await?;
        Ok(Found::plain(found))
    }

    /// Take published firmware back
    ///
    /// The controller serves the image no longer; refused by it while a station is downloading.
    ///
    /// Permission: `firmware:execute`
    #[oai(
        path = "/firmware-publications/:firmware_publication_id/unpublish",
        method = "post",
        operation_id = "firmware_publication_unpublish"
    )]
    async fn unpublish(
        &self,
        Auth(actor): Auth,
        firmware_publication_id: Path<FirmwarePublicationId>,
        /// Seconds that the command may wait for its station to connect, 1 to 86400; 60 when absent.
        expires_in_s: Query<Option<u32>>,
    ) -> Answer<Found<FirmwarePublication>> {
        let changed = file::unpublish_firmware(&self.0, &actor, firmware_publication_id.0, expires_in_s.0).await?;
        Ok(Found::plain(changed))
    }
}
