//! Live connections of stations, whichever process holds them.

use diesel::sql_types::{Array, BigInt, Text, Uuid as SqlUuid};
use stromtor_domain::network::station::StationId;
use stromtor_schema::schema::station_live;

use crate::resource::prelude::*;

/// The name processes are told by to look at their connections.
pub const CONNECTION_CHANNEL: &str = "stromtor_connection";

/// A connection that a process holds.
#[derive(Debug, Clone, Copy)]
pub struct Held {
    /// The station.
    pub station_id: StationId,
    /// Counts its connections.
    pub epoch: i64,
    /// What the station was let in as.
    pub door_revision: i64,
}

/// What the station is let in as has changed: its connection ends, and one that is being let in at the same time does not
/// come to be.
pub async fn end(tx: &mut Tx, id: StationId) -> Result<()> {
    diesel::update(station_live::table.filter(station_live::station_id.eq(id)))
        .set(station_live::door_revision.eq(station_live::door_revision + 1))
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    sql("select pg_notify($1, '')")
        .bind::<Text, _>(CONNECTION_CHANNEL)
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    Ok(())
}

#[derive(diesel::QueryableByName)]
struct Stale {
    #[diesel(sql_type = SqlUuid)]
    station_id: StationId,
    #[diesel(sql_type = BigInt)]
    epoch: i64,
    #[diesel(sql_type = Text)]
    reason: String,
}

/// Those of a process's connections that are to end, and why: `replaced` by a newer one, station `changed`, or
/// `given_up` by the others while this process was not heard.
pub async fn stale(tx: &mut Tx, held: &[Held]) -> Result<Vec<(StationId, i64, &'static str)>> {
    let rows: Vec<Stale> = sql("select i.station_id, i.epoch, case when l.epoch > i.epoch then 'replaced' \
           when l.door_revision = i.door_revision then 'given_up' else 'changed' end as reason \
         from unnest($1::uuid[], $2::bigint[], $3::bigint[]) i(station_id, epoch, door_revision) \
         left join station_live l on l.station_id = i.station_id \
         where (l.connected and l.epoch = i.epoch and l.door_revision = i.door_revision) is not true")
    .bind::<Array<SqlUuid>, _>(held.iter().map(|held| held.station_id).collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(held.iter().map(|held| held.epoch).collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(held.iter().map(|held| held.door_revision).collect::<Vec<_>>())
    .load(&mut **tx)
    .await
    .map_err(from_diesel)?;
    let known = ["replaced", "changed", "given_up"];
    let reason = |row: &Stale| known.into_iter().find(|known| *known == row.reason).unwrap_or("given_up");
    Ok(rows.iter().map(|row| (row.station_id, row.epoch, reason(row))).collect())
}
