//! Stations coming and going.

use std::collections::HashMap;

use diesel::{
    QueryableByName,
    sql_types::{Array, BigInt, Bool, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid},
};
use stromtor_domain::{
    event::Event,
    network::{
        charge_point::{ChargePointId, ChargePointStatus},
        location::LocationId,
        station::{OcppSettings, StationId},
        tolerance::Tolerances,
    },
};
use stromtor_schema::schema::{manufacturer, node, station, station_live, station_model, unknown_station};
use uuid::Uuid;

use super::From;
use crate::{network::connection::CONNECTION_CHANNEL, resource::prelude::*};

/// A station as the door needs to know it.
#[derive(Debug, Clone, diesel::Queryable)]
pub struct Known {
    /// The station.
    pub id: StationId,
    /// Its operator.
    pub partner_id: PartnerId,
    /// Its location.
    pub location_id: LocationId,
    /// Its own identity; it may have come under another spelling.
    pub identity: String,
    /// How its connection is treated.
    pub settings: OcppSettings,
    /// Fingerprint of its password.
    pub password_hmac: Option<Vec<u8>>,
    /// Fingerprint of the password that is on its way to it.
    pub next_password_hmac: Option<Vec<u8>>,
    /// The least security profile it must come with.
    pub security_profile: i16,
    /// Rises whenever any of this changes.
    pub door_revision: i64,
    /// How it is treated where it departs from the specification.
    pub tolerances: Tolerances,
    /// The same of its model.
    pub of_model: Option<Tolerances>,
    /// The same of its manufacturer.
    pub of_manufacturer: Option<Tolerances>,
    /// Seconds between its heartbeats, as it last reported them.
    pub heartbeat: Option<String>,
}

impl Known {
    /// How it is treated where it departs from the specification: its own word, its model's, its manufacturer's.
    #[must_use]
    pub fn all_tolerances(&self) -> Tolerances {
        let of = |tolerances: &Option<Tolerances>| tolerances.clone().unwrap_or_default();
        self.tolerances.clone().or(of(&self.of_model)).or(of(&self.of_manufacturer))
    }
}

#[derive(QueryableByName)]
struct Meant {
    #[diesel(sql_type = Text)]
    alias: String,
    #[diesel(sql_type = Text)]
    own: String,
}

/// The stations with these identities, or those that they are other spellings of, unless dismantled.
pub async fn find(tx: &mut Tx, identities: &[String]) -> Result<Vec<Option<Known>>> {
    let mut found = known(tx, identities).await?;
    let missing: Vec<&String> = identities.iter().filter(|identity| !found.contains_key(*identity)).collect();
    if !missing.is_empty() {
        let meant: Vec<Meant> = sql(
            "select a.ocpp_identity as alias, s.ocpp_identity as own from station_alias a join station s on s.id = a.station_id \
             where a.ocpp_identity = any($1::text[])",
        )
        .bind::<Array<Text>, _>(missing)
        .load(&mut **tx)
        .await
        .map_err(from_diesel)?;
        if !meant.is_empty() {
            let own: Vec<String> = meant.iter().map(|one| one.own.clone()).collect();
            let own = known(tx, &own).await?;
            found.extend(meant.into_iter().filter_map(|one| Some((one.alias, own.get(&one.own)?.clone()))));
        }
    }
    Ok(identities.iter().map(|identity| found.get(identity).cloned()).collect())
}

/// By their own identities.
async fn known(tx: &mut Tx, identities: &[String]) -> Result<HashMap<String, Known>> {
    // What the station last said of its heartbeats, if it ever did.
    let heartbeat = diesel::dsl::sql::<Nullable<Text>>(
        "(select p.value from station_parameter p where p.station_id = station.id and p.attribute = 'Actual' \
           and p.name in ('HeartbeatInterval', 'OCPPCommCtrlr/HeartbeatInterval') order by p.reported_at desc limit 1)",
    );
    let found: Vec<(String, Known)> = station::table
        .inner_join(station_live::table)
        .left_join(station_model::table.left_join(manufacturer::table))
        .filter(station::ocpp_identity.eq_any(identities).and(station::dismantled_at.is_null()))
        .select((
            station::ocpp_identity,
            (
                station::id,
                station::partner_id,
                station::location_id,
                station::ocpp_identity,
                station::ocpp_settings,
                station::password_hmac,
                station::next_password_hmac,
                station::security_profile,
                station_live::door_revision,
                station::tolerances,
                station_model::tolerances.nullable(),
                manufacturer::tolerances.nullable(),
                heartbeat,
            ),
        ))
        .load(&mut **tx)
        .await
        .map_err(from_diesel)?;
    Ok(found.into_iter().collect())
}

/// Remembers a station that is not known.
pub async fn remember_unknown(tx: &mut Tx, identity: &str, address: &str, protocols: &str) -> Result<()> {
    let now = tx.now();
    diesel::insert_into(unknown_station::table)
        .values((
            unknown_station::ocpp_identity.eq(identity),
            unknown_station::attempts.eq(1_i64),
            unknown_station::first_seen_at.eq(now),
            unknown_station::last_seen_at.eq(now),
            unknown_station::remote_address.eq(address),
            unknown_station::protocols.eq(protocols),
        ))
        .on_conflict(unknown_station::ocpp_identity)
        .do_update()
        .set((
            unknown_station::attempts.eq(unknown_station::attempts + 1),
            unknown_station::last_seen_at.eq(now),
            unknown_station::remote_address.eq(address),
            unknown_station::protocols.eq(protocols),
        ))
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    Ok(())
}

/// A connection that begins.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// Whose.
    pub from: From,
    /// What the station was let in as.
    pub door_revision: i64,
    /// The process that holds it.
    pub node: Uuid,
    /// The OCPP version spoken.
    pub version: &'static str,
    /// Where the station comes from.
    pub address: String,
    /// The security profile it came with.
    pub security_profile: i16,
    /// Whether that is higher than it had to be so far.
    pub raises_profile: bool,
}

/// A connection that ended.
#[derive(Debug, Clone)]
pub struct Departure {
    /// Whose.
    pub from: From,
    /// Which of the station's connections.
    pub epoch: i64,
    /// Why, as this side saw it.
    pub reason: &'static str,
}

#[derive(QueryableByName)]
struct Epoch {
    #[diesel(sql_type = SqlUuid)]
    station_id: StationId,
    #[diesel(sql_type = BigInt)]
    epoch: i64,
}

#[derive(QueryableByName)]
struct Word {
    #[diesel(sql_type = SqlUuid)]
    charge_point_id: ChargePointId,
    #[diesel(sql_type = SqlUuid)]
    station_id: StationId,
    #[diesel(sql_type = Nullable<Text>)]
    status: Option<String>,
}

/// Connections began, of different stations: their epochs, each one more than the station's last. Charge points are again what
/// they last said. None for a station that has changed since it was let in as its `door_revision`: it must knock again.
pub async fn connected(tx: &mut Tx, arrivals: &[Arrival]) -> Result<Vec<Option<i64>>> {
    let now = tx.now();
    let column = |pick: fn(&Arrival) -> Uuid| arrivals.iter().map(pick).collect::<Vec<_>>();
    let epochs: Vec<Epoch> = sql(
        "update station_live l set connected = true, node = i.node, epoch = l.epoch + 1, ocpp_version = i.version, \
           remote_address = i.address, security_profile = i.profile, connected_at = $7, last_seen_at = $7 \
         from unnest($1::uuid[], $2::int8[], $3::uuid[], $4::text[], $5::text[], $6::int2[]) \
           i(station_id, door_revision, node, version, address, profile) \
         where l.station_id = i.station_id and l.door_revision = i.door_revision returning l.station_id, l.epoch",
    )
    .bind::<Array<SqlUuid>, _>(column(|one| one.from.station_id.0))
    .bind::<Array<BigInt>, _>(arrivals.iter().map(|one| one.door_revision).collect::<Vec<_>>())
    .bind::<Array<SqlUuid>, _>(column(|one| one.node))
    .bind::<Array<Text>, _>(arrivals.iter().map(|one| one.version).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(arrivals.iter().map(|one| one.address.as_str()).collect::<Vec<_>>())
    .bind::<Array<SmallInt>, _>(arrivals.iter().map(|one| one.security_profile).collect::<Vec<_>>())
    .bind::<Timestamptz, _>(now)
    .load(&mut **tx)
    .await
    .map_err(from_diesel)?;
    let epochs: HashMap<StationId, i64> = epochs.into_iter().map(|row| (row.station_id, row.epoch)).collect();
    let came: Vec<(&Arrival, i64)> =
        arrivals.iter().filter_map(|one| Some((one, *epochs.get(&one.from.station_id)?))).collect();
    begin(tx, &came).await?;
    Ok(arrivals.iter().map(|one| epochs.get(&one.from.station_id).copied()).collect())
}

/// What a new connection changes beside its station's row.
async fn begin(tx: &mut Tx, came: &[(&Arrival, i64)]) -> Result<()> {
    let now = tx.now();
    let column = |pick: fn(&Arrival) -> Uuid| came.iter().map(|(one, _)| pick(one)).collect::<Vec<_>>();
    let (stations, nodes) = (column(|one| one.from.station_id.0), column(|one| one.node));
    let epochs: Vec<i64> = came.iter().map(|(_, epoch)| *epoch).collect();
    // Another process that holds the one before must end it.
    sql("select pg_notify($4, '') where exists ( \
           select from unnest($1::uuid[], $2::int8[], $3::uuid[]) i(station_id, epoch, node) \
           join station_connection c on c.station_id = i.station_id and c.epoch = i.epoch - 1 and c.node <> i.node \
             and c.disconnected_at is null \
           join node n on n.id = c.node)")
    .bind::<Array<SqlUuid>, _>(&stations)
    .bind::<Array<BigInt>, _>(&epochs)
    .bind::<Array<SqlUuid>, _>(&nodes)
    .bind::<Text, _>(CONNECTION_CHANNEL)
    .execute(&mut **tx)
    .await
    .map_err(from_diesel)?;
    sql(
        "insert into station_connection (id, partner_id, location_id, station_id, epoch, node, ocpp_version, remote_address, \
           connected_at) \
         select i.id, i.partner_id, i.location_id, i.station_id, i.epoch, i.node, i.version, i.address, $9 \
         from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::int8[], $6::uuid[], $7::text[], $8::text[]) \
           i(id, partner_id, location_id, station_id, epoch, node, version, address)",
    )
    .bind::<Array<SqlUuid>, _>(came.iter().map(|_| tx.id()).collect::<Vec<Uuid>>())
    .bind::<Array<SqlUuid>, _>(column(|one| one.from.partner_id.0))
    .bind::<Array<SqlUuid>, _>(column(|one| one.from.location_id.0))
    .bind::<Array<SqlUuid>, _>(&stations)
    .bind::<Array<BigInt>, _>(&epochs)
    .bind::<Array<SqlUuid>, _>(&nodes)
    .bind::<Array<Text>, _>(came.iter().map(|(one, _)| one.version).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(came.iter().map(|(one, _)| one.address.as_str()).collect::<Vec<_>>())
    .bind::<Timestamptz, _>(now)
    .execute(&mut **tx)
    .await
    .map_err(from_diesel)?;
    let words: Vec<Word> = sql("select p.charge_point_id, p.station_id, c.status from charge_point_live p \
         left join connector_live c on c.station_id = p.station_id and c.charge_point_id = p.charge_point_id \
         where p.station_id = any($1::uuid[]) and p.status = 'offline'")
    .bind::<Array<SqlUuid>, _>(&stations)
    .load(&mut **tx)
    .await
    .map_err(from_diesel)?;
    let mut back: HashMap<(StationId, ChargePointId), Vec<ChargePointStatus>> = HashMap::new();
    for word in words {
        let words = back.entry((word.station_id, word.charge_point_id)).or_default();
        words.extend(word.status.as_deref().map(ChargePointStatus::from_ocpp));
    }
    let from: HashMap<StationId, From> = came.iter().map(|(one, _)| (one.from.station_id, one.from)).collect();
    let back = back.into_iter().map(|((station, point), words)| (from[&station], point, words));
    set_status(tx, back.map(|(from, id, words)| (from, id, ChargePointStatus::of_connectors(words))).collect()).await?;
    for (one, _) in came {
        emit(tx, one.from, EventType::StationConnected);
        if one.raises_profile {
            raise_profile(tx, one.from, one.security_profile).await?;
        }
    }
    Ok(())
}

#[derive(QueryableByName)]
struct Ended {
    #[diesel(sql_type = SqlUuid)]
    station_id: StationId,
}

#[derive(QueryableByName)]
struct Point {
    #[diesel(sql_type = SqlUuid)]
    charge_point_id: ChargePointId,
    #[diesel(sql_type = SqlUuid)]
    station_id: StationId,
}

/// Connections ended; without effect on a station's state when a newer one began.
pub async fn disconnected(tx: &mut Tx, departures: &[Departure]) -> Result<()> {
    let now = tx.now();
    let stations: Vec<StationId> = departures.iter().map(|one| one.from.station_id).collect();
    let epochs: Vec<i64> = departures.iter().map(|one| one.epoch).collect();
    sql("update station_connection c set disconnected_at = $3, reason = i.reason \
         from unnest($1::uuid[], $2::int8[], $4::text[]) i(station_id, epoch, reason) \
         where c.station_id = i.station_id and c.epoch = i.epoch")
    .bind::<Array<SqlUuid>, _>(&stations)
    .bind::<Array<BigInt>, _>(&epochs)
    .bind::<Timestamptz, _>(now)
    .bind::<Array<Text>, _>(departures.iter().map(|one| one.reason).collect::<Vec<_>>())
    .execute(&mut **tx)
    .await
    .map_err(from_diesel)?;
    let ended: Vec<Ended> = sql("update station_live l set connected = false, disconnected_at = $3 \
         from unnest($1::uuid[], $2::int8[]) i(station_id, epoch) \
         where l.station_id = i.station_id and l.epoch = i.epoch returning l.station_id")
    .bind::<Array<SqlUuid>, _>(&stations)
    .bind::<Array<BigInt>, _>(&epochs)
    .bind::<Timestamptz, _>(now)
    .load(&mut **tx)
    .await
    .map_err(from_diesel)?;
    let from: HashMap<StationId, From> = departures.iter().map(|one| (one.from.station_id, one.from)).collect();
    let ended: Vec<StationId> = ended.into_iter().map(|row| row.station_id).collect();
    let points: Vec<Point> = sql("select charge_point_id, station_id from charge_point_live \
         where station_id = any($1::uuid[]) and status <> 'offline'")
    .bind::<Array<SqlUuid>, _>(&ended)
    .load(&mut **tx)
    .await
    .map_err(from_diesel)?;
    let points = points.into_iter().map(|row| (from[&row.station_id], row.charge_point_id, ChargePointStatus::Offline));
    set_status(tx, points.collect()).await?;
    for id in ended {
        emit(tx, from[&id], EventType::StationDisconnected);
    }
    Ok(())
}

/// This process is alive: since when it was heard without a gap of `lost_after`.
pub async fn alive(tx: &mut Tx, id: Uuid, lost_after: chrono::TimeDelta) -> Result<Timestamp> {
    let now = tx.now();
    let heard: Heard =
        sql("insert into node (id, seen_at, heard_since) values ($1, $2, $2) on conflict (id) do update \
         set seen_at = $2, heard_since = case when node.seen_at < $3 then $2 else node.heard_since end \
         returning heard_since")
        .bind::<SqlUuid, _>(id)
        .bind::<Timestamptz, _>(now)
        .bind::<Timestamptz, _>(now - lost_after)
        .get_result(&mut **tx)
        .await
        .map_err(from_diesel)?;
    Ok(heard.heard_since)
}

#[derive(QueryableByName)]
struct Heard {
    #[diesel(sql_type = Timestamptz)]
    heard_since: Timestamp,
}

/// Ends connections of processes that died with them, up to `most`: how many. Such a process is forgotten when it has none
/// left.
pub async fn end_lost(tx: &mut Tx, unseen_since: Timestamp, most: i64) -> Result<usize> {
    let lost: Vec<Lost> = sql("select station_id, partner_id, location_id, epoch from station_live where connected \
         and exists (select from node where seen_at < $1) \
         and not exists (select from node n where n.id = node and n.seen_at >= $1) \
         limit $2 for update of station_live skip locked")
    .bind::<Timestamptz, _>(unseen_since)
    .bind::<BigInt, _>(most)
    .load(&mut **tx)
    .await
    .map_err(from_diesel)?;
    let departures: Vec<Departure> = lost
        .iter()
        .map(|row| Departure {
            from: From::new(row.station_id, row.partner_id, row.location_id),
            epoch: row.epoch,
            reason: "node_lost",
        })
        .collect();
    disconnected(tx, &departures).await?;
    if lost.len() < most as usize {
        let gone = node::table.filter(node::seen_at.lt(unseen_since));
        diesel::delete(gone).execute(&mut **tx).await.map_err(from_diesel)?;
    }
    Ok(lost.len())
}

#[derive(QueryableByName)]
struct Lost {
    #[diesel(sql_type = SqlUuid)]
    station_id: StationId,
    #[diesel(sql_type = SqlUuid)]
    partner_id: PartnerId,
    #[diesel(sql_type = SqlUuid)]
    location_id: LocationId,
    #[diesel(sql_type = BigInt)]
    epoch: i64,
}

async fn set_status(tx: &mut Tx, points: Vec<(From, ChargePointId, ChargePointStatus)>) -> Result<()> {
    if points.is_empty() {
        return Ok(());
    }
    let now = tx.now();
    sql("update charge_point_live l set status = i.status, status_at = $4, \
           unavailable_since = case when i.down then coalesce(l.unavailable_since, $4) end \
         from unnest($1::uuid[], $2::text[], $3::bool[]) i(charge_point_id, status, down) \
         where l.charge_point_id = i.charge_point_id")
    .bind::<Array<SqlUuid>, _>(points.iter().map(|(_, id, _)| *id).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(points.iter().map(|(.., status)| status.as_str()).collect::<Vec<_>>())
    .bind::<Array<Bool>, _>(points.iter().map(|(.., status)| status.is_down()).collect::<Vec<_>>())
    .bind::<Timestamptz, _>(now)
    .execute(&mut **tx)
    .await
    .map_err(from_diesel)?;
    for (from, id, status) in points {
        tx.emit(from.event(EventType::StatusChanged, id, serde_json::json!({ "status": status, "at": now })));
    }
    Ok(())
}

fn emit(tx: &mut Tx, from: From, kind: EventType) {
    let event: Event = from.event(kind, from.station_id, serde_json::json!({}));
    tx.emit(event);
}

/// A known station came with wrong credentials: how often, for its operator to see.
pub async fn refused(tx: &mut Tx, id: StationId) -> Result<()> {
    diesel::update(station_live::table.filter(station_live::station_id.eq(id)))
        .set((
            station_live::refused_attempts.eq(station_live::refused_attempts + 1),
            station_live::last_refused_at.eq(tx.now()),
        ))
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    Ok(())
}

/// Adds to the counts of what had to be forgiven in stations' messages.
pub async fn quirks(tx: &mut Tx, counts: &[(StationId, serde_json::Value)]) -> Result<()> {
    let (ids, counts): (Vec<StationId>, Vec<serde_json::Value>) = counts.iter().cloned().unzip();
    sql("update station_live l set quirks = l.quirks || ( \
           select jsonb_object_agg(c.key, coalesce((l.quirks->>c.key)::bigint, 0) + c.value::bigint) \
           from jsonb_each_text(i.counts) c) \
         from unnest($1::uuid[], $2::jsonb[]) i(station_id, counts) where l.station_id = i.station_id")
    .bind::<Array<SqlUuid>, _>(ids)
    .bind::<Array<diesel::sql_types::Jsonb>, _>(counts)
    .execute(&mut **tx)
    .await
    .map_err(from_diesel)?;
    Ok(())
}

/// Signs of life of many stations at once.
pub async fn seen(tx: &mut Tx, ids: &[StationId]) -> Result<()> {
    diesel::update(station_live::table.filter(station_live::station_id.eq_any(ids)))
        .set(station_live::last_seen_at.eq(tx.now()))
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    Ok(())
}

/// A station came with a higher security profile than it had to: from now on it must. Told once.
async fn raise_profile(tx: &mut Tx, from: From, to: i16) -> Result<()> {
    // Above profile 0 there is no connection without a password.
    let raised = sql(
        "update station set security_profile = $2, ocpp_settings = ocpp_settings || '{\"password_required\": true}', \
         revision = revision + 1, updated_at = $3 where id = $1 and security_profile < $2",
    )
    .bind::<SqlUuid, _>(from.station_id)
    .bind::<SmallInt, _>(to)
    .bind::<Timestamptz, _>(tx.now())
    .execute(&mut **tx)
    .await
    .map_err(from_diesel)?;
    if raised > 0 {
        let data = serde_json::json!({ "security_profile": to });
        tx.emit(from.event(EventType::StationSecurityProfileRaised, from.station_id, data));
    }
    Ok(())
}

/// A station used its new password: the old one ends. Without effect when the new one is no longer that.
pub async fn promote_password(tx: &mut Tx, id: StationId, hmac: &[u8]) -> Result<()> {
    diesel::update(
        station::table.filter(station::id.eq(id).and(station::next_password_hmac.assume_not_null().eq(hmac))),
    )
    .set((
        station::password_hmac.eq(hmac),
        station::next_password_hmac.eq(None::<Vec<u8>>),
        station::next_password_command_id.eq(None::<Uuid>),
    ))
    .execute(&mut **tx)
    .await
    .map_err(from_diesel)?;
    Ok(())
}
