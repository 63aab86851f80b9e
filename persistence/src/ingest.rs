//! What stations report, durable before it is answered. System transactions: the ingest role sees every partner's rows.

use stromtor_domain::{
    access::decide::{Outcome, Reason, TokenFacts, decide, normalise_uid},
    network::{
        charge_point::{ChargePointId, ChargePointStatus},
        location::LocationId,
        station::{OcppSettings, StationId},
    },
    session::report::{BootReport, MeterReport, StartReport, StatusReport, StopReport},
};
use stromtor_schema::schema::{
    authorization_attempt, charge_point_live, connector, connector_live, ocpp_message, session, session_reading,
    station, station_live, token, unknown_station,
};
use uuid::Uuid;

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
    /// How its connection is treated.
    pub settings: OcppSettings,
    /// Fingerprint of its password.
    pub password_hmac: Option<Vec<u8>>,
}

/// Whose report it is.
#[derive(Debug, Clone, Copy)]
pub struct From {
    /// The station.
    pub station_id: StationId,
    /// Its operator.
    pub partner_id: PartnerId,
    /// Its location.
    pub location_id: LocationId,
}

/// The station with this identity, unless dismantled.
pub async fn find(tx: &mut Tx, identity: &str) -> Result<Option<Known>> {
    station::table
        .filter(station::ocpp_identity.eq(identity).and(station::dismantled_at.is_null()))
        .select((
            station::id,
            station::partner_id,
            station::location_id,
            station::ocpp_settings,
            station::password_hmac,
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

/// A connection began: its epoch, one more than the last.
pub async fn connected(tx: &mut Tx, id: StationId, version: &str, address: &str) -> Result<i64> {
    let now = tx.now();
    diesel::update(station_live::table.filter(station_live::station_id.eq(id)))
        .set((
            station_live::connected.eq(true),
            station_live::epoch.eq(station_live::epoch + 1),
            station_live::ocpp_version.eq(version),
            station_live::remote_address.eq(address),
            station_live::connected_at.eq(now),
            station_live::last_seen_at.eq(now),
        ))
        .returning(station_live::epoch)
        .get_result(&mut **tx)
        .await
        .map_err(from_diesel)
}

/// A connection ended; without effect when a newer one began.
pub async fn disconnected(tx: &mut Tx, id: StationId, epoch: i64) -> Result<()> {
    diesel::update(station_live::table.filter(station_live::station_id.eq(id).and(station_live::epoch.eq(epoch))))
        .set((station_live::connected.eq(false), station_live::disconnected_at.eq(tx.now())))
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

/// A station booted.
pub async fn boot(tx: &mut Tx, id: StationId, report: BootReport) -> Result<()> {
    let now = tx.now();
    diesel::update(station_live::table.filter(station_live::station_id.eq(id)))
        .set((
            station_live::booted_at.eq(now),
            station_live::last_seen_at.eq(now),
            station_live::firmware_version.eq(report.firmware_version.clone()),
            station_live::boot.eq(report),
        ))
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    Ok(())
}

/// The charge point a connector belongs to.
async fn charge_point_at(tx: &mut Tx, from: From, connector: i32) -> Result<Option<ChargePointId>> {
    connector::table
        .filter(connector::station_id.eq(from.station_id).and(connector::ocpp_connector_id.eq(connector)))
        .select(connector::charge_point_id)
        .first(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)
}

/// A connector's status. An older report never overwrites a newer one.
pub async fn status(tx: &mut Tx, from: From, report: &StatusReport) -> Result<()> {
    let now = tx.now();
    // A clock ahead of ours would block everything after it.
    let at = report.at.filter(|at| *at <= now).unwrap_or(now);
    let newest: Option<Timestamp> = connector_live::table
        .filter(
            connector_live::station_id.eq(from.station_id).and(connector_live::ocpp_connector_id.eq(report.connector)),
        )
        .select(connector_live::reported_at)
        .for_update()
        .first(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)?;
    if newest.is_some_and(|newest| newest > at) {
        return Ok(());
    }
    let charge_point = charge_point_at(tx, from, report.connector).await?;
    let values = (
        connector_live::charge_point_id.eq(charge_point),
        connector_live::status.eq(&report.status),
        connector_live::error_code.eq(&report.error_code),
        connector_live::info.eq(&report.info),
        connector_live::vendor_id.eq(&report.vendor_id),
        connector_live::vendor_error_code.eq(&report.vendor_error_code),
        connector_live::reported_at.eq(at),
        connector_live::received_at.eq(now),
    );
    diesel::insert_into(connector_live::table)
        .values((
            connector_live::station_id.eq(from.station_id),
            connector_live::ocpp_connector_id.eq(report.connector),
            connector_live::partner_id.eq(from.partner_id),
            connector_live::location_id.eq(from.location_id),
            values,
        ))
        .on_conflict((connector_live::station_id, connector_live::ocpp_connector_id))
        .do_update()
        .set(values)
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    let Some(charge_point) = charge_point else { return Ok(()) };
    let words: Vec<String> = connector_live::table
        .filter(connector_live::charge_point_id.eq(charge_point))
        .select(connector_live::status)
        .load(&mut **tx)
        .await
        .map_err(from_diesel)?;
    let status = ChargePointStatus::of_connectors(words.iter().map(|word| ChargePointStatus::from_ocpp(word)));
    let target = charge_point_live::table
        .filter(charge_point_live::charge_point_id.eq(charge_point).and(charge_point_live::status.ne(status)));
    let since = status.is_down().then_some(at);
    let changed = diesel::update(target)
        .set((
            charge_point_live::status.eq(status),
            charge_point_live::status_at.eq(at),
            charge_point_live::unavailable_since.eq(since),
        ))
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    if changed > 0 {
        tx.emit(stromtor_domain::event::Event {
            kind: EventType::StatusChanged,
            partner_id: from.partner_id.0,
            station_id: Some(from.station_id.0),
            location_id: Some(from.location_id.0),
            resource_id: charge_point.0,
            data: serde_json::json!({ "status": status, "at": at }),
        });
    }
    Ok(())
}

/// Decides whether a tag may charge here, and keeps the attempt.
pub async fn authorize(
    tx: &mut Tx,
    from: From,
    id_tag: &str,
    trigger: &str,
    session_id: Option<Uuid>,
) -> Result<(Outcome, Reason, Option<Uuid>)> {
    type Row = (Uuid, String, Option<Timestamp>, Option<Timestamp>);
    let found: Option<Row> = token::table
        .filter(token::partner_id.eq(from.partner_id).and(token::uid_normalised.eq(normalise_uid(id_tag))))
        .select((token::id, token::status, token::valid_from, token::valid_until))
        .first(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)?;
    let facts = found.as_ref().map(|(_, status, valid_from, valid_until)| TokenFacts {
        blocked: status == "blocked",
        valid_from: *valid_from,
        valid_until: *valid_until,
    });
    let (outcome, reason) = decide(facts.as_ref(), tx.now());
    let token_id = found.map(|(id, ..)| id);
    let (id, now): (Uuid, _) = (tx.id(), tx.now());
    diesel::insert_into(authorization_attempt::table)
        .values((
            authorization_attempt::id.eq(id),
            authorization_attempt::at.eq(now),
            authorization_attempt::operator_id.eq(from.partner_id),
            authorization_attempt::location_id.eq(from.location_id),
            authorization_attempt::station_id.eq(from.station_id),
            authorization_attempt::id_tag.eq(id_tag),
            authorization_attempt::token_id.eq(token_id),
            authorization_attempt::trigger.eq(trigger),
            authorization_attempt::decision.eq(outcome),
            authorization_attempt::reason.eq(reason),
            authorization_attempt::session_id.eq(session_id),
        ))
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    Ok((outcome, reason, token_id))
}

/// A transaction began. A repetition of the same report is the same transaction.
pub async fn start(tx: &mut Tx, from: From, report: &StartReport) -> Result<(i32, Outcome)> {
    let key =
        format!("{}|{}|{}|{}", report.connector, normalise_uid(&report.id_tag), report.at_raw, report.meter_start);
    let known: Option<(i32, Option<Uuid>)> = session::table
        .filter(session::station_id.eq(from.station_id).and(session::start_key.eq(&key)))
        .select((session::ocpp_transaction_id, session::token_id))
        .first(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)?;
    if let Some((transaction_id, token_id)) = known {
        return Ok((transaction_id, if token_id.is_some() { Outcome::Accepted } else { Outcome::Invalid }));
    }
    let (id, now): (Uuid, _) = (tx.id(), tx.now());
    let (outcome, _, token_id) = authorize(tx, from, &report.id_tag, "start", Some(id)).await?;
    let charge_point = charge_point_at(tx, from, report.connector).await?;
    let started_at = report.at.filter(|at| *at <= now).unwrap_or(now);
    let transaction_id = diesel::insert_into(session::table)
        .values((
            session::id.eq(id),
            session::operator_id.eq(from.partner_id),
            session::location_id.eq(from.location_id),
            session::station_id.eq(from.station_id),
            session::charge_point_id.eq(charge_point),
            session::ocpp_connector_id.eq(report.connector),
            session::start_key.eq(&key),
            session::id_tag.eq(&report.id_tag),
            session::token_id.eq(token_id.filter(|_| outcome == Outcome::Accepted)),
            session::auth_source.eq("local_rfid"),
            session::state.eq("active"),
            session::started_at.eq(started_at),
            session::meter_start_wh.eq(report.meter_start),
            session::created_at.eq(now),
            session::updated_at.eq(now),
        ))
        .returning(session::ocpp_transaction_id)
        .get_result(&mut **tx)
        .await
        .map_err(from_diesel)?;
    emit(tx, EventType::SessionStarted, from, id);
    Ok((transaction_id, outcome))
}

fn emit(tx: &mut Tx, kind: EventType, from: From, id: Uuid) {
    tx.emit(stromtor_domain::event::Event {
        kind,
        partner_id: from.partner_id.0,
        station_id: Some(from.station_id.0),
        location_id: Some(from.location_id.0),
        resource_id: id,
        data: serde_json::json!({}),
    });
}

/// Readings, kept as they came; a repetition is the same reading.
pub async fn readings(tx: &mut Tx, from: From, report: &MeterReport, session_id: Option<Uuid>) -> Result<()> {
    let now = tx.now();
    let session_id = match (session_id, report.transaction_id.and_then(|id| i32::try_from(id).ok())) {
        (Some(id), _) => Some(id),
        (None, Some(number)) => by_transaction(tx, from, number).await?,
        (None, None) => None,
    };
    let rows: Vec<_> = report
        .samples
        .iter()
        .map(|set| {
            let samples = serde_json::to_value(&set.values).unwrap_or_default();
            let content = format!("{}|{:?}|{samples}", report.connector, set.at);
            let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, content.as_bytes());
            let mut fingerprint = [0_u8; 16];
            fingerprint.copy_from_slice(&digest.as_ref()[..16]);
            (
                session_reading::station_id.eq(from.station_id),
                session_reading::fingerprint.eq(Uuid::from_bytes(fingerprint)),
                session_reading::session_id.eq(session_id),
                session_reading::operator_id.eq(from.partner_id),
                session_reading::ocpp_connector_id.eq(report.connector),
                session_reading::at.eq(set.at.unwrap_or(now)),
                session_reading::received_at.eq(now),
                session_reading::samples.eq(samples),
                session_reading::signed.eq(set.values.iter().any(|sample| sample.signed)),
            )
        })
        .collect();
    diesel::insert_into(session_reading::table)
        .values(&rows)
        .on_conflict_do_nothing()
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    Ok(())
}

async fn by_transaction(tx: &mut Tx, from: From, number: i32) -> Result<Option<Uuid>> {
    session::table
        .filter(session::station_id.eq(from.station_id).and(session::ocpp_transaction_id.eq(number)))
        .select(session::id)
        .first(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)
}

/// A transaction ended. A second report changes nothing; one that names no transaction we know is kept in the message log
/// alone, marked there.
pub async fn stop(tx: &mut Tx, from: From, report: &StopReport) -> Result<bool> {
    let now = tx.now();
    let number = i32::try_from(report.transaction_id).ok().filter(|number| *number > 0);
    let found = match number {
        Some(number) => by_transaction(tx, from, number).await?,
        None => None,
    };
    let Some(id) = found else { return Ok(false) };
    let connector: i32 = session::table
        .filter(session::id.eq(id))
        .select(session::ocpp_connector_id)
        .first(&mut **tx)
        .await
        .map_err(from_diesel)?;
    let data = MeterReport { connector, transaction_id: None, samples: report.samples.clone() };
    if !data.samples.is_empty() {
        readings(tx, from, &data, Some(id)).await?;
    }
    let ended_at = report.at.filter(|at| *at <= now).unwrap_or(now);
    let active = session::table.filter(session::id.eq(id).and(session::state.eq("active")));
    let ended = diesel::update(active)
        .set((
            session::state.eq("ended"),
            session::ended_at.eq(ended_at),
            session::meter_stop_wh.eq(report.meter_stop),
            session::stop_reason.eq(&report.reason),
            session::updated_at.eq(now),
        ))
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    if ended > 0 {
        emit(tx, EventType::SessionEnded, from, id);
    }
    Ok(true)
}

/// A message of the log.
#[derive(Debug, Clone, diesel::Insertable)]
#[diesel(table_name = ocpp_message)]
pub struct MessageRow {
    /// Id.
    pub id: Uuid,
    /// When.
    pub at: Timestamp,
    /// Operator.
    pub partner_id: PartnerId,
    /// Location.
    pub location_id: LocationId,
    /// Station.
    pub station_id: StationId,
    /// `in` or `out`.
    pub direction: &'static str,
    /// `call`, `result`, `error`, `invalid`.
    pub kind: &'static str,
    /// Action.
    pub action: Option<String>,
    /// Message id.
    pub message_id: Option<String>,
    /// As on the wire, secrets masked.
    pub payload: String,
    /// What was wrong with it.
    pub quirks: Vec<&'static str>,
}

/// Writes a batch of the message log.
pub async fn messages(tx: &mut Tx, rows: &[MessageRow]) -> Result<()> {
    diesel::insert_into(ocpp_message::table).values(rows).execute(&mut **tx).await.map_err(from_diesel)?;
    Ok(())
}
