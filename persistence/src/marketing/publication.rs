//! What roaming platforms are to see, kept in step with the stations' data: looked at for many stations at once, when
//! something is switched and when something that matters has changed (`publication_due`, filled by triggers).

use std::collections::HashMap;

use diesel::sql_types::{Array, BigInt, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use stromtor_domain::{
    event::Event,
    marketing::{
        access_information::RoamingPlatform,
        publication::{Items, Publication, PublicationState, Wanted, WithdrawalReason, wanted},
    },
    network::{location::LocationId, station::StationId},
};
use stromtor_schema::schema::roaming_publication;

use super::facts;
use crate::{network::station, resource::prelude::*};

/// What a list of publications may be narrowed by.
#[derive(Debug, Clone, Default)]
pub struct PublicationFilter {
    /// Of this partner alone.
    pub partner_id: Option<PartnerId>,
    /// At this location.
    pub location_id: Option<LocationId>,
    /// Of this station.
    pub station_id: Option<StationId>,
    /// On this platform.
    pub platform: Option<RoamingPlatform>,
    /// Published or withdrawn.
    pub state: Option<PublicationState>,
    /// Withdrawn for this reason.
    pub reason: Option<WithdrawalReason>,
}

listing!(PublicationFilter => Publication);

/// One page, by station.
pub async fn list(tx: &mut Tx, filter: &PublicationFilter, page: &PageRequest) -> Result<Page<Publication>> {
    use roaming_publication as p;
    let limit = page.limit()?;
    let mut query = p::table.select(Publication::as_select()).order((p::station_id, p::platform)).into_boxed();
    if let Some((station_id, platform)) = page.after::<(StationId, RoamingPlatform)>()? {
        let later = p::station_id.eq(station_id).and(p::platform.gt(platform));
        query = query.filter(p::station_id.gt(station_id).or(later));
    }
    if let Some(partner_id) = filter.partner_id {
        query = query.filter(p::partner_id.eq(partner_id));
    }
    if let Some(location_id) = filter.location_id {
        query = query.filter(p::location_id.eq(location_id));
    }
    if let Some(station_id) = filter.station_id {
        query = query.filter(p::station_id.eq(station_id));
    }
    if let Some(platform) = filter.platform {
        query = query.filter(p::platform.eq(platform));
    }
    if let Some(state) = filter.state {
        query = query.filter(p::state.eq(state));
    }
    if let Some(reason) = filter.reason {
        query = query.filter(p::reason.eq(reason));
    }
    let rows = query.limit(limit as i64 + 1).load(&mut **tx).await.map_err(from_diesel)?;
    Ok(Page::cut(rows, limit, |row: &Publication| (row.station_id, row.platform)))
}

#[derive(diesel::QueryableByName)]
struct Told {
    #[diesel(sql_type = SqlUuid)]
    station_id: StationId,
    #[diesel(sql_type = SqlUuid)]
    partner_id: PartnerId,
    #[diesel(sql_type = SqlUuid)]
    location_id: LocationId,
    #[diesel(sql_type = Array<Text>)]
    roaming_plus: Vec<RoamingPlatform>,
}

/// What is to be kept of one publication.
struct Kept {
    station: usize,
    platform: RoamingPlatform,
    wanted: Wanted,
    since: Timestamp,
}

/// Publishes and withdraws so that platforms see what they should of these stations, with an event for each that comes or
/// goes. The stations' access information is locked first, so that the facts are not older than what another has kept; before
/// it the stations, as everybody does who changes both.
pub async fn keep(tx: &mut Tx, ids: &[StationId]) -> Result<()> {
    let now = tx.now();
    sql("select from station where id = any($1) order by id for key share")
        .bind::<Array<SqlUuid>, _>(ids)
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    let told: Vec<Told> = sql("select station_id, partner_id, location_id, roaming_plus from access_information \
         where station_id = any($1) order by station_id for update")
    .bind::<Array<SqlUuid>, _>(ids)
    .load(&mut **tx)
    .await
    .map_err(from_diesel)?;
    let ids: Vec<StationId> = told.iter().map(|row| row.station_id).collect();
    let rows: Vec<Publication> = roaming_publication::table
        .filter(roaming_publication::station_id.eq_any(&ids))
        .select(Publication::as_select())
        .load(&mut **tx)
        .await
        .map_err(from_diesel)?;
    let was: HashMap<(StationId, RoamingPlatform), Publication> =
        rows.into_iter().map(|row| ((row.station_id, row.platform), row)).collect();
    let facts = facts::of(tx, &ids).await?;
    let mut kept = Vec::new();
    for (station, row) in told.iter().enumerate() {
        let Some(facts) = facts.get(&row.station_id) else { continue };
        for platform in RoamingPlatform::ALL {
            let (on, before) = (row.roaming_plus.contains(platform), was.get(&(row.station_id, *platform)));
            if !on && before.is_none() {
                continue;
            }
            let wanted = wanted(on, *platform, facts);
            let stays = before.filter(|before| before.state == wanted.state());
            let same = |before: &&Publication| {
                before.reason == wanted.reason && before.items == wanted.items && before.location_id == row.location_id
            };
            if stays.filter(same).is_some() {
                continue;
            }
            if stays.is_none() {
                tx.emit(event(row, *platform, &wanted));
            }
            kept.push(Kept { station, platform: *platform, since: stays.map_or(now, |before| before.since), wanted });
        }
    }
    write(tx, &told, kept).await
}

fn event(row: &Told, platform: RoamingPlatform, wanted: &Wanted) -> Event {
    let kind = match wanted.state() {
        PublicationState::Published => EventType::PublicationPublished,
        PublicationState::Withdrawn => EventType::PublicationWithdrawn,
    };
    let mut data = serde_json::json!({ "platform": platform });
    if let Some(reason) = wanted.reason {
        data["reason"] = serde_json::json!(reason);
    }
    if !wanted.items.is_empty() {
        data["items"] = serde_json::json!(wanted.items);
    }
    Event {
        kind,
        partner_id: row.partner_id.0,
        station_id: Some(row.station_id.0),
        location_id: Some(row.location_id.0),
        resource_id: row.station_id.0,
        data,
    }
}

async fn write(tx: &mut Tx, told: &[Told], kept: Vec<Kept>) -> Result<()> {
    if kept.is_empty() {
        return Ok(());
    }
    let now = tx.now();
    let of = |pick: fn(&Told) -> uuid::Uuid| kept.iter().map(|row| pick(&told[row.station])).collect::<Vec<_>>();
    let (stations, partners, locations) =
        (of(|row| row.station_id.0), of(|row| row.partner_id.0), of(|row| row.location_id.0));
    let platforms: Vec<RoamingPlatform> = kept.iter().map(|row| row.platform).collect();
    let states: Vec<PublicationState> = kept.iter().map(|row| row.wanted.state()).collect();
    let reasons: Vec<Option<WithdrawalReason>> = kept.iter().map(|row| row.wanted.reason).collect();
    let since: Vec<Timestamp> = kept.iter().map(|row| row.since).collect();
    let items: Vec<Items> = kept.into_iter().map(|row| Items(row.wanted.items)).collect();
    sql("insert into roaming_publication (station_id, platform, partner_id, location_id, state, reason, items, since, updated_at) \
         select i.station_id, i.platform, i.partner_id, i.location_id, i.state, i.reason, i.items, i.since, $9 \
         from unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::jsonb[], $8::timestamptz[]) \
           i(station_id, platform, partner_id, location_id, state, reason, items, since) \
         on conflict (station_id, platform) do update set partner_id = excluded.partner_id, \
           location_id = excluded.location_id, state = excluded.state, reason = excluded.reason, items = excluded.items, \
           since = excluded.since, updated_at = excluded.updated_at")
    .bind::<Array<SqlUuid>, _>(stations)
    .bind::<Array<Text>, _>(platforms)
    .bind::<Array<SqlUuid>, _>(partners)
    .bind::<Array<SqlUuid>, _>(locations)
    .bind::<Array<Text>, _>(states)
    .bind::<Array<Nullable<Text>>, _>(reasons)
    .bind::<Array<Jsonb>, _>(items)
    .bind::<Array<Timestamptz>, _>(since)
    .bind::<Timestamptz, _>(now)
    .execute(&mut **tx)
    .await
    .map_err(from_diesel)?;
    Ok(())
}

/// The station leaves its operator or the platform: what is published of it is withdrawn, and nothing is kept.
pub async fn end(tx: &mut Tx, id: StationId) -> Result<()> {
    // Whoever may not see the station withdraws nothing.
    station::get(tx, id).await?;
    let gone: Vec<Publication> =
        diesel::delete(roaming_publication::table.filter(roaming_publication::station_id.eq(id)))
            .returning(Publication::as_returning())
            .get_results(&mut **tx)
            .await
            .map_err(from_diesel)?;
    for row in gone.into_iter().filter(|row| row.state == PublicationState::Published) {
        let Publication { station_id, partner_id, location_id, platform, .. } = row;
        let told = Told { station_id, partner_id, location_id, roaming_plus: Vec::new() };
        let switched_off = Wanted { reason: Some(WithdrawalReason::SwitchedOff), items: Vec::new() };
        tx.emit(event(&told, platform, &switched_off));
    }
    Ok(())
}

#[derive(diesel::QueryableByName)]
struct Due {
    #[diesel(sql_type = SqlUuid)]
    station_id: StationId,
}

/// Looks at stations of which something has changed, at most `most` of the changes; whether there may be more.
pub async fn round(tx: &mut Tx, most: i64) -> Result<bool> {
    // Changes of locations and partners become changes of those of their stations that are published at all.
    let now = tx.now();
    sql("with taken as (delete from publication_due where id in (select id from publication_due where station_id is null \
           and (due_at is null or due_at <= $2) order by id limit $1 for update skip locked) returning location_id, partner_id) \
         insert into publication_due (station_id) select a.station_id from access_information a \
           where a.roaming_plus <> '{}' and (a.location_id in (select location_id from taken) \
             or a.partner_id in (select partner_id from taken))")
    .bind::<BigInt, _>(most)
    .bind::<Timestamptz, _>(now)
    .execute(&mut **tx)
    .await
    .map_err(from_diesel)?;
    let due: Vec<Due> = sql("delete from publication_due where id in (select id from publication_due \
           where station_id is not null order by id limit $1 for update skip locked) returning station_id")
    .bind::<BigInt, _>(most)
    .load(&mut **tx)
    .await
    .map_err(from_diesel)?;
    let more = due.len() as i64 == most;
    let mut ids: Vec<StationId> = due.into_iter().map(|row| row.station_id).collect();
    ids.sort_unstable();
    ids.dedup();
    if !ids.is_empty() {
        keep(tx, &ids).await?;
    }
    Ok(more)
}
