//! Other spellings of stations' OCPP identities.

use stromtor_domain::network::{
    station::StationId,
    station_alias::{StationAlias, StationAliasId, StationAliasInput},
};
use stromtor_schema::schema::station_alias;

use crate::{
    network::{station, unknown_station},
    resource::{Owned as _, prelude::*},
};

resource!(station_alias: StationAlias, StationAliasInput, StationAliasId, "station_alias");

/// What a list of aliases may be narrowed by.
#[derive(Debug, Clone, Default)]
pub struct StationAliasFilter {
    /// Of this partner's stations.
    pub partner_id: Option<PartnerId>,
    /// Of this station.
    pub station_id: Option<StationId>,
    /// This one.
    pub ocpp_identity: Option<String>,
}

listing!(StationAliasFilter => StationAlias);

/// One page, oldest first.
pub async fn list(tx: &mut Tx, filter: &StationAliasFilter, page: &PageRequest) -> Result<Page<StationAlias>> {
    let limit = page.limit()?;
    let mut query = station_alias::table.select(StationAlias::as_select()).order(station_alias::id).into_boxed();
    if let Some(after) = page.after::<StationAliasId>()? {
        query = query.filter(station_alias::id.gt(after));
    }
    if let Some(partner_id) = filter.partner_id {
        query = query.filter(station_alias::partner_id.eq(partner_id));
    }
    if let Some(station_id) = filter.station_id {
        query = query.filter(station_alias::station_id.eq(station_id));
    }
    if let Some(identity) = &filter.ocpp_identity {
        query = query.filter(station_alias::ocpp_identity.eq(identity));
    }
    let rows = query.limit(limit as i64 + 1).load(&mut **tx).await.map_err(from_diesel)?;
    Ok(Page::cut(rows, limit, |row: &StationAlias| row.id))
}

/// Gives a station another spelling. Who came under it is no unknown station any more.
pub async fn create(tx: &mut Tx, station_id: StationId, input: StationAliasInput) -> Result<StationAlias> {
    input.check()?;
    let parent = station::get(tx, station_id).await?;
    if parent.dismantled_at.is_some() {
        return Err(Error::conflict("station_dismantled", "a dismantled station cannot connect"));
    }
    let (id, now): (StationAliasId, _) = (tx.id(), tx.now());
    let created: StationAlias = diesel::insert_into(station_alias::table)
        .values((
            station_alias::id.eq(id),
            station_alias::partner_id.eq(parent.partner_id),
            station_alias::location_id.eq(parent.input.location_id),
            station_alias::station_id.eq(station_id),
            input,
            station_alias::created_at.eq(now),
            station_alias::updated_at.eq(now),
        ))
        .returning(StationAlias::as_returning())
        .get_result(&mut **tx)
        .await
        .map_err(from_diesel)?;
    unknown_station::adopt(tx, created.input.ocpp_identity.as_str()).await?;
    note(tx, "create", None, Some(&created));
    Ok(created)
}
