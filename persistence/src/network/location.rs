//! Locations: the example to follow when a resource is added.

use diesel::{ExpressionMethods as _, OptionalExtension as _, QueryDsl as _, SelectableHelper as _};
use diesel_async::RunQueryDsl;
use stromtor_domain::{
    Error, Result, Timestamp,
    event::EventType,
    network::location::{Location, LocationId, LocationInput},
    page::{Page, PageRequest},
    tenancy::partner::PartnerId,
};
use stromtor_schema::schema::location;

use crate::{error::from_diesel, tx::Tx};

const KIND: &str = "location";

/// What a list of locations may be narrowed by.
#[derive(Debug, Clone, Default)]
pub struct LocationFilter {
    /// Of this partner alone.
    pub partner_id: Option<PartnerId>,
    /// With this id of the caller's.
    pub external_id: Option<String>,
    /// Changed at or after.
    pub updated_since: Option<Timestamp>,
}

/// One page, oldest first.
pub async fn list(tx: &mut Tx, filter: &LocationFilter, page: &PageRequest) -> Result<Page<Location>> {
    let limit = page.limit()?;
    let mut query = location::table.select(Location::as_select()).order(location::id).into_boxed();
    if let Some(after) = page.after::<LocationId>()? {
        query = query.filter(location::id.gt(after));
    }
    if let Some(partner_id) = filter.partner_id {
        query = query.filter(location::partner_id.eq(partner_id));
    }
    if let Some(external_id) = &filter.external_id {
        query = query.filter(location::external_id.eq(external_id));
    }
    if let Some(since) = filter.updated_since {
        query = query.filter(location::updated_at.ge(since));
    }
    let rows = query.limit(limit as i64 + 1).load(&mut **tx).await.map_err(from_diesel)?;
    Ok(Page::cut(rows, limit, |row: &Location| row.id))
}

/// One location, locked for change when `lock`.
async fn fetch(tx: &mut Tx, id: LocationId, lock: bool) -> Result<Location> {
    let query = location::table.filter(location::id.eq(id)).select(Location::as_select());
    let found = if lock {
        query.for_update().first(&mut **tx).await
    } else {
        query.first(&mut **tx).await
    };
    found.optional().map_err(from_diesel)?.ok_or(Error::NotFound(KIND))
}

/// One location.
pub async fn get(tx: &mut Tx, id: LocationId) -> Result<Location> {
    fetch(tx, id, false).await
}

/// Creates a location of `partner_id`, which must be in scope.
pub async fn create(tx: &mut Tx, partner_id: PartnerId, input: LocationInput) -> Result<Location> {
    input.check()?;
    let (id, now): (LocationId, _) = (tx.id(), tx.now());
    let created: Location = diesel::insert_into(location::table)
        .values((
            location::id.eq(id),
            location::partner_id.eq(partner_id),
            input,
            location::created_at.eq(now),
            location::updated_at.eq(now),
        ))
        .returning(Location::as_returning())
        .get_result(&mut **tx)
        .await
        .map_err(from_diesel)?;
    tx.audit("create", KIND, partner_id, id, None, Some(&created));
    tx.changed(EventType::LocationChanged, partner_id, id, serde_json::json!({ "change": "created" }));
    Ok(created)
}

/// Replaces what a caller may set. `change` receives the current state and returns the new one; `revision`, when given,
/// must be the current one.
pub async fn update(
    tx: &mut Tx,
    id: LocationId,
    revision: Option<i64>,
    change: impl FnOnce(&LocationInput) -> Result<LocationInput> + Send,
) -> Result<Location> {
    let before = fetch(tx, id, true).await?;
    if revision.is_some_and(|revision| revision != before.revision) {
        return Err(Error::PreconditionFailed);
    }
    let input = change(&before.input)?;
    input.check()?;
    let after: Location = diesel::update(location::table.filter(location::id.eq(id)))
        .set((input, location::revision.eq(location::revision + 1), location::updated_at.eq(tx.now())))
        .returning(Location::as_returning())
        .get_result(&mut **tx)
        .await
        .map_err(from_diesel)?;
    tx.audit("update", KIND, after.partner_id, id, Some(&before), Some(&after));
    tx.changed(EventType::LocationChanged, after.partner_id, id, serde_json::json!({ "change": "updated" }));
    Ok(after)
}

/// Deletes a location that holds no station.
pub async fn delete(tx: &mut Tx, id: LocationId, revision: Option<i64>) -> Result<()> {
    let before = fetch(tx, id, true).await?;
    if revision.is_some_and(|revision| revision != before.revision) {
        return Err(Error::PreconditionFailed);
    }
    diesel::delete(location::table.filter(location::id.eq(id))).execute(&mut **tx).await.map_err(from_diesel)?;
    tx.audit("delete", KIND, before.partner_id, id, Some(&before), None);
    tx.changed(EventType::LocationChanged, before.partner_id, id, serde_json::json!({ "change": "deleted" }));
    Ok(())
}
