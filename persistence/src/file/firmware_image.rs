//! Firmware images.

use diesel::PgArrayExpressionMethods as _;
use stromtor_domain::{
    file::firmware_image::{FirmwareImage, FirmwareImageId, FirmwareImageInput},
    network::{
        hardware::{ManufacturerId, StationModelId},
        station::Station,
    },
};
use stromtor_schema::schema::{firmware_image, station_model};

use crate::{
    file::{Stored, discard},
    resource::{Owned as _, prelude::*},
};

resource!(firmware_image: FirmwareImage, FirmwareImageInput, FirmwareImageId, "firmware image"; create);

/// What a list of images may be narrowed by.
#[derive(Debug, Clone, Default)]
pub struct FirmwareImageFilter {
    /// Of this partner alone.
    pub partner_id: Option<PartnerId>,
    /// For stations of this manufacturer.
    pub manufacturer_id: Option<ManufacturerId>,
    /// That name this model.
    pub model_id: Option<StationModelId>,
    /// Of this version.
    pub version: Option<String>,
    /// With this id of the caller's.
    pub external_id: Option<String>,
    /// Changed at or after.
    pub updated_since: Option<Timestamp>,
}

listing!(FirmwareImageFilter => FirmwareImage);

/// One page, oldest first.
pub async fn list(tx: &mut Tx, filter: &FirmwareImageFilter, page: &PageRequest) -> Result<Page<FirmwareImage>> {
    let limit = page.limit()?;
    let mut query = firmware_image::table.select(FirmwareImage::as_select()).order(firmware_image::id).into_boxed();
    if let Some(after) = page.after::<FirmwareImageId>()? {
        query = query.filter(firmware_image::id.gt(after));
    }
    if let Some(partner_id) = filter.partner_id {
        query = query.filter(firmware_image::partner_id.eq(partner_id));
    }
    if let Some(manufacturer_id) = filter.manufacturer_id {
        query = query.filter(firmware_image::manufacturer_id.assume_not_null().eq(manufacturer_id));
    }
    if let Some(model_id) = filter.model_id {
        query = query.filter(firmware_image::model_ids.contains(vec![model_id]));
    }
    if let Some(version) = &filter.version {
        query = query.filter(firmware_image::version.eq(version));
    }
    if let Some(external_id) = &filter.external_id {
        query = query.filter(firmware_image::external_id.assume_not_null().eq(external_id));
    }
    if let Some(since) = filter.updated_since {
        query = query.filter(firmware_image::updated_at.ge(since));
    }
    let rows = query.limit(limit as i64 + 1).load(&mut **tx).await.map_err(from_diesel)?;
    Ok(Page::cut(rows, limit, |row: &FirmwareImage| row.id))
}

/// Every model named must be in the catalogue.
pub async fn check_models(tx: &mut Tx, input: &FirmwareImageInput) -> Result<()> {
    let known: Vec<StationModelId> = station_model::table
        .filter(station_model::id.eq_any(&input.model_ids))
        .select(station_model::id)
        .load(&mut **tx)
        .await
        .map_err(from_diesel)?;
    match input.model_ids.iter().position(|id| !known.contains(id)) {
        Some(at) => Err(Error::invalid(format!("/model_ids/{at}"), "names no model of the catalogue")),
        None => Ok(()),
    }
}

diesel::define_sql_function! {
    /// Whether a station is to fetch it.
    fn stromtor_firmware_in_use(image: diesel::sql_types::Uuid) -> diesel::sql_types::Bool;
}

diesel::define_sql_function! {
    /// The platform.
    fn stromtor_platform() -> diesel::sql_types::Uuid;
}

/// The bytes of an image that stations are to fetch stay as they are.
async fn check_unused(tx: &mut Tx, id: FirmwareImageId) -> Result<()> {
    if diesel::select(stromtor_firmware_in_use(id)).get_result(&mut **tx).await.map_err(from_diesel)? {
        return Err(Error::conflict("firmware_in_use", "stations are fetching this image"));
    }
    Ok(())
}

/// Where its bytes are.
pub async fn object_key(tx: &mut Tx, id: FirmwareImageId) -> Result<Option<String>> {
    firmware_image::table
        .filter(firmware_image::id.eq(id))
        .select(firmware_image::object_key)
        .first(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)?
        .ok_or(Error::NotFound("firmware image"))
}

/// Whether its bytes may be replaced: it is there, it may be changed, and no station is fetching it.
pub async fn check_replaceable(tx: &mut Tx, id: FirmwareImageId, revision: Option<i64>) -> Result<()> {
    lock(tx, id, revision).await?;
    check_unused(tx, id).await
}

/// Puts bytes in the place of those before.
pub async fn set_content(
    tx: &mut Tx,
    id: FirmwareImageId,
    revision: Option<i64>,
    stored: &Stored,
) -> Result<FirmwareImage> {
    let before = lock(tx, id, revision).await?;
    check_unused(tx, id).await?;
    if let Some(old) = object_key(tx, id).await? {
        discard(tx, before.partner_id, &old).await?;
    }
    let now = tx.now();
    let after: FirmwareImage = diesel::update(firmware_image::table.filter(firmware_image::id.eq(id)))
        .set((
            firmware_image::size_bytes.eq(stored.size_bytes),
            firmware_image::sha256.eq(&stored.sha256),
            firmware_image::md5.eq(&stored.md5),
            firmware_image::object_key.eq(&stored.key),
            firmware_image::uploaded_at.eq(now),
            firmware_image::revision.eq(firmware_image::revision + 1),
            firmware_image::updated_at.eq(now),
        ))
        .returning(FirmwareImage::as_returning())
        .get_result(&mut **tx)
        .await
        .map_err(from_diesel)?;
    note(tx, "upload", Some(&before), Some(&after));
    Ok(after)
}

/// Deletes an image and its bytes, unless stations are fetching it.
pub async fn remove(tx: &mut Tx, id: FirmwareImageId, revision: Option<i64>) -> Result<()> {
    let before = lock(tx, id, revision).await?;
    check_unused(tx, id).await?;
    if let Some(key) = object_key(tx, id).await? {
        discard(tx, before.partner_id, &key).await?;
    }
    delete(tx, id, None).await
}

/// An image that a station may be given to install: usable, and for its model.
pub async fn for_station(tx: &mut Tx, id: FirmwareImageId, station: &Station) -> Result<FirmwareImage> {
    let image = usable(tx, id, station).await?;
    let models = &image.input.model_ids;
    if !models.is_empty() && !station.input.model_id.is_some_and(|model| models.contains(&model)) {
        return Err(Error::conflict("firmware_model_mismatch", "the image is for other models of station"));
    }
    Ok(image)
}

/// An image that a station may fetch: its operator's or the platform's, with bytes.
pub async fn usable(tx: &mut Tx, id: FirmwareImageId, station: &Station) -> Result<FirmwareImage> {
    let image = match get(tx, id).await {
        Ok(image) => image,
        Err(Error::NotFound(_)) => {
            return Err(Error::invalid("/firmware_image_id", "names nothing that you may refer to"));
        }
        Err(error) => return Err(error),
    };
    let platform: PartnerId = diesel::select(stromtor_platform()).get_result(&mut **tx).await.map_err(from_diesel)?;
    if image.partner_id != station.partner_id && image.partner_id != platform {
        return Err(Error::invalid("/firmware_image_id", "is neither the station's operator's nor the platform's"));
    }
    if image.size_bytes.is_none() {
        return Err(Error::conflict("firmware_without_content", "the image's bytes were not uploaded yet"));
    }
    Ok(image)
}
