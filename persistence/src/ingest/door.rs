//! Stations coming and going.

use stromtor_domain::{
    event::Event,
    network::{
        charge_point::{ChargePointId, ChargePointStatus},
        location::LocationId,
        station::{OcppSettings, StationId},
        tolerance::Tolerances,
    },
};
use stromtor_schema::schema::{
    charge_point_live, connector_live, manufacturer, node, station, station_alias, station_connection, station_live,
    station_model, unknown_station,
};

use super::From;
use crate::resource::prelude::*;

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

/// The station with this identity, or the one that it is another spelling of, unless dismantled.
pub async fn find(tx: &mut Tx, identity: &str) -> Result<Option<Known>> {
    let own = known(tx, identity).await?;
    if own.is_some() {
        return Ok(own);
    }
    let meant: Option<StationId> = station_alias::table
        .filter(station_alias::ocpp_identity.eq(identity))
        .select(station_alias::station_id)
        .first(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)?;
    let Some(meant) = meant else { return Ok(None) };
    let real: String = station::table
        .filter(station::id.eq(meant))
        .select(station::ocpp_identity)
        .first(&mut **tx)
        .await
        .map_err(from_diesel)?;
    known(tx, &real).await
}

async fn known(tx: &mut Tx, identity: &str) -> Result<Option<Known>> {
    // What the station last said of its heartbeats, if it ever did.
    let heartbeat = diesel::dsl::sql::<diesel::sql_types::Nullable<diesel::sql_types::Text>>(
        "(select p.value from station_parameter p where p.station_id = station.id and p.attribute = 'Actual' \
           and p.name in ('HeartbeatInterval', 'OCPPCommCtrlr/HeartbeatInterval') order by p.reported_at desc limit 1)",
    );
    station::table
        .left_join(station_model::table.left_join(manufacturer::table))
        .filter(station::ocpp_identity.eq(identity).and(station::dismantled_at.is_null()))
        .select((
            station::id,
            station::partner_id,
            station::location_id,
            station::ocpp_identity,
            station::ocpp_settings,
            station::password_hmac,
            station::next_password_hmac,
            station::security_profile,
            station::tolerances,
            station_model::tolerances.nullable(),
            manufacturer::tolerances.nullable(),
            heartbeat,
        ))
        .first(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)
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

/// A connection began: its epoch, one more than the last. Its charge points are again what they last said.
pub async fn connected(
    tx: &mut Tx,
    from: From,
    node: uuid::Uuid,
    version: &str,
    address: &str,
    security_profile: i16,
) -> Result<i64> {
    let now = tx.now();
    let epoch = diesel::update(station_live::table.filter(station_live::station_id.eq(from.station_id)))
        .set((
            station_live::connected.eq(true),
            station_live::node.eq(node),
            station_live::epoch.eq(station_live::epoch + 1),
            station_live::ocpp_version.eq(version),
            station_live::remote_address.eq(address),
            station_live::security_profile.eq(security_profile),
            station_live::connected_at.eq(now),
            station_live::last_seen_at.eq(now),
        ))
        .returning(station_live::epoch)
        .get_result(&mut **tx)
        .await
        .map_err(from_diesel)?;
    let id: uuid::Uuid = tx.id();
    diesel::insert_into(station_connection::table)
        .values((
            station_connection::id.eq(id),
            station_connection::partner_id.eq(from.partner_id),
            station_connection::location_id.eq(from.location_id),
            station_connection::station_id.eq(from.station_id),
            station_connection::epoch.eq(epoch),
            station_connection::node.eq(node),
            station_connection::ocpp_version.eq(version),
            station_connection::remote_address.eq(address),
            station_connection::connected_at.eq(now),
        ))
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    let words: Vec<(Option<ChargePointId>, String)> = connector_live::table
        .filter(connector_live::station_id.eq(from.station_id).and(connector_live::charge_point_id.is_not_null()))
        .select((connector_live::charge_point_id, connector_live::status))
        .load(&mut **tx)
        .await
        .map_err(from_diesel)?;
    let offline: Vec<ChargePointId> = charge_point_live::table
        .filter(
            charge_point_live::station_id
                .eq(from.station_id)
                .and(charge_point_live::status.eq(ChargePointStatus::Offline)),
        )
        .select(charge_point_live::charge_point_id)
        .load(&mut **tx)
        .await
        .map_err(from_diesel)?;
    for id in offline {
        let words = words.iter().filter(|(of, _)| *of == Some(id)).map(|(_, word)| ChargePointStatus::from_ocpp(word));
        set_status(tx, from, &[id], ChargePointStatus::of_connectors(words)).await?;
    }
    emit(tx, from, EventType::StationConnected);
    Ok(epoch)
}

/// A connection ended; without effect on the station's state when a newer one began.
pub async fn disconnected(tx: &mut Tx, from: From, epoch: i64, reason: &str) -> Result<()> {
    let this = station_connection::station_id.eq(from.station_id).and(station_connection::epoch.eq(epoch));
    diesel::update(station_connection::table.filter(this))
        .set((station_connection::disconnected_at.eq(tx.now()), station_connection::reason.eq(reason)))
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    let this = station_live::station_id.eq(from.station_id).and(station_live::epoch.eq(epoch));
    let ended = diesel::update(station_live::table.filter(this))
        .set((station_live::connected.eq(false), station_live::disconnected_at.eq(tx.now())))
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    if ended == 0 {
        return Ok(());
    }
    let ids: Vec<ChargePointId> = charge_point_live::table
        .filter(charge_point_live::station_id.eq(from.station_id))
        .select(charge_point_live::charge_point_id)
        .load(&mut **tx)
        .await
        .map_err(from_diesel)?;
    set_status(tx, from, &ids, ChargePointStatus::Offline).await?;
    emit(tx, from, EventType::StationDisconnected);
    Ok(())
}

/// This process is alive.
pub async fn alive(tx: &mut Tx, id: uuid::Uuid) -> Result<()> {
    let now = tx.now();
    diesel::insert_into(node::table)
        .values((node::id.eq(id), node::seen_at.eq(now)))
        .on_conflict(node::id)
        .do_update()
        .set(node::seen_at.eq(now))
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    Ok(())
}

/// This process holds no connection any more.
pub async fn gone(tx: &mut Tx, id: uuid::Uuid) -> Result<()> {
    diesel::delete(node::table.filter(node::id.eq(id))).execute(&mut **tx).await.map_err(from_diesel)?;
    Ok(())
}

/// Ends connections of processes that died with them, up to `most`: how many.
pub async fn end_lost(tx: &mut Tx, unseen_since: Timestamp, most: i64) -> Result<usize> {
    let lost: Vec<Lost> = diesel::sql_query(
        "select station_id, partner_id, location_id, epoch from station_live where connected \
         and not exists (select from node n where n.id = node and n.seen_at >= $1) limit $2",
    )
    .bind::<diesel::sql_types::Timestamptz, _>(unseen_since)
    .bind::<diesel::sql_types::BigInt, _>(most)
    .load(&mut **tx)
    .await
    .map_err(from_diesel)?;
    for row in &lost {
        let from = From::new(row.station_id, row.partner_id, row.location_id);
        disconnected(tx, from, row.epoch, "node_lost").await?;
    }
    Ok(lost.len())
}

#[derive(diesel::QueryableByName)]
struct Lost {
    #[diesel(sql_type = diesel::sql_types::Uuid)]
    station_id: StationId,
    #[diesel(sql_type = diesel::sql_types::Uuid)]
    partner_id: PartnerId,
    #[diesel(sql_type = diesel::sql_types::Uuid)]
    location_id: LocationId,
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    epoch: i64,
}

async fn set_status(tx: &mut Tx, from: From, ids: &[ChargePointId], status: ChargePointStatus) -> Result<()> {
    let now = tx.now();
    diesel::update(charge_point_live::table.filter(charge_point_live::charge_point_id.eq_any(ids)))
        .set((
            charge_point_live::status.eq(status),
            charge_point_live::status_at.eq(now),
            charge_point_live::unavailable_since.eq(status.is_down().then_some(now)),
        ))
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    for id in ids {
        tx.emit(from.event(EventType::StatusChanged, *id, serde_json::json!({ "status": status, "at": now })));
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
    diesel::sql_query(
        "update station_live l set quirks = l.quirks || ( \
           select jsonb_object_agg(c.key, coalesce((l.quirks->>c.key)::bigint, 0) + c.value::bigint) \
           from jsonb_each_text(i.counts) c) \
         from unnest($1::uuid[], $2::jsonb[]) i(station_id, counts) where l.station_id = i.station_id",
    )
    .bind::<diesel::sql_types::Array<diesel::sql_types::Uuid>, _>(ids)
    .bind::<diesel::sql_types::Array<diesel::sql_types::Jsonb>, _>(counts)
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
pub async fn raise_profile(tx: &mut Tx, from: From, to: i16) -> Result<()> {
    // Above profile 0 there is no connection without a password.
    let raised = diesel::sql_query(
        "update station set security_profile = $2, ocpp_settings = ocpp_settings || '{\"password_required\": true}', \
         revision = revision + 1, updated_at = $3 where id = $1 and security_profile < $2",
    )
    .bind::<diesel::sql_types::Uuid, _>(from.station_id)
    .bind::<diesel::sql_types::SmallInt, _>(to)
    .bind::<diesel::sql_types::Timestamptz, _>(tx.now())
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
        station::next_password_command_id.eq(None::<uuid::Uuid>),
    ))
    .execute(&mut **tx)
    .await
    .map_err(from_diesel)?;
    Ok(())
}
