//! Reads sessions; they are written by `ingest`.

use stromtor_domain::{
    network::{charge_point::ChargePointId, location::LocationId, station::StationId},
    session::session::{Session, SessionId, SessionState},
};
use stromtor_schema::schema::session;

use crate::resource::prelude::*;

/// What a list of sessions may be narrowed by.
#[derive(Debug, Clone, Default)]
pub struct SessionFilter {
    /// At this operator or of this provider's drivers.
    pub partner_id: Option<PartnerId>,
    /// At this location.
    pub location_id: Option<LocationId>,
    /// At this station.
    pub station_id: Option<StationId>,
    /// At this charge point.
    pub charge_point_id: Option<ChargePointId>,
    /// This far.
    pub state: Option<SessionState>,
    /// Began at or after.
    pub from: Option<Timestamp>,
    /// Began before.
    pub to: Option<Timestamp>,
    /// Changed at or after.
    pub updated_since: Option<Timestamp>,
}

listing!(SessionFilter => Session);

/// One page, the newest start first.
pub async fn list(tx: &mut Tx, filter: &SessionFilter, page: &PageRequest) -> Result<Page<Session>> {
    let limit = page.limit()?;
    let order = (session::started_at.desc(), session::id.desc());
    let mut query = session::table.select(Session::as_select()).order(order).into_boxed();
    if let Some((at, id)) = page.after::<(Timestamp, SessionId)>()? {
        query = query.filter(session::started_at.lt(at).or(session::started_at.eq(at).and(session::id.lt(id))));
    }
    if let Some(partner_id) = filter.partner_id {
        query = query.filter(session::operator_id.eq(partner_id).or(session::emp_id.assume_not_null().eq(partner_id)));
    }
    if let Some(location_id) = filter.location_id {
        query = query.filter(session::location_id.eq(location_id));
    }
    if let Some(station_id) = filter.station_id {
        query = query.filter(session::station_id.eq(station_id));
    }
    if let Some(charge_point_id) = filter.charge_point_id {
        query = query.filter(session::charge_point_id.eq(charge_point_id));
    }
    if let Some(state) = filter.state {
        query = query.filter(session::state.eq(state));
    }
    if let Some(from) = filter.from {
        query = query.filter(session::started_at.ge(from));
    }
    if let Some(to) = filter.to {
        query = query.filter(session::started_at.lt(to));
    }
    if let Some(since) = filter.updated_since {
        query = query.filter(session::updated_at.ge(since));
    }
    let rows = query.limit(limit as i64 + 1).load(&mut **tx).await.map_err(from_diesel)?;
    Ok(Page::cut(rows, limit, |row: &Session| (row.started_at, row.id)))
}

/// One session.
pub async fn get(tx: &mut Tx, id: SessionId) -> Result<Session> {
    session::table
        .filter(session::id.eq(id))
        .select(Session::as_select())
        .first(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)?
        .ok_or(Error::NotFound("session"))
}

/// The numbers of a running session's transaction: ours, and the station's own (OCPP 2.x).
pub async fn transaction(
    tx: &mut Tx,
    station_id: stromtor_domain::network::station::StationId,
    id: SessionId,
) -> Result<Option<(i32, Option<String>)>> {
    let found: Option<(i32, String)> = session::table
        .filter(session::id.eq(id).and(session::station_id.eq(station_id)).and(session::state.eq(SessionState::Active)))
        .select((session::ocpp_transaction_id, session::start_key))
        .first(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)?;
    Ok(found.map(|(number, key)| (number, key.strip_prefix("tx|").map(str::to_owned))))
}
