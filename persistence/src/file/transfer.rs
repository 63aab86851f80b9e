//! The right to bring or to take one file, known by the fingerprint of the secret in a URL.

use stromtor_domain::{
    file::{firmware_image::FirmwareImageId, firmware_update::FirmwareUpdateId, log_request::LogRequestId},
    network::{location::LocationId, station::StationId},
};
use stromtor_schema::schema::transfer;

use crate::resource::prelude::*;

/// What the right is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To upload what a log request asks for, once.
    Upload(LogRequestId),
    /// To download an image, as often as it takes; for this update, where it is for one.
    Download(FirmwareImageId, Option<FirmwareUpdateId>),
}

/// A right and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// The station's operator.
    pub partner_id: PartnerId,
    /// The station's location.
    pub location_id: LocationId,
    /// The station.
    pub station_id: StationId,
    /// What for.
    pub purpose: Purpose,
    /// It has served its purpose.
    pub used: bool,
}

/// Gives a right until `expires_at`.
pub async fn create(tx: &mut Tx, hmac: Vec<u8>, right: &Transfer, expires_at: Timestamp) -> Result<()> {
    let (request, image, update) = match right.purpose {
        Purpose::Upload(id) => (Some(id), None, None),
        Purpose::Download(id, update) => (None, Some(id), update),
    };
    diesel::insert_into(transfer::table)
        .values((
            transfer::token_hmac.eq(hmac),
            transfer::partner_id.eq(right.partner_id),
            transfer::location_id.eq(right.location_id),
            transfer::station_id.eq(right.station_id),
            transfer::log_request_id.eq(request),
            transfer::firmware_image_id.eq(image),
            transfer::firmware_update_id.eq(update),
            transfer::expires_at.eq(expires_at),
            transfer::created_at.eq(tx.now()),
        ))
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    Ok(())
}

type Purposes = (Option<LogRequestId>, Option<FirmwareImageId>, Option<FirmwareUpdateId>);
type Columns = (PartnerId, LocationId, StationId, Purposes, Option<Timestamp>);

/// The right behind a fingerprint, unless it has expired.
pub async fn find(tx: &mut Tx, hmac: &[u8]) -> Result<Option<Transfer>> {
    let now = tx.now();
    let found: Option<Columns> = transfer::table
        .filter(transfer::token_hmac.eq(hmac).and(transfer::expires_at.gt(now)))
        .select((
            transfer::partner_id,
            transfer::location_id,
            transfer::station_id,
            (transfer::log_request_id, transfer::firmware_image_id, transfer::firmware_update_id),
            transfer::used_at,
        ))
        .first(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)?;
    Ok(found.and_then(|(partner_id, location_id, station_id, (request, image, update), used_at)| {
        let download = image.map(|image| Purpose::Download(image, update));
        let purpose = request.map(Purpose::Upload).or(download)?;
        Some(Transfer { partner_id, location_id, station_id, purpose, used: used_at.is_some() })
    }))
}

/// Uses an upload's right up; whether it was there to be used.
pub async fn consume(tx: &mut Tx, hmac: &[u8]) -> Result<bool> {
    let now = tx.now();
    let unused = transfer::table.filter(transfer::token_hmac.eq(hmac).and(transfer::used_at.is_null()));
    let used = diesel::update(unused).set(transfer::used_at.eq(now)).execute(&mut **tx).await.map_err(from_diesel)?;
    Ok(used == 1)
}

/// Takes back the right to upload for a request.
pub async fn revoke_upload(tx: &mut Tx, request: LogRequestId) -> Result<()> {
    let given = transfer::table.filter(transfer::log_request_id.assume_not_null().eq(request));
    diesel::delete(given).execute(&mut **tx).await.map_err(from_diesel)?;
    Ok(())
}

/// Takes back the right to download for an update.
pub async fn revoke_download(tx: &mut Tx, update: FirmwareUpdateId) -> Result<()> {
    let given = transfer::table.filter(transfer::firmware_update_id.assume_not_null().eq(update));
    diesel::delete(given).execute(&mut **tx).await.map_err(from_diesel)?;
    Ok(())
}
