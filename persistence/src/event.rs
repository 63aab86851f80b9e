//! Reads events; `tx` writes them with the change that causes them.

use stromtor_domain::{
    event::{EventId, EventRow},
    network::{location::LocationId, station::StationId},
};
use stromtor_schema::schema::event;

use crate::resource::prelude::*;

/// What a list of them may be narrowed by.
#[derive(Debug, Clone, Default)]
pub struct EventFilter {
    /// Of this partner alone.
    pub partner_id: Option<PartnerId>,
    /// At this location.
    pub location_id: Option<LocationId>,
    /// Of this station.
    pub station_id: Option<StationId>,
    /// About this resource.
    pub resource_id: Option<uuid::Uuid>,
    /// Of this type.
    pub kind: Option<EventType>,
    /// At or after.
    pub from: Option<Timestamp>,
    /// Before.
    pub to: Option<Timestamp>,
}

listing!(EventFilter => EventRow);

/// One page, newest first.
pub async fn list(tx: &mut Tx, filter: &EventFilter, page: &PageRequest) -> Result<Page<EventRow>> {
    let limit = page.limit()?;
    let mut query = event::table.select(EventRow::as_select()).order(event::id.desc()).into_boxed();
    if let Some(after) = page.after::<EventId>()? {
        query = query.filter(event::id.lt(after));
    }
    if let Some(partner_id) = filter.partner_id {
        query = query.filter(event::partner_id.eq(partner_id));
    }
    if let Some(location_id) = filter.location_id {
        query = query.filter(event::location_id.assume_not_null().eq(location_id));
    }
    if let Some(station_id) = filter.station_id {
        query = query.filter(event::station_id.assume_not_null().eq(station_id));
    }
    if let Some(resource_id) = filter.resource_id {
        query = query.filter(event::resource_id.eq(resource_id));
    }
    if let Some(kind) = filter.kind {
        query = query.filter(event::type_.eq(kind));
    }
    if let Some(from) = filter.from {
        query = query.filter(event::at.ge(from));
    }
    if let Some(to) = filter.to {
        query = query.filter(event::at.lt(to));
    }
    let rows = query.limit(limit as i64 + 1).load(&mut **tx).await.map_err(from_diesel)?;
    Ok(Page::cut(rows, limit, |row: &EventRow| row.id))
}

/// What came after `after`, oldest first, at most `limit`. A live reader asks from some seconds before what it has seen:
/// ids are given at the begin of a transaction, so a later one may be seen first.
pub async fn since(tx: &mut Tx, filter: &EventFilter, after: EventId, limit: i64) -> Result<Vec<EventRow>> {
    let mut query = event::table
        .filter(event::id.gt(after))
        .select(EventRow::as_select())
        .order(event::id)
        .limit(limit)
        .into_boxed();
    if let Some(partner_id) = filter.partner_id {
        query = query.filter(event::partner_id.eq(partner_id));
    }
    if let Some(location_id) = filter.location_id {
        query = query.filter(event::location_id.assume_not_null().eq(location_id));
    }
    if let Some(station_id) = filter.station_id {
        query = query.filter(event::station_id.assume_not_null().eq(station_id));
    }
    if let Some(kind) = filter.kind {
        query = query.filter(event::type_.eq(kind));
    }
    query.load(&mut **tx).await.map_err(from_diesel)
}
