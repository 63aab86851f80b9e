//! EVSE-IDs: finding and moving.

use std::collections::{BTreeSet, HashMap};

use diesel::{JoinOnDsl as _, TextExpressionMethods as _};
use stromtor_domain::network::{
    charge_point::{ChargePoint, ChargePointId},
    evse_id::{EvseId, EvseIdFound, EvseIdPlace, EvseIdUse, compact},
    location::LocationId,
    station::StationId,
};
use stromtor_schema::schema::{charge_point, evse_id_history, location, station};
use uuid::Uuid;

use crate::{
    network::{charge_point as points, station as stations},
    resource::prelude::*,
};

/// History that is shown with what is found.
const SHOWN: i64 = 50;

/// What a list of EVSE-IDs may be narrowed by.
#[derive(Debug, Clone, Default)]
pub struct EvseIdFilter {
    /// Of this partner's charge points.
    pub partner_id: Option<PartnerId>,
    /// At this location.
    pub location_id: Option<LocationId>,
    /// Of this station.
    pub station_id: Option<StationId>,
    /// That contain this, whatever case and separators.
    pub search: Option<String>,
}

listing!(EvseIdFilter => EvseIdPlace);

/// One page, by EVSE-ID.
pub async fn list(tx: &mut Tx, filter: &EvseIdFilter, page: &PageRequest) -> Result<Page<EvseIdPlace>> {
    let limit = page.limit()?;
    let mut query = charge_point::table
        .inner_join(station::table.on(station::id.eq(charge_point::station_id)))
        .inner_join(location::table.on(location::id.eq(charge_point::location_id)))
        .filter(charge_point::evse_id.is_not_null())
        .select(EvseIdPlace::as_select())
        .order(charge_point::evse_id)
        .into_boxed();
    if let Some(after) = page.after::<String>()? {
        query = query.filter(charge_point::evse_id.assume_not_null().gt(after));
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
    if let Some(search) = &filter.search {
        // Letters and digits alone are left, so that nothing in it is a pattern's own.
        query = query.filter(charge_point::evse_id_compact.assume_not_null().like(format!("%{}%", compact(search))));
    }
    let rows = query.limit(limit as i64 + 1).load(&mut **tx).await.map_err(from_diesel)?;
    Ok(Page::cut(rows, limit, |row: &EvseIdPlace| row.evse_id.as_str().to_owned()))
}

/// Who had an EVSE-ID.
#[derive(Debug, Clone)]
pub struct EvseIdUseFilter {
    /// The EVSE-ID in any spelling.
    pub evse_id: String,
}

listing!(EvseIdUseFilter => EvseIdUse, history);

/// One page of who had it, newest first.
pub async fn history(tx: &mut Tx, filter: &EvseIdUseFilter, page: &PageRequest) -> Result<Page<EvseIdUse>> {
    let limit = page.limit()?;
    let evse_id = resolve(tx, &filter.evse_id).await?;
    let rows = uses(tx, &evse_id, page.after::<i64>()?, limit as i64 + 1).await?;
    Ok(Page::cut(rows, limit, |row: &EvseIdUse| row.id))
}

async fn uses(tx: &mut Tx, evse_id: &EvseId, after: Option<i64>, limit: i64) -> Result<Vec<EvseIdUse>> {
    evse_id_history::table
        .filter(evse_id_history::evse_id_compact.eq(compact(evse_id.as_str())))
        .filter(evse_id_history::evse_id.eq(evse_id))
        .filter(evse_id_history::id.lt(after.unwrap_or(i64::MAX)))
        .select(EvseIdUse::as_select())
        .order(evse_id_history::id.desc())
        .limit(limit)
        .load(&mut **tx)
        .await
        .map_err(from_diesel)
}

/// The EVSE-ID that a spelling stands for, if a charge point in scope has or had it. `E1*23` and `E12*3` are written alike
/// without separators: then the one that is spelled out is meant.
async fn resolve(tx: &mut Tx, text: &str) -> Result<EvseId> {
    let spelled = EvseId::parse(text).map_err(|message| Error::invalid("evse_id", message))?;
    let compact = compact(spelled.as_str());
    let now = charge_point::table
        .filter(charge_point::evse_id_compact.assume_not_null().eq(&compact))
        .select(charge_point::evse_id.assume_not_null());
    let mut known: BTreeSet<EvseId> = now.load::<EvseId>(&mut **tx).await.map_err(from_diesel)?.into_iter().collect();
    let before = evse_id_history::table
        .filter(evse_id_history::evse_id_compact.eq(&compact))
        .select(evse_id_history::evse_id)
        .distinct()
        .limit(10);
    known.extend(before.load::<EvseId>(&mut **tx).await.map_err(from_diesel)?);
    if known.contains(&spelled) {
        return Ok(spelled);
    }
    let first = known.pop_first().ok_or(Error::NotFound("EVSE-ID"))?;
    match known.pop_first() {
        None => Ok(first),
        Some(second) => {
            let message = format!("without separators this is {first} as well as {second}; say which");
            Err(Error::conflict("evse_id_ambiguous", message))
        }
    }
}

/// What an EVSE-ID names, and what it named.
pub async fn find(tx: &mut Tx, text: &str) -> Result<EvseIdFound> {
    let evse_id = resolve(tx, text).await?;
    let place = charge_point::table
        .inner_join(station::table.on(station::id.eq(charge_point::station_id)))
        .inner_join(location::table.on(location::id.eq(charge_point::location_id)))
        .filter(charge_point::evse_id.assume_not_null().eq(&evse_id))
        .select(EvseIdPlace::as_select())
        .first(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)?;
    let history = uses(tx, &evse_id, None, SHOWN).await?;
    Ok(EvseIdFound { evse_id, place, history })
}

/// Another charge point of the operator's takes an EVSE-ID over from one whose station is dismantled, or that is gone.
pub async fn relocate(tx: &mut Tx, text: &str, target: ChargePointId) -> Result<ChargePoint> {
    let evse_id = resolve(tx, text).await?;
    let has = charge_point::evse_id.assume_not_null().eq(&evse_id);
    let holder: Option<ChargePointId> = charge_point::table
        .filter(has)
        .select(charge_point::id)
        .first(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)?;
    let mut ids: Vec<ChargePointId> = holder.into_iter().chain([target]).collect();
    ids.sort();
    let mut locked: HashMap<Uuid, ChargePoint> = charge_point::table
        .filter(charge_point::id.eq_any(ids))
        .select(ChargePoint::as_select())
        .order(charge_point::id)
        .for_update()
        .load::<ChargePoint>(&mut **tx)
        .await
        .map_err(from_diesel)?
        .into_iter()
        .map(|point| (point.id.0, point))
        .collect();
    let to = locked
        .get(&target.0)
        .cloned()
        .ok_or_else(|| Error::invalid("/charge_point_id", "names nothing that you may refer to"))?;
    if to.input.evse_id.is_some() {
        return Err(Error::conflict("evse_id_present", "the charge point has an EVSE-ID already"));
    }
    if stations::get(tx, to.station_id).await?.dismantled_at.is_some() {
        return Err(Error::conflict("station_dismantled", "a dismantled station's charge points get no EVSE-ID"));
    }
    // Since it was found it may have gone.
    let from =
        holder.and_then(|id| locked.remove(&id.0)).filter(|point| point.input.evse_id.as_ref() == Some(&evse_id));
    let before = match &from {
        Some(from) => from.partner_id,
        None => {
            let last = uses(tx, &evse_id, None, 1).await?;
            last.as_slice().first().ok_or(Error::NotFound("EVSE-ID"))?.partner_id
        }
    };
    if before != to.partner_id {
        return Err(Error::invalid("/charge_point_id", "belongs to another operator"));
    }
    if let Some(from) = from {
        if stations::get(tx, from.station_id).await?.dismantled_at.is_none() {
            let message = "the charge point that has it is in service; dismantle its station first";
            return Err(Error::conflict("station_not_dismantled", message));
        }
        points::set_evse_id(tx, &from, None, "move_evse_id").await?;
    }
    points::set_evse_id(tx, &to, Some(&evse_id), "move_evse_id").await
}
