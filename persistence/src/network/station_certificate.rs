//! Certificates that stations hold.

use stromtor_domain::network::{
    certificate::{CertificateHash, StationCertificate, StationCertificateId, StationCertificateType},
    location::LocationId,
    station::StationId,
};
use stromtor_schema::schema::station_certificate;

use crate::resource::prelude::*;

/// What a list of them may be narrowed by.
#[derive(Debug, Clone)]
pub struct StationCertificateFilter {
    /// On this station.
    pub station_id: StationId,
}

listing!(StationCertificateFilter => StationCertificate);

/// One page, oldest first.
pub async fn list(
    tx: &mut Tx,
    filter: &StationCertificateFilter,
    page: &PageRequest,
) -> Result<Page<StationCertificate>> {
    let limit = page.limit()?;
    let mut query = station_certificate::table
        .filter(station_certificate::station_id.eq(filter.station_id))
        .select(StationCertificate::as_select())
        .order(station_certificate::id)
        .into_boxed();
    if let Some(after) = page.after::<StationCertificateId>()? {
        query = query.filter(station_certificate::id.gt(after));
    }
    let rows = query.limit(limit as i64 + 1).load(&mut **tx).await.map_err(from_diesel)?;
    Ok(Page::cut(rows, limit, |row: &StationCertificate| row.id))
}

/// One of a station's.
pub async fn get(tx: &mut Tx, station_id: StationId, id: StationCertificateId) -> Result<StationCertificate> {
    station_certificate::table
        .filter(station_certificate::id.eq(id).and(station_certificate::station_id.eq(station_id)))
        .select(StationCertificate::as_select())
        .first(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)?
        .ok_or(Error::NotFound("certificate"))
}

/// Keeps what a station said that it holds. Of the types it was `asked` for the others are gone; of all types when it was asked
/// for all.
pub async fn replace(
    tx: &mut Tx,
    (partner_id, location_id, station_id): (PartnerId, LocationId, StationId),
    asked: Option<&[StationCertificateType]>,
    held: &[(StationCertificateType, CertificateHash)],
) -> Result<()> {
    let now = tx.now();
    let rows: Vec<_> = held
        .iter()
        .map(|(kind, hash)| {
            (
                station_certificate::id.eq(tx.id::<StationCertificateId>()),
                station_certificate::partner_id.eq(partner_id),
                station_certificate::location_id.eq(location_id),
                station_certificate::station_id.eq(station_id),
                station_certificate::certificate_type.eq(*kind),
                station_certificate::hash_algorithm.eq(&hash.hash_algorithm),
                station_certificate::issuer_name_hash.eq(&hash.issuer_name_hash),
                station_certificate::issuer_key_hash.eq(&hash.issuer_key_hash),
                station_certificate::serial_number.eq(&hash.serial_number),
                station_certificate::seen_at.eq(now),
                station_certificate::created_at.eq(now),
            )
        })
        .collect();
    diesel::insert_into(station_certificate::table)
        .values(rows)
        .on_conflict((
            station_certificate::station_id,
            station_certificate::certificate_type,
            station_certificate::hash_algorithm,
            station_certificate::issuer_name_hash,
            station_certificate::issuer_key_hash,
            station_certificate::serial_number,
        ))
        .do_update()
        .set(station_certificate::seen_at.eq(now))
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    let asked = asked.unwrap_or(StationCertificateType::ALL);
    let gone = station_certificate::station_id
        .eq(station_id)
        .and(station_certificate::certificate_type.eq_any(asked))
        .and(station_certificate::seen_at.lt(now));
    diesel::delete(station_certificate::table.filter(gone)).execute(&mut **tx).await.map_err(from_diesel)?;
    Ok(())
}

/// The station holds it no more.
pub async fn remove(tx: &mut Tx, station_id: StationId, hash: &CertificateHash) -> Result<()> {
    let this = station_certificate::station_id
        .eq(station_id)
        .and(station_certificate::hash_algorithm.eq(&hash.hash_algorithm))
        .and(station_certificate::issuer_name_hash.eq(&hash.issuer_name_hash))
        .and(station_certificate::issuer_key_hash.eq(&hash.issuer_key_hash))
        .and(station_certificate::serial_number.eq(&hash.serial_number));
    diesel::delete(station_certificate::table.filter(this)).execute(&mut **tx).await.map_err(from_diesel)?;
    Ok(())
}
