//! Charge points.

use stromtor_domain::network::{
    charge_point::{ChargePoint, ChargePointId, ChargePointInput, ChargePointLive, CurrentType},
    evse_id::EvseId,
    location::LocationId,
    station::StationId,
};
use stromtor_schema::schema::{charge_point, charge_point_live};

use crate::{
    marketing::switch,
    network::{evse_prefix, station},
    resource::{Owned as _, prelude::*},
};

resource!(charge_point: ChargePoint, ChargePointInput, ChargePointId, "charge point", event EventType::StationChanged);

/// What a list of charge points may be narrowed by.
#[derive(Debug, Clone, Default)]
pub struct ChargePointFilter {
    /// Of this partner alone.
    pub partner_id: Option<PartnerId>,
    /// At this location.
    pub location_id: Option<LocationId>,
    /// Of this station.
    pub station_id: Option<StationId>,
    /// With this EVSE-ID.
    pub evse_id: Option<String>,
    /// Of this current type.
    pub current_type: Option<CurrentType>,
    /// With this id of the caller's.
    pub external_id: Option<String>,
    /// Changed at or after.
    pub updated_since: Option<Timestamp>,
}

listing!(ChargePointFilter => ChargePoint);

/// One page, oldest first.
pub async fn list(tx: &mut Tx, filter: &ChargePointFilter, page: &PageRequest) -> Result<Page<ChargePoint>> {
    let limit = page.limit()?;
    let mut query = charge_point::table.select(ChargePoint::as_select()).order(charge_point::id).into_boxed();
    if let Some(after) = page.after::<ChargePointId>()? {
        query = query.filter(charge_point::id.gt(after));
    }
    if let Some(partner_id) = filter.partner_id {
        query = query.filter(charge_point::partner_id.eq(partner_id));
    }
    if let Some(location_id) = filter.location_id {
        query = query.filter(charge_point::location_id.eq(location_id));
    }
    if let Some(station_id) = filter.station_id {
        query = query.filter(charge_point::station_id.eq(station_id));
    }
    if let Some(evse_id) = &filter.evse_id {
        query = query.filter(charge_point::evse_id.eq(evse_id));
    }
    if let Some(current_type) = filter.current_type {
        query = query.filter(charge_point::current_type.eq(current_type));
    }
    if let Some(external_id) = &filter.external_id {
        query = query.filter(charge_point::external_id.eq(external_id));
    }
    if let Some(since) = filter.updated_since {
        query = query.filter(charge_point::updated_at.ge(since));
    }
    let rows = query.limit(limit as i64 + 1).load(&mut **tx).await.map_err(from_diesel)?;
    Ok(Page::cut(rows, limit, |row: &ChargePoint| row.id))
}

/// Creates a charge point of a station.
pub async fn create(tx: &mut Tx, station_id: StationId, input: ChargePointInput) -> Result<ChargePoint> {
    input.check()?;
    let parent = station::get(tx, station_id).await?;
    if let Some(evse_id) = &input.evse_id {
        evse_prefix::admit(tx, &[(parent.partner_id, evse_id)]).await?;
    }
    switch::admit_ways(tx, station_id, &input.authentication_types).await?;
    let (id, now): (ChargePointId, _) = (tx.id(), tx.now());
    let created: ChargePoint = diesel::insert_into(charge_point::table)
        .values((
            charge_point::id.eq(id),
            charge_point::partner_id.eq(parent.partner_id),
            charge_point::location_id.eq(parent.input.location_id),
            charge_point::station_id.eq(station_id),
            input,
            charge_point::created_at.eq(now),
            charge_point::updated_at.eq(now),
        ))
        .returning(ChargePoint::as_returning())
        .get_result(&mut **tx)
        .await
        .map_err(from_diesel)?;
    diesel::insert_into(charge_point_live::table)
        .values((
            charge_point_live::charge_point_id.eq(id),
            charge_point_live::partner_id.eq(parent.partner_id),
            charge_point_live::location_id.eq(parent.input.location_id),
            charge_point_live::station_id.eq(station_id),
        ))
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    note(tx, "create", None, Some(&created));
    Ok(created)
}

/// Like `update`; a new EVSE-ID must not be another partner's, and what the station offers keeps the remote authentication that
/// it needs.
pub async fn change(
    tx: &mut Tx,
    id: ChargePointId,
    revision: Option<i64>,
    change: impl FnOnce(&ChargePointInput) -> Result<ChargePointInput> + Send,
) -> Result<ChargePoint> {
    let before = lock(tx, id, revision).await?;
    let input = change(&before.input)?;
    if let Some(evse_id) = &input.evse_id
        && input.evse_id != before.input.evse_id
    {
        evse_prefix::admit(tx, &[(before.partner_id, evse_id)]).await?;
    }
    if input.authentication_types != before.input.authentication_types {
        switch::admit_ways(tx, before.station_id, &input.authentication_types).await?;
    }
    update(tx, id, None, |_| Ok(input)).await
}

/// Gives a charge point an EVSE-ID that was given out, or takes it away; it is locked already.
pub(crate) async fn set_evse_id(
    tx: &mut Tx,
    before: &ChargePoint,
    evse_id: Option<&EvseId>,
    action: &'static str,
) -> Result<ChargePoint> {
    let after: ChargePoint = diesel::update(charge_point::table.filter(charge_point::id.eq(before.id)))
        .set((
            charge_point::evse_id.eq(evse_id),
            charge_point::revision.eq(charge_point::revision + 1),
            charge_point::updated_at.eq(tx.now()),
        ))
        .returning(ChargePoint::as_returning())
        .get_result(&mut **tx)
        .await
        .map_err(from_diesel)?;
    note(tx, action, Some(before), Some(&after));
    Ok(after)
}

/// What it is doing.
pub async fn live(tx: &mut Tx, id: ChargePointId) -> Result<ChargePointLive> {
    charge_point_live::table
        .filter(charge_point_live::charge_point_id.eq(id))
        .select(ChargePointLive::as_select())
        .first(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)?
        .ok_or(Error::NotFound("charge point"))
}
