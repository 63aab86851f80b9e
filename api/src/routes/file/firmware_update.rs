//! Firmware updates over REST.

use poem::Request;
use poem_openapi::{
    OpenApi,
    param::{Path, Query},
};
use stromtor_domain::{
    actor::Permission,
    file::{
        firmware_image::FirmwareImageId,
        firmware_update::{FirmwareUpdate, FirmwareUpdateId, FirmwareUpdateInput, FirmwareUpdateState},
    },
    network::{location::LocationId, station::StationId},
    page::PageRequest,
    tenancy::partner::PartnerId,
};
use stromtor_persistence::file::firmware_update::{self, FirmwareUpdateFilter};

use crate::{
    app::file,
    auth::Auth,
    list::{Listed, list},
    problem::Answer,
    respond::{Body, Created, Found},
    routes::Tag,
    state::App,
};

/// Operations on firmware updates.
pub struct FirmwareUpdateApi(pub App);

#[OpenApi(prefix_path = "/v1", tag = "Tag::Firmware")]
impl FirmwareUpdateApi {
    /// Update a station's firmware
    ///
    /// The station downloads the image from here and installs it: UpdateFirmware or SignedUpdateFirmware, as the station's
    /// version of OCPP knows it. One update at a time; what becomes of it stands at `/v1/firmware-updates/{id}`.
    /// Where firmware is sold, refused with `product_needed` without a product that enables `firmware`.
    ///
    /// Permission: `firmware:execute`
    #[oai(path = "/stations/:station_id/firmware-updates", method = "post", operation_id = "firmware_update_create")]
    async fn create(
        &self,
        Auth(actor): Auth,
        station_id: Path<StationId>,
        /// Seconds that the command may wait for its station to connect, 1 to 86400; 60 when absent.
        expires_in_s: Query<Option<u32>>,
        Body(input): Body<FirmwareUpdateInput>,
    ) -> Answer<Created<FirmwareUpdate>> {
        let created = file::update_firmware(&self.0, &actor, station_id.0, input, expires_in_s.0).await?;
        Ok(Created::plain(format!("/v1/firmware-updates/{}", created.id), created))
    }

    /// List firmware updates
    ///
    /// Newest first.
    ///
    /// Permission: `firmware:read`
    #[oai(path = "/firmware-updates", method = "get", operation_id = "firmware_update_list")]
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
        /// To this image.
        firmware_image_id: Query<Option<FirmwareImageId>>,
        /// This far.
        state: Query<Option<FirmwareUpdateState>>,
        /// Items per page, 1 to 500; 50 when absent.
        limit: Query<Option<u32>>,
        /// Where to go on: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<FirmwareUpdate>> {
        let filter = FirmwareUpdateFilter {
            partner_id: partner_id.0,
            location_id: location_id.0,
            station_id: station_id.0,
            firmware_image_id: firmware_image_id.0,
            state: state.0,
        };
        let page = PageRequest { limit: limit.0, cursor: cursor.0 };
        list(&self.0, request, &actor, Permission::FirmwareRead, filter, page).await
    }

    /// Read a firmware update
    ///
    /// Permission: `firmware:read`
    #[oai(path = "/firmware-updates/:firmware_update_id", method = "get", operation_id = "firmware_update_get")]
    async fn get(
        &self,
        Auth(actor): Auth,
        firmware_update_id: Path<FirmwareUpdateId>,
    ) -> Answer<Found<FirmwareUpdate>> {
        let mut tx = self.0.begin(&actor, Permission::FirmwareRead).await?;
        let found = firmware_update::get(&mut tx, firmware_update_id.0).await?;
        tx.commit().await?;
        Ok(Found::plain(found))
    }

    /// Give a firmware update up
    ///
    /// OCPP knows no message for it: a station that has begun goes on, unless it is given another image. This one counts no
    /// longer, and another may be given.
    ///
    /// Permission: `firmware:execute`
    #[oai(
        path = "/firmware-updates/:firmware_update_id/cancel",
        method = "post",
        operation_id = "firmware_update_cancel"
    )]
    async fn cancel(
        &self,
        Auth(actor): Auth,
        firmware_update_id: Path<FirmwareUpdateId>,
    ) -> Answer<Found<FirmwareUpdate>> {
        let mut tx = self.0.begin(&actor, Permission::FirmwareExecute).await?;
        let cancelled = firmware_update::cancel(&mut tx, firmware_update_id.0).await?;
        tx.commit().await?;
        self.0.commands_changed.notify_waiters();
        Ok(Found::plain(cancelled))
    }
}
