//! Files that stations have uploaded.

use stromtor_domain::{
    file::{
        log_request::{LogRequestId, LogRequestState},
        station_file::{StationFile, StationFileId},
    },
    network::{location::LocationId, station::StationId},
};
use stromtor_schema::schema::station_file;

use crate::{
    file::{
        Stored, discard, log_request,
        transfer::{self, Purpose, Transfer},
    },
    resource::prelude::*,
};

/// What a list of them may be narrowed by.
#[derive(Debug, Clone, Default)]
pub struct StationFileFilter {
    /// Of this operator's stations.
    pub partner_id: Option<PartnerId>,
    /// Of stations at this location.
    pub location_id: Option<LocationId>,
    /// Of this station.
    pub station_id: Option<StationId>,
    /// Uploaded for this request.
    pub log_request_id: Option<LogRequestId>,
}

listing!(StationFileFilter => StationFile);

/// One page, newest first.
pub async fn list(tx: &mut Tx, filter: &StationFileFilter, page: &PageRequest) -> Result<Page<StationFile>> {
    let limit = page.limit()?;
    let mut query = station_file::table.select(StationFile::as_select()).order(station_file::id.desc()).into_boxed();
    if let Some(after) = page.after::<StationFileId>()? {
        query = query.filter(station_file::id.lt(after));
    }
    if let Some(partner_id) = filter.partner_id {
        query = query.filter(station_file::partner_id.eq(partner_id));
    }
    if let Some(location_id) = filter.location_id {
        query = query.filter(station_file::location_id.eq(location_id));
    }
    if let Some(station_id) = filter.station_id {
        query = query.filter(station_file::station_id.eq(station_id));
    }
    if let Some(request_id) = filter.log_request_id {
        query = query.filter(station_file::log_request_id.assume_not_null().eq(request_id));
    }
    let rows = query.limit(limit as i64 + 1).load(&mut **tx).await.map_err(from_diesel)?;
    Ok(Page::cut(rows, limit, |row: &StationFile| row.id))
}

/// One of them.
pub async fn get(tx: &mut Tx, id: StationFileId) -> Result<StationFile> {
    station_file::table
        .filter(station_file::id.eq(id))
        .select(StationFile::as_select())
        .first(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)?
        .ok_or(Error::NotFound("station file"))
}

/// Where its bytes are.
pub async fn object_key(tx: &mut Tx, id: StationFileId) -> Result<String> {
    station_file::table
        .filter(station_file::id.eq(id))
        .select(station_file::object_key)
        .first(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)?
        .ok_or(Error::NotFound("station file"))
}

/// Keeps what a station has uploaded, and uses its right up; `None` when another upload was faster.
pub async fn keep(
    tx: &mut Tx,
    hmac: &[u8],
    right: &Transfer,
    name: &str,
    content_type: &str,
    stored: &Stored,
) -> Result<Option<StationFile>> {
    let Purpose::Upload(request_id) = right.purpose else { return Ok(None) };
    if !transfer::consume(tx, hmac).await? {
        return Ok(None);
    }
    let (id, now): (StationFileId, _) = (tx.id(), tx.now());
    let created: StationFile = diesel::insert_into(station_file::table)
        .values((
            station_file::id.eq(id),
            station_file::partner_id.eq(right.partner_id),
            station_file::location_id.eq(right.location_id),
            station_file::station_id.eq(right.station_id),
            station_file::log_request_id.eq(request_id),
            station_file::name.eq(name),
            station_file::content_type.eq(content_type),
            station_file::size_bytes.eq(stored.size_bytes),
            station_file::sha256.eq(&stored.sha256),
            station_file::object_key.eq(&stored.key),
            station_file::created_at.eq(now),
        ))
        .returning(StationFile::as_returning())
        .get_result(&mut **tx)
        .await
        .map_err(from_diesel)?;
    let mut request = log_request::lock(tx, request_id).await?;
    request.file_id = Some(id);
    request.state = LogRequestState::Uploaded;
    log_request::save(tx, request).await?;
    Ok(Some(created))
}

/// Deletes a file.
pub async fn delete(tx: &mut Tx, id: StationFileId) -> Result<()> {
    let before = get(tx, id).await?;
    let key = object_key(tx, id).await?;
    diesel::delete(station_file::table.filter(station_file::id.eq(id)))
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    discard(tx, before.partner_id, &key).await?;
    tx.audit("delete", "station file", before.partner_id, id, Some(&before), None);
    Ok(())
}

/// Deletes files uploaded before `before`, up to `limit`; how many.
pub async fn sweep(tx: &mut Tx, before: Timestamp, limit: i64) -> Result<usize> {
    let old: Vec<(StationFileId, PartnerId, String)> = station_file::table
        .filter(station_file::created_at.lt(before))
        .order(station_file::created_at)
        .limit(limit)
        .select((station_file::id, station_file::partner_id, station_file::object_key))
        .for_update()
        .skip_locked()
        .load(&mut **tx)
        .await
        .map_err(from_diesel)?;
    remove(tx, &old).await?;
    Ok(old.len())
}

/// Deletes what was uploaded for these requests.
pub(super) async fn delete_of(tx: &mut Tx, requests: &[LogRequestId]) -> Result<()> {
    let files: Vec<(StationFileId, PartnerId, String)> = station_file::table
        .filter(station_file::log_request_id.assume_not_null().eq_any(requests))
        .select((station_file::id, station_file::partner_id, station_file::object_key))
        .for_update()
        .load(&mut **tx)
        .await
        .map_err(from_diesel)?;
    remove(tx, &files).await
}

async fn remove(tx: &mut Tx, files: &[(StationFileId, PartnerId, String)]) -> Result<()> {
    let ids: Vec<StationFileId> = files.iter().map(|(id, ..)| *id).collect();
    diesel::delete(station_file::table.filter(station_file::id.eq_any(ids)))
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    for (_, partner_id, key) in files {
        discard(tx, *partner_id, key).await?;
    }
    Ok(())
}
