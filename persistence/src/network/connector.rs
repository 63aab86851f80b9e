//! Connectors.

use stromtor_domain::network::{
    charge_point::ChargePointId,
    connector::{Connector, ConnectorId, ConnectorInput},
    location::LocationId,
    station::StationId,
};
use stromtor_schema::schema::connector;

use crate::{
    network::charge_point,
    resource::{Owned as _, prelude::*},
};

resource!(connector: Connector, ConnectorInput, ConnectorId, "connector", event EventType::StationChanged);

/// What a list of connectors may be narrowed by.
#[derive(Debug, Clone, Default)]
pub struct ConnectorFilter {
    /// Of this partner alone.
    pub partner_id: Option<PartnerId>,
    /// At this location.
    pub location_id: Option<LocationId>,
    /// Of this station.
    pub station_id: Option<StationId>,
    /// Of this charge point.
    pub charge_point_id: Option<ChargePointId>,
    /// With this id of the caller's.
    pub external_id: Option<String>,
    /// Changed at or after.
    pub updated_since: Option<Timestamp>,
}

listing!(ConnectorFilter => Connector);

/// One page, oldest first.
pub async fn list(tx: &mut Tx, filter: &ConnectorFilter, page: &PageRequest) -> Result<Page<Connector>> {
    let limit = page.limit()?;
    let mut query = connector::table.select(Connector::as_select()).order(connector::id).into_boxed();
    if let Some(after) = page.after::<ConnectorId>()? {
        query = query.filter(connector::id.gt(after));
    }
    if let Some(partner_id) = filter.partner_id {
        query = query.filter(connector::partner_id.eq(partner_id));
    }
    if let Some(location_id) = filter.location_id {
        query = query.filter(connector::location_id.eq(location_id));
    }
    if let Some(station_id) = filter.station_id {
        query = query.filter(connector::station_id.eq(station_id));
    }
    if let Some(charge_point_id) = filter.charge_point_id {
        query = query.filter(connector::charge_point_id.eq(charge_point_id));
    }
    if let Some(external_id) = &filter.external_id {
        query = query.filter(connector::external_id.eq(external_id));
    }
    if let Some(since) = filter.updated_since {
        query = query.filter(connector::updated_at.ge(since));
    }
    let rows = query.limit(limit as i64 + 1).load(&mut **tx).await.map_err(from_diesel)?;
    Ok(Page::cut(rows, limit, |row: &Connector| row.id))
}

/// Creates a connector of a charge point.
pub async fn create(tx: &mut Tx, charge_point_id: ChargePointId, input: ConnectorInput) -> Result<Connector> {
    input.check()?;
    let parent = charge_point::get(tx, charge_point_id).await?;
    let (id, now): (ConnectorId, _) = (tx.id(), tx.now());
    let created: Connector = diesel::insert_into(connector::table)
        .values((
            connector::id.eq(id),
            connector::partner_id.eq(parent.partner_id),
            connector::location_id.eq(parent.location_id),
            connector::station_id.eq(parent.station_id),
            connector::charge_point_id.eq(charge_point_id),
            input,
            connector::created_at.eq(now),
            connector::updated_at.eq(now),
        ))
        .returning(Connector::as_returning())
        .get_result(&mut **tx)
        .await
        .map_err(from_diesel)?;
    note(tx, "create", None, Some(&created));
    Ok(created)
}
