//! How stations are offered.

use std::collections::HashMap;

use diesel::{
    sql_types::{Array, BigInt, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid},
    upsert::excluded,
};
use stromtor_domain::{
    marketing::{
        access_information::{AccessInformation, AccessInformationInput},
        bulk::{
            AccessInformationBulk, AccessInformationBulkResult, MOST_PROBLEMS, MOST_STATIONS, RefusedStation,
            StationChoice,
        },
        switch::refused,
    },
    network::{location::LocationId, station::StationId},
};
use stromtor_schema::schema::access_information;

use super::{
    publication,
    switch::{Switching, judge},
};
use crate::{access::local_list, resource::prelude::*};

#[derive(diesel::QueryableByName)]
struct Holder {
    #[diesel(sql_type = SqlUuid)]
    id: StationId,
    #[diesel(sql_type = SqlUuid)]
    partner_id: PartnerId,
    #[diesel(sql_type = SqlUuid)]
    location_id: LocationId,
    #[diesel(sql_type = Timestamptz)]
    updated_at: Timestamp,
}

/// The access information of each station in scope, by the stations' ids. With `lock` the stations are locked for a change of
/// it until the transaction ends: a station that was never told has no row of its own to be locked.
async fn load(tx: &mut Tx, ids: &[StationId], lock: bool) -> Result<Vec<AccessInformation>> {
    let lock = if lock { "for no key update" } else { "" };
    let query =
        format!("select id, partner_id, location_id, updated_at from station where id = any($1) order by id {lock}");
    let holders: Vec<Holder> = sql(query).bind::<Array<SqlUuid>, _>(ids).load(&mut **tx).await.map_err(from_diesel)?;
    let rows: Vec<AccessInformation> = access_information::table
        .filter(access_information::station_id.eq_any(ids))
        .select(AccessInformation::as_select())
        .load(&mut **tx)
        .await
        .map_err(from_diesel)?;
    let mut told: HashMap<StationId, AccessInformation> = rows.into_iter().map(|row| (row.station_id, row)).collect();
    let found = holders.into_iter().map(|holder| {
        told.remove(&holder.id).unwrap_or_else(|| AccessInformation {
            station_id: holder.id,
            partner_id: holder.partner_id,
            location_id: holder.location_id,
            input: AccessInformationInput::default(),
            revision: 0,
            updated_at: holder.updated_at,
        })
    });
    Ok(found.collect())
}

/// A station's access information; one that was never told has the defaults.
pub async fn get(tx: &mut Tx, id: StationId) -> Result<AccessInformation> {
    load(tx, &[id], false).await?.pop().ok_or(Error::NotFound("station"))
}

/// Replaces what a caller may set of one station: `change` receives what holds and returns what is to hold. Refused when
/// something cannot be on there.
pub async fn change(
    tx: &mut Tx,
    id: StationId,
    revision: Option<i64>,
    change: impl FnOnce(&AccessInformationInput) -> Result<AccessInformationInput> + Send,
) -> Result<AccessInformation> {
    let before = load(tx, &[id], true).await?.pop().ok_or(Error::NotFound("station"))?;
    if revision.is_some_and(|revision| revision != before.revision) {
        return Err(Error::PreconditionFailed);
    }
    let after = change(&before.input)?;
    after.check()?;
    let switching = Switching { station_id: id, before: before.input.clone(), after: after.clone() };
    if let Some(error) = refused(&judge(tx, &[switching]).await?.concat()) {
        return Err(error);
    }
    let after = write(tx, &[(&before, after)]).await?.pop().ok_or(Error::NotFound("station"))?;
    tx.audit("update", "access_information", after.partner_id, id, Some(&before), Some(&after));
    changed(tx, &after);
    publication::keep(tx, &[id]).await?;
    local_list::access_changed(tx, &[id]).await?;
    Ok(after)
}

fn changed(tx: &mut Tx, row: &AccessInformation) {
    let data = serde_json::json!({ "change": "access_information" });
    tx.changed(EventType::StationChanged, row.partner_id, row.station_id, data);
}

/// Keeps what is to hold, a thousand stations a statement.
async fn write(tx: &mut Tx, rows: &[(&AccessInformation, AccessInformationInput)]) -> Result<Vec<AccessInformation>> {
    use access_information as a;
    let now = tx.now();
    let mut written = Vec::with_capacity(rows.len());
    for some in rows.chunks(1000) {
        let values: Vec<_> = some
            .iter()
            .map(|(before, input)| {
                (
                    a::station_id.eq(before.station_id),
                    a::partner_id.eq(before.partner_id),
                    a::location_id.eq(before.location_id),
                    input.clone(),
                    a::revision.eq(before.revision + 1),
                    a::updated_at.eq(now),
                )
            })
            .collect();
        let some: Vec<AccessInformation> = diesel::insert_into(a::table)
            .values(values)
            .on_conflict(a::station_id)
            .do_update()
            .set((
                a::accessibility.eq(excluded(a::accessibility)),
                a::show_as_poi.eq(excluded(a::show_as_poi)),
                a::marketing.eq(excluded(a::marketing)),
                a::roaming.eq(excluded(a::roaming)),
                a::direct_payment.eq(excluded(a::direct_payment)),
                a::roaming_plus.eq(excluded(a::roaming_plus)),
                a::platform_name.eq(excluded(a::platform_name)),
                a::revision.eq(excluded(a::revision)),
                a::updated_at.eq(excluded(a::updated_at)),
            ))
            .returning(AccessInformation::as_returning())
            .get_results(&mut **tx)
            .await
            .map_err(from_diesel)?;
        written.extend(some);
    }
    Ok(written)
}

/// One change for many stations: made at all of them, or at none and told why. One audit entry a partner names them all.
pub async fn bulk(tx: &mut Tx, bulk: &AccessInformationBulk) -> Result<AccessInformationBulkResult> {
    bulk.check()?;
    let before = match &bulk.filter {
        Some(filter) => {
            let ids = chosen(tx, filter).await?;
            load(tx, &ids, !bulk.dry_run).await?
        }
        None => {
            let found = load(tx, &bulk.station_ids, !bulk.dry_run).await?;
            let known: std::collections::HashSet<StationId> = found.iter().map(|row| row.station_id).collect();
            if let Some(at) = bulk.station_ids.iter().position(|id| !known.contains(id)) {
                let pointer = format!("/station_ids/{at}");
                return Err(Error::invalid(pointer, "names nothing that you may refer to"));
            }
            found
        }
    };
    let mut changes = Vec::new();
    for row in &before {
        let after = bulk.apply(&row.input)?;
        if after != row.input {
            changes.push((row, after));
        }
    }
    let switching: Vec<Switching> = changes
        .iter()
        .map(|(row, after)| Switching { station_id: row.station_id, before: row.input.clone(), after: after.clone() })
        .collect();
    let judged = judge(tx, &switching).await?;
    let refused: Vec<RefusedStation> = switching
        .iter()
        .zip(judged)
        .filter(|(_, refusals)| !refusals.is_empty())
        .map(|(station, mut refusals)| {
            for refusal in &mut refusals {
                refusal.pointer = format!("/changes{}", refusal.pointer);
                refusal.problems.truncate(MOST_PROBLEMS);
            }
            RefusedStation { station_id: station.station_id, refusals }
        })
        .collect();
    let result = AccessInformationBulkResult {
        applied: !bulk.dry_run && refused.is_empty(),
        stations: before.len() as i64,
        changed: changes.len() as i64,
        refused,
    };
    if result.applied && !changes.is_empty() {
        let after = write(tx, &changes).await?;
        note(tx, &changes, &after);
        let ids: Vec<StationId> = after.iter().map(|row| row.station_id).collect();
        publication::keep(tx, &ids).await?;
        local_list::access_changed(tx, &ids).await?;
    }
    Ok(result)
}

/// Audit entries and events of a change of many.
fn note(tx: &mut Tx, changes: &[(&AccessInformation, AccessInformationInput)], after: &[AccessInformation]) {
    let mut partners: Vec<PartnerId> = after.iter().map(|row| row.partner_id).collect();
    partners.sort_unstable();
    partners.dedup();
    for partner_id in partners {
        let was: Vec<&AccessInformation> =
            changes.iter().map(|(row, _)| *row).filter(|row| row.partner_id == partner_id).collect();
        let is: Vec<&AccessInformation> = after.iter().filter(|row| row.partner_id == partner_id).collect();
        tx.audit("update_many", "access_information", partner_id, partner_id, Some(&was), Some(&is));
    }
    for row in after {
        changed(tx, row);
    }
}

#[derive(diesel::QueryableByName)]
struct Chosen {
    #[diesel(sql_type = SqlUuid)]
    id: StationId,
}

/// The stations in scope that meet a filter.
async fn chosen(tx: &mut Tx, filter: &StationChoice) -> Result<Vec<StationId>> {
    let rows: Vec<Chosen> = sql("select s.id from station s join location l on l.id = s.location_id \
         left join access_information a on a.station_id = s.id \
         where s.installation_status <> 'dismantled' and ($1 is null or s.partner_id = $1) \
           and ($2 is null or s.location_id = $2) and ($3 is null or l.address->>'country' = $3) \
           and ($4 is null or lower(l.address->>'city') = lower($4)) \
           and ($5 is null or starts_with(l.address->>'postal_code', $5)) \
           and ($6 is null or coalesce(a.accessibility, 'paying_publicly_accessible') = $6) \
           and ($7 is null or coalesce(a.marketing, false) = $7) and ($8 is null or coalesce(a.roaming, false) = $8) \
           and ($9 is null or coalesce(a.direct_payment, false) = $9) \
           and ($10 is null or $10 = any(coalesce(a.roaming_plus, '{}'))) \
         order by s.id limit $11")
    .bind::<Nullable<SqlUuid>, _>(filter.partner_id)
    .bind::<Nullable<SqlUuid>, _>(filter.location_id)
    .bind::<Nullable<Text>, _>(filter.country.as_ref().map(|country| country.as_str().to_owned()))
    .bind::<Nullable<Text>, _>(filter.city.as_ref().map(|city| city.as_str().to_owned()))
    .bind::<Nullable<Text>, _>(filter.postal_code.as_ref().map(|code| code.as_str().to_owned()))
    .bind::<Nullable<Text>, _>(filter.accessibility)
    .bind::<Nullable<Bool>, _>(filter.marketing)
    .bind::<Nullable<Bool>, _>(filter.roaming)
    .bind::<Nullable<Bool>, _>(filter.direct_payment)
    .bind::<Nullable<Text>, _>(filter.roaming_plus)
    .bind::<BigInt, _>(MOST_STATIONS as i64 + 1)
    .load(&mut **tx)
    .await
    .map_err(from_diesel)?;
    match rows.len() {
        0 => Err(Error::invalid("/filter", "matches no station")),
        1..=MOST_STATIONS => Ok(rows.into_iter().map(|row| row.id).collect()),
        _ => Err(Error::invalid("/filter", "matches more than 5000 stations; narrow it")),
    }
}

/// A station goes to another operator, who has never offered it: what it was published as ends with the old one.
pub(crate) async fn forget(tx: &mut Tx, id: StationId) -> Result<()> {
    publication::end(tx, id).await?;
    diesel::delete(access_information::table.filter(access_information::station_id.eq(id)))
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    Ok(())
}
