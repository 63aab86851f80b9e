//! Certificates that stations ask for.

use chrono::TimeDelta;
use stromtor_domain::{
    command::CommandId,
    event::Event,
    network::{
        certificate::{CertificateRequest, CertificateRequestId, CertificateRequestState, CertificateUse, CsrReport},
        location::LocationId,
        station::StationId,
    },
};
use stromtor_schema::schema::certificate_request;

use crate::{ingest::From, resource::prelude::*};

/// What a list of them may be narrowed by.
#[derive(Debug, Clone, Default)]
pub struct CertificateRequestFilter {
    /// Of this operator's stations.
    pub partner_id: Option<PartnerId>,
    /// Of stations at this location.
    pub location_id: Option<LocationId>,
    /// Of this station.
    pub station_id: Option<StationId>,
    /// This far.
    pub state: Option<CertificateRequestState>,
}

listing!(CertificateRequestFilter => CertificateRequest);

/// One page, newest first.
pub async fn list(
    tx: &mut Tx,
    filter: &CertificateRequestFilter,
    page: &PageRequest,
) -> Result<Page<CertificateRequest>> {
    let limit = page.limit()?;
    let mut query = certificate_request::table
        .select(CertificateRequest::as_select())
        .order(certificate_request::id.desc())
        .into_boxed();
    if let Some(after) = page.after::<CertificateRequestId>()? {
        query = query.filter(certificate_request::id.lt(after));
    }
    if let Some(partner_id) = filter.partner_id {
        query = query.filter(certificate_request::partner_id.eq(partner_id));
    }
    if let Some(location_id) = filter.location_id {
        query = query.filter(certificate_request::location_id.eq(location_id));
    }
    if let Some(station_id) = filter.station_id {
        query = query.filter(certificate_request::station_id.eq(station_id));
    }
    if let Some(state) = filter.state {
        query = query.filter(certificate_request::state.eq(state));
    }
    let rows = query.limit(limit as i64 + 1).load(&mut **tx).await.map_err(from_diesel)?;
    Ok(Page::cut(rows, limit, |row: &CertificateRequest| row.id))
}

/// One of them.
pub async fn get(tx: &mut Tx, id: CertificateRequestId) -> Result<CertificateRequest> {
    certificate_request::table
        .filter(certificate_request::id.eq(id))
        .select(CertificateRequest::as_select())
        .first(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)?
        .ok_or(Error::NotFound("certificate request"))
}

/// How many a station has made since.
pub async fn count_since(tx: &mut Tx, station_id: StationId, since: Timestamp) -> Result<i64> {
    certificate_request::table
        .filter(certificate_request::station_id.eq(station_id).and(certificate_request::created_at.ge(since)))
        .count()
        .get_result(&mut **tx)
        .await
        .map_err(from_diesel)
}

/// Keeps a request; with an `error` it has failed already. Older ones for the same use that are not signed yet end: a station
/// that asks again has forgotten them.
pub async fn create(
    tx: &mut Tx,
    from: From,
    report: &CsrReport,
    error: Option<String>,
) -> Result<CertificateRequestId> {
    use CertificateRequestState::{Failed, Pending};
    let (id, now): (CertificateRequestId, _) = (tx.id(), tx.now());
    let older = certificate_request::station_id
        .eq(from.station_id)
        .and(certificate_request::certificate_type.eq(report.certificate_type))
        .and(certificate_request::state.eq(Pending));
    diesel::update(certificate_request::table.filter(older))
        .set((
            certificate_request::state.eq(Failed),
            certificate_request::error.eq("the station asked again"),
            certificate_request::updated_at.eq(now),
        ))
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    diesel::insert_into(certificate_request::table)
        .values((
            certificate_request::id.eq(id),
            certificate_request::partner_id.eq(from.partner_id),
            certificate_request::location_id.eq(from.location_id),
            certificate_request::station_id.eq(from.station_id),
            certificate_request::certificate_type.eq(report.certificate_type),
            certificate_request::csr.eq(&report.csr),
            certificate_request::state.eq(if error.is_some() { Failed } else { Pending }),
            certificate_request::error.eq(error),
            certificate_request::created_at.eq(now),
            certificate_request::updated_at.eq(now),
        ))
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    Ok(id)
}

/// Keeps the signed certificate.
pub async fn signed(
    tx: &mut Tx,
    id: CertificateRequestId,
    chain: &str,
    serial_number: &str,
    valid_until: Timestamp,
) -> Result<()> {
    let pending = certificate_request::state.eq(CertificateRequestState::Pending);
    diesel::update(certificate_request::table.filter(certificate_request::id.eq(id).and(pending)))
        .set((
            certificate_request::state.eq(CertificateRequestState::Signed),
            certificate_request::error.eq(None::<String>),
            certificate_request::certificate_chain.eq(chain),
            certificate_request::serial_number.eq(serial_number),
            certificate_request::valid_until.eq(valid_until),
            certificate_request::updated_at.eq(tx.now()),
        ))
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    Ok(())
}

/// Its certificate was given to the station as a command.
pub async fn sent(tx: &mut Tx, id: CertificateRequestId, command_id: CommandId) -> Result<()> {
    let signed = certificate_request::state.eq(CertificateRequestState::Signed);
    diesel::update(certificate_request::table.filter(certificate_request::id.eq(id).and(signed)))
        .set((
            certificate_request::state.eq(CertificateRequestState::Sent),
            certificate_request::command_id.eq(command_id),
            certificate_request::updated_at.eq(tx.now()),
        ))
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    Ok(())
}

/// Something went wrong; `over` when it will not be tried again.
pub async fn note_error(tx: &mut Tx, id: CertificateRequestId, error: &str, over: bool) -> Result<()> {
    use CertificateRequestState::{Failed, Pending, Signed};
    let open = certificate_request::state.eq_any([Pending, Signed]);
    let now = tx.now();
    let row = certificate_request::table.filter(certificate_request::id.eq(id).and(open));
    let noted = (certificate_request::error.eq(error), certificate_request::updated_at.eq(now));
    let done = if over {
        diesel::update(row).set((certificate_request::state.eq(Failed), noted)).execute(&mut **tx).await
    } else {
        diesel::update(row).set(noted).execute(&mut **tx).await
    };
    done.map(drop).map_err(from_diesel)
}

/// What the station did with the certificate that a command brought.
pub async fn answered(
    tx: &mut Tx,
    command_id: CommandId,
    state: CertificateRequestState,
    error: Option<&str>,
) -> Result<()> {
    let sent = certificate_request::state.eq(CertificateRequestState::Sent);
    let this = certificate_request::command_id.assume_not_null().eq(command_id);
    diesel::update(certificate_request::table.filter(this.and(sent)))
        .set((
            certificate_request::state.eq(state),
            certificate_request::error.eq(error),
            certificate_request::updated_at.eq(tx.now()),
        ))
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    Ok(())
}

/// Tells once of each client certificate that ends within `within` and was not followed by a newer one.
pub async fn tell_expiring(tx: &mut Tx, within: TimeDelta) -> Result<usize> {
    let now = tx.now();
    let newer = diesel::alias!(certificate_request as newer_request);
    let ending = certificate_request::state
        .eq(CertificateRequestState::Accepted)
        .and(certificate_request::certificate_type.eq(CertificateUse::ChargingStation))
        .and(certificate_request::expiry_noted_at.is_null())
        .and(certificate_request::valid_until.assume_not_null().lt(now + within));
    let followed = newer
        .filter(
            newer
                .field(certificate_request::station_id)
                .eq(certificate_request::station_id)
                .and(newer.field(certificate_request::certificate_type).eq(certificate_request::certificate_type))
                .and(newer.field(certificate_request::state).eq(CertificateRequestState::Accepted))
                .and(newer.field(certificate_request::id).gt(certificate_request::id)),
        )
        .select(newer.field(certificate_request::id));
    let rows: Vec<CertificateRequest> = certificate_request::table
        .filter(ending)
        .filter(diesel::dsl::not(diesel::dsl::exists(followed)))
        .select(CertificateRequest::as_select())
        .limit(1000)
        .load(&mut **tx)
        .await
        .map_err(from_diesel)?;
    let ids: Vec<CertificateRequestId> = rows.iter().map(|row| row.id).collect();
    if ids.is_empty() {
        return Ok(0);
    }
    diesel::update(certificate_request::table.filter(certificate_request::id.eq_any(&ids)))
        .set(certificate_request::expiry_noted_at.eq(now))
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    for row in &rows {
        tx.emit(Event {
            kind: EventType::CertificateExpiring,
            partner_id: row.partner_id.0,
            station_id: Some(row.station_id.0),
            location_id: Some(row.location_id.0),
            resource_id: row.id.0,
            data: serde_json::json!({ "serial_number": row.serial_number, "valid_until": row.valid_until }),
        });
    }
    Ok(rows.len())
}
