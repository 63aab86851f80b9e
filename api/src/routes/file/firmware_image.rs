//! Firmware images over REST.

use poem::Request;
use poem_openapi::{
    OpenApi,
    param::{Header, Path, Query},
};
use stromtor_domain::{
    Error, Result, Timestamp,
    actor::{Actor, Permission},
    file::firmware_image::{FirmwareImage, FirmwareImageId, FirmwareImageInput},
    network::hardware::{ManufacturerId, StationModelId},
    page::PageRequest,
    patch::Patch,
    tenancy::partner::PartnerId,
};
use stromtor_persistence::file::firmware_image::{self, FirmwareImageFilter};

use crate::{
    app::file::image_name,
    auth::Auth,
    download::{Download, FileView},
    list::{Listed, list},
    problem::{Answer, Failure},
    respond::{Body, Created, Done, Found, if_match},
    routes::Tag,
    state::App,
    upload::Upload,
};

/// Operations on firmware images.
pub struct FirmwareImageApi(pub App);

/// The file of an image whose bytes were uploaded.
pub(super) fn view(image: &FirmwareImage, key: Option<String>) -> Result<FileView> {
    let missing = || Error::NotFound("content of the firmware image");
    Ok(FileView {
        key: key.ok_or_else(missing)?,
        size_bytes: image.size_bytes.ok_or_else(missing)?,
        sha256: image.sha256.clone().ok_or_else(missing)?,
        name: image_name(image),
        content_type: "application/octet-stream".into(),
    })
}

#[OpenApi(prefix_path = "/v1/firmware-images", tag = "Tag::Firmware")]
impl FirmwareImageApi {
    /// List firmware images
    ///
    /// Your own and the platform's, oldest first.
    ///
    /// Permission: `firmware:read`
    #[oai(path = "/", method = "get", operation_id = "firmware_image_list")]
    async fn list(
        &self,
        request: &Request,
        Auth(actor): Auth,
        /// Of this partner alone.
        partner_id: Query<Option<PartnerId>>,
        /// For stations of this manufacturer.
        manufacturer_id: Query<Option<ManufacturerId>>,
        /// That name this model.
        model_id: Query<Option<StationModelId>>,
        /// Of this version.
        version: Query<Option<String>>,
        /// With this id of the caller's.
        external_id: Query<Option<String>>,
        /// Changed at or after.
        updated_since: Query<Option<Timestamp>>,
        /// Items per page, 1 to 500; 50 when absent.
        limit: Query<Option<u32>>,
        /// Where to go on: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<FirmwareImage>> {
        let filter = FirmwareImageFilter {
            partner_id: partner_id.0,
            manufacturer_id: manufacturer_id.0,
            model_id: model_id.0,
            version: version.0,
            external_id: external_id.0,
            updated_since: updated_since.0,
        };
        let page = PageRequest { limit: limit.0, cursor: cursor.0 };
        list(&self.0, request, &actor, Permission::FirmwareRead, filter, page).await
    }

    /// Create a firmware image
    ///
    /// Without its bytes: upload them next.
    ///
    /// Permission: `firmware:write`
    #[oai(path = "/", method = "post", operation_id = "firmware_image_create")]
    async fn create(
        &self,
        Auth(actor): Auth,
        /// Whose it is; your own partner when absent.
        partner_id: Query<Option<PartnerId>>,
        Body(input): Body<FirmwareImageInput>,
    ) -> Answer<Created<FirmwareImage>> {
        let mut tx = self.0.begin(&actor, Permission::FirmwareWrite).await?;
        let owner = tx.partner(partner_id.0).await?;
        firmware_image::check_models(&mut tx, &input).await?;
        let created = firmware_image::create(&mut tx, owner, input).await?;
        tx.commit().await?;
        Ok(Created::at(format!("/v1/firmware-images/{}", created.id), created.clone(), created.revision))
    }

    /// Read a firmware image
    ///
    /// Permission: `firmware:read`
    #[oai(path = "/:firmware_image_id", method = "get", operation_id = "firmware_image_get")]
    async fn get(&self, Auth(actor): Auth, firmware_image_id: Path<FirmwareImageId>) -> Answer<Found<FirmwareImage>> {
        let mut tx = self.0.begin(&actor, Permission::FirmwareRead).await?;
        let found = firmware_image::get(&mut tx, firmware_image_id.0).await?;
        tx.commit().await?;
        let revision = found.revision;
        Ok(Found::versioned(found, revision))
    }

    /// Replace a firmware image
    ///
    /// What is absent from the body is cleared; the bytes stay.
    ///
    /// Permission: `firmware:write`
    #[oai(path = "/:firmware_image_id", method = "put", operation_id = "firmware_image_replace")]
    async fn replace(
        &self,
        Auth(actor): Auth,
        firmware_image_id: Path<FirmwareImageId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
        Body(input): Body<FirmwareImageInput>,
    ) -> Answer<Found<FirmwareImage>> {
        self.change(&actor, firmware_image_id.0, if_match_header.0, move |_| Ok(input)).await
    }

    /// Change a firmware image
    ///
    /// Merge patch (RFC 7396); the bytes stay.
    ///
    /// Permission: `firmware:write`
    #[oai(path = "/:firmware_image_id", method = "patch", operation_id = "firmware_image_patch")]
    async fn patch(
        &self,
        Auth(actor): Auth,
        firmware_image_id: Path<FirmwareImageId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
        Body(patch): Body<Patch<FirmwareImageInput>>,
    ) -> Answer<Found<FirmwareImage>> {
        self.change(&actor, firmware_image_id.0, if_match_header.0, move |current| patch.apply(current)).await
    }

    /// Delete a firmware image
    ///
    /// Refused while stations are fetching it. Updates that were made with it keep its name and version.
    ///
    /// Permission: `firmware:write`
    #[oai(path = "/:firmware_image_id", method = "delete", operation_id = "firmware_image_delete")]
    async fn delete(
        &self,
        Auth(actor): Auth,
        firmware_image_id: Path<FirmwareImageId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
    ) -> Answer<Done> {
        let mut tx = self.0.begin(&actor, Permission::FirmwareWrite).await?;
        firmware_image::remove(&mut tx, firmware_image_id.0, if_match(if_match_header.0)?).await?;
        tx.commit().await?;
        Ok(Done::NoContent)
    }

    /// Upload a firmware image's bytes
    ///
    /// They replace those before; refused while stations are fetching the image. Size and checksums are those of what came.
    ///
    /// Permission: `firmware:write`
    #[oai(path = "/:firmware_image_id/content", method = "put", operation_id = "firmware_image_upload")]
    async fn upload(
        &self,
        Auth(actor): Auth,
        firmware_image_id: Path<FirmwareImageId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
        upload: Upload,
    ) -> poem::Result<Found<FirmwareImage>> {
        let (app, id) = (&self.0, firmware_image_id.0);
        let revision = if_match(if_match_header.0).map_err(Failure)?;
        let allowed = async {
            let mut tx = app.begin(&actor, Permission::FirmwareWrite).await?;
            firmware_image::check_replaceable(&mut tx, id, revision).await?;
            tx.commit().await
        };
        allowed.await.map_err(Failure)?;
        let body = upload.begin().await?.body;
        let key = format!("firmware/{}", app.clock.id());
        let stored = app.files.put(key, body, app.config.files.max_upload_bytes).await?;
        let kept = async {
            let mut tx = app.begin(&actor, Permission::FirmwareWrite).await?;
            let kept = firmware_image::set_content(&mut tx, id, revision, &stored).await?;
            tx.commit().await?;
            Ok::<_, Error>(kept)
        };
        let kept = kept.await;
        if kept.is_err()
            && let Err(error) = app.files.delete(&stored.key).await
        {
            tracing::warn!(%error, key = stored.key, "a file that nothing refers to is left");
        }
        let kept = kept.map_err(Failure)?;
        let revision = kept.revision;
        Ok(Found::versioned(kept, revision))
    }

    /// Download a firmware image's bytes
    ///
    /// Permission: `firmware:read`
    #[oai(path = "/:firmware_image_id/content", method = "get", operation_id = "firmware_image_download")]
    async fn content(
        &self,
        request: &Request,
        Auth(actor): Auth,
        firmware_image_id: Path<FirmwareImageId>,
    ) -> Answer<Download> {
        let mut tx = self.0.begin(&actor, Permission::FirmwareRead).await?;
        let image = firmware_image::get(&mut tx, firmware_image_id.0).await?;
        let key = firmware_image::object_key(&mut tx, firmware_image_id.0).await?;
        tx.commit().await?;
        Ok(Download::of(&self.0.files, request, view(&image, key)?).await?)
    }
}

impl FirmwareImageApi {
    async fn change(
        &self,
        actor: &Actor,
        id: FirmwareImageId,
        if_match_header: Option<String>,
        change: impl FnOnce(&FirmwareImageInput) -> Result<FirmwareImageInput> + Send,
    ) -> Answer<Found<FirmwareImage>> {
        let mut tx = self.0.begin(actor, Permission::FirmwareWrite).await?;
        let changed = firmware_image::update(&mut tx, id, if_match(if_match_header)?, change).await?;
        firmware_image::check_models(&mut tx, &changed.input).await?;
        tx.commit().await?;
        let revision = changed.revision;
        Ok(Found::versioned(changed, revision))
    }
}
