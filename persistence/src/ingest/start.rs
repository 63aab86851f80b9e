//! Transactions that begin. A repetition of the same report is the same transaction.

use std::collections::HashMap;

use diesel::sql_types::{Array, BigInt, Bool, Integer, Jsonb, Nullable, Numeric, Text, Timestamptz, Uuid as SqlUuid};
use stromtor_domain::{
    access::{
        decide::{Outcome, normalise_uid},
        spelling::Spelling,
        token::TokenId,
    },
    marketplace::emp_contract::EmpContractId,
    network::charge_point::ChargePointId,
    session::{
        clock,
        finding::{Finding, Findings},
        report::{Presented, StartReport},
        session::{AuthSource, SessionState},
    },
    tariff::tariff::TariffVersionId,
};
use uuid::Uuid;

use super::{
    Decided, From, Of, Rules,
    access::{self, Answer, Asked, decide_all},
    live::ids,
    stop::ask_for_settlement,
};
use crate::resource::prelude::*;

/// The key of a session whose transaction the station numbers itself (OCPP 2.x).
pub(super) fn transaction_key(transaction: &str) -> String {
    format!("tx|{transaction}")
}

/// What makes a repeated report the same one: the station's own id of the transaction; failing that connector, tag, time and
/// register as sent.
fn key(report: &StartReport) -> String {
    if let Some(transaction) = &report.transaction {
        return transaction_key(transaction);
    }
    let tag = report.id_tag.as_deref().map(normalise_uid).unwrap_or_default();
    let meter = report.meter_start.map(|meter| meter.to_string()).unwrap_or_default();
    format!("{}|{tag}|{}|{meter}", report.connector, report.at_raw)
}

#[derive(diesel::QueryableByName)]
struct Known {
    #[diesel(sql_type = BigInt)]
    place: i64,
    #[diesel(sql_type = Integer)]
    ocpp_transaction_id: i32,
    #[diesel(sql_type = Nullable<Text>)]
    decision: Option<String>,
    #[diesel(sql_type = Bool)]
    accepted: bool,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    valid_until: Option<Timestamp>,
    #[diesel(sql_type = Nullable<Text>)]
    group_id: Option<String>,
}

async fn known(tx: &mut Tx, starts: &Of<'_, StartReport>) -> Result<Vec<Known>> {
    sql(
        "select i.place, s.ocpp_transaction_id, a.decision, s.token_id is not null as accepted, t.valid_until, t.group_id \
         from unnest($1::uuid[], $2::text[]) with ordinality i(station_id, start_key, place) \
         join session s on s.station_id = i.station_id and s.start_key = i.start_key \
         left join authorization_attempt a on a.id = s.authorization_id left join token t on t.id = s.token_id",
    )
    .bind::<Array<SqlUuid>, _>(ids(starts, |from| from.station_id))
    .bind::<Array<Text>, _>(starts.iter().map(|(.., report)| key(report)).collect::<Vec<_>>())
    .load(&mut **tx)
    .await
    .map_err(from_diesel)
}

#[derive(diesel::QueryableByName)]
struct Place {
    #[diesel(sql_type = Nullable<SqlUuid>)]
    charge_point_id: Option<ChargePointId>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    tariff_version_id: Option<TariffVersionId>,
}

/// For each start: the charge point of its connector, and the version of the tariff that held there then, or of that of the
/// provider's contract.
const PLACES: &str = "\
    select c.charge_point_id, v.id as tariff_version_id \
    from unnest($1::uuid[], $2::int[], $3::timestamptz[], $4::uuid[]) with ordinality \
      i(station_id, connector, started_at, contract_id, place) \
    left join emp_contract k on k.id = i.contract_id \
    left join connector c on c.station_id = i.station_id and c.ocpp_connector_id = i.connector \
    left join lateral (select a.tariff_id from tariff_assignment a where a.charge_point_id = c.charge_point_id \
      and a.partner_id = c.partner_id and a.cancelled_at is null and a.valid_from <= i.started_at + interval '1 second' \
      order by a.valid_from desc limit 1) a on true \
    left join lateral (select v.id from tariff_version v where v.tariff_id = coalesce(k.tariff_id, a.tariff_id) \
      order by (v.created_at <= i.started_at + interval '1 second') desc, \
        case when v.created_at <= i.started_at + interval '1 second' then v.version else -v.version end desc limit 1) v on true \
    order by i.place";

fn contract(decision: &Option<Answer>) -> Option<EmpContractId> {
    decision.as_ref().and_then(|decision| decision.emp_contract_id)
}

/// Takes starts: their transaction numbers and decisions.
pub(super) async fn start(
    tx: &mut Tx,
    starts: &Of<'_, StartReport>,
    rules: &Rules,
) -> Result<Vec<(usize, i32, Option<Decided>)>> {
    let mut answers = Vec::new();
    let mut repeated: HashMap<usize, ()> = HashMap::new();
    for row in known(tx, starts).await? {
        let at = row.place as usize - 1;
        repeated.insert(at, ());
        let fallback = if row.accepted { Outcome::Accepted } else { Outcome::Invalid };
        let outcome = row.decision.as_deref().and_then(Outcome::parse).unwrap_or(fallback);
        let decided = Decided { outcome, valid_until: row.valid_until, group: row.group_id, spelling: Spelling::Exact };
        answers.push((starts[at].0, row.ocpp_transaction_id, starts[at].2.id_tag.is_some().then_some(decided)));
    }
    let fresh: Of<'_, StartReport> =
        starts.iter().enumerate().filter(|(at, _)| !repeated.contains_key(at)).map(|(_, start)| *start).collect();
    if fresh.is_empty() {
        return Ok(answers);
    }
    let now = tx.now();
    let sessions: Vec<Uuid> = fresh.iter().map(|_| tx.id()).collect();
    let asked: Vec<Asked<'_>> = fresh
        .iter()
        .zip(&sessions)
        .filter_map(|((_, from, report), session)| {
            let id_tag = report.id_tag.as_deref()?;
            Some(Asked {
                trigger: "start",
                session_id: Some(*session),
                connector: report.connector,
                presented: report.presented,
                ..Asked::new(*from, id_tag)
            })
        })
        .collect();
    let mut decided = decide_all(tx, &asked, rules).await?.into_iter();
    // A car may be plugged in before its driver is known (OCPP 2.x).
    let decisions: Vec<Option<Answer>> =
        fresh.iter().map(|(.., report)| report.id_tag.as_ref().and_then(|_| decided.next())).collect();
    let mut times = Vec::new();
    let mut findings = Vec::new();
    for (.., report) in &fresh {
        let mut found = Findings::default();
        if report.start_missing {
            found.note(Finding::NeverStarted);
        }
        times.push(clock::believed(report.at, now, rules.clock_tolerance, &mut found));
        findings.push(found);
    }
    let places: Vec<Place> = sql(PLACES)
        .bind::<Array<SqlUuid>, _>(ids(&fresh, |from| from.station_id))
        .bind::<Array<Integer>, _>(fresh.iter().map(|(.., report)| report.connector).collect::<Vec<_>>())
        .bind::<Array<Timestamptz>, _>(&times)
        .bind::<Array<Nullable<SqlUuid>>, _>(decisions.iter().map(contract).collect::<Vec<_>>())
        .load(&mut **tx)
        .await
        .map_err(from_diesel)?;
    end_forgotten(tx, &fresh, &times, rules).await?;
    let admitted = admit_free(tx, &fresh, &sessions, &places).await?;

    let mut rows = Vec::new();
    for (at, ((_, from, report), decision)) in fresh.iter().zip(&decisions).enumerate() {
        let accepted = decision.as_ref().filter(|decision| decision.decided.outcome == Outcome::Accepted);
        let place = &places[at];
        rows.push(SessionRow {
            id: sessions[at],
            operator_id: from.partner_id,
            emp_id: decision.as_ref().and_then(|decision| decision.emp_id),
            location_id: from.location_id,
            station_id: from.station_id,
            charge_point_id: place.charge_point_id,
            ocpp_connector_id: report.connector,
            start_key: key(report),
            id_tag: report.id_tag.clone(),
            token_id: accepted.and_then(|decision| decision.token_id),
            authorization_id: decision.as_ref().map(|one| one.attempt_id).or_else(|| admitted.get(&at).copied()),
            auth_source: decision.as_ref().map_or_else(|| unnamed(report.presented), |decision| decision.source),
            started_at: times[at],
            meter_start_wh: report.meter_start.unwrap_or_default(),
            meter_start_known: report.meter_start.is_some(),
            tariff_version_id: place.tariff_version_id,
            findings: findings[at].clone(),
        });
    }
    let numbers = insert(tx, &rows).await?;
    let numbers: HashMap<Uuid, i32> = numbers.into_iter().map(|row| (row.id, row.ocpp_transaction_id)).collect();
    occupy(tx, &rows).await?;
    use_reservations(tx, &fresh, &sessions).await?;
    for (at, ((place, from, _), decision)) in fresh.iter().zip(decisions).enumerate() {
        let id = sessions[at];
        let transaction_id = numbers.get(&id).copied().ok_or_else(|| Error::internal("a session without a number"))?;
        let data = serde_json::json!({ "charge_point_id": rows[at].charge_point_id, "started_at": times[at] });
        tx.emit(from.event(EventType::SessionStarted, id, data));
        answers.push((*place, transaction_id, decision.map(|decision| decision.decided)));
    }
    Ok(answers)
}

/// Whoever is let in by a station that asks nobody: the authorisations, by the starts' places.
async fn admit_free(
    tx: &mut Tx,
    fresh: &Of<'_, StartReport>,
    sessions: &[Uuid],
    places: &[Place],
) -> Result<HashMap<usize, Uuid>> {
    let free = |report: &StartReport| report.presented == Presented::Free && report.id_tag.is_none();
    let at: Vec<usize> = (0..fresh.len()).filter(|at| free(fresh[*at].2)).collect();
    let rows: Vec<_> = at.iter().map(|at| (fresh[*at].1, sessions[*at], places[*at].charge_point_id)).collect();
    Ok(at.into_iter().zip(access::admit_free(tx, &rows).await?).collect())
}

/// How a driver was let in whom the station does not name.
const fn unnamed(presented: Presented) -> AuthSource {
    match presented {
        Presented::Car => AuthSource::PlugAndCharge,
        Presented::Remote => AuthSource::Remote,
        Presented::Free => AuthSource::Free,
        Presented::Local => AuthSource::Unknown,
    }
}

struct SessionRow {
    id: Uuid,
    operator_id: PartnerId,
    emp_id: Option<PartnerId>,
    location_id: stromtor_domain::network::location::LocationId,
    station_id: stromtor_domain::network::station::StationId,
    charge_point_id: Option<ChargePointId>,
    ocpp_connector_id: i32,
    start_key: String,
    id_tag: Option<String>,
    token_id: Option<TokenId>,
    authorization_id: Option<Uuid>,
    auth_source: AuthSource,
    started_at: Timestamp,
    meter_start_wh: rust_decimal::Decimal,
    meter_start_known: bool,
    tariff_version_id: Option<TariffVersionId>,
    findings: Findings,
}

#[derive(diesel::QueryableByName)]
struct Numbered {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Integer)]
    ocpp_transaction_id: i32,
}

/// Keeps new sessions: one prepared statement, whatever their number.
async fn insert(tx: &mut Tx, rows: &[SessionRow]) -> Result<Vec<Numbered>> {
    fn column<T>(rows: &[SessionRow], pick: impl Fn(&SessionRow) -> T) -> Vec<T> {
        rows.iter().map(pick).collect()
    }
    sql(
        "insert into session (id, operator_id, emp_id, location_id, station_id, charge_point_id, ocpp_connector_id, start_key, \
           id_tag, token_id, authorization_id, auth_source, state, started_at, meter_start_wh, meter_start_known, \
           tariff_version_id, findings, created_at, updated_at) \
         select i.id, i.operator_id, i.emp_id, i.location_id, i.station_id, i.charge_point_id, i.connector, i.start_key, \
           i.id_tag, i.token_id, i.authorization_id, i.auth_source, $18, i.started_at, i.meter_start, i.meter_start_known, \
           i.tariff_version_id, i.findings, $19, $19 \
         from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::int[], $8::text[], \
           $9::text[], $10::uuid[], $11::uuid[], $12::text[], $13::timestamptz[], $14::numeric[], $15::bool[], $16::uuid[], \
           $17::jsonb[]) \
           i(id, operator_id, emp_id, location_id, station_id, charge_point_id, connector, start_key, id_tag, token_id, \
           authorization_id, auth_source, started_at, meter_start, meter_start_known, tariff_version_id, findings) \
         returning id, ocpp_transaction_id",
    )
    .bind::<Array<SqlUuid>, _>(column(rows, |row| row.id))
    .bind::<Array<SqlUuid>, _>(column(rows, |row| row.operator_id))
    .bind::<Array<Nullable<SqlUuid>>, _>(column(rows, |row| row.emp_id))
    .bind::<Array<SqlUuid>, _>(column(rows, |row| row.location_id))
    .bind::<Array<SqlUuid>, _>(column(rows, |row| row.station_id))
    .bind::<Array<Nullable<SqlUuid>>, _>(column(rows, |row| row.charge_point_id))
    .bind::<Array<Integer>, _>(column(rows, |row| row.ocpp_connector_id))
    .bind::<Array<Text>, _>(rows.iter().map(|row| row.start_key.as_str()).collect::<Vec<_>>())
    .bind::<Array<Nullable<Text>>, _>(rows.iter().map(|row| row.id_tag.as_deref()).collect::<Vec<_>>())
    .bind::<Array<Nullable<SqlUuid>>, _>(column(rows, |row| row.token_id))
    .bind::<Array<Nullable<SqlUuid>>, _>(column(rows, |row| row.authorization_id))
    .bind::<Array<Text>, _>(column(rows, |row| row.auth_source))
    .bind::<Array<Timestamptz>, _>(column(rows, |row| row.started_at))
    .bind::<Array<Numeric>, _>(column(rows, |row| row.meter_start_wh))
    .bind::<Array<Bool>, _>(column(rows, |row| row.meter_start_known))
    .bind::<Array<Nullable<SqlUuid>>, _>(column(rows, |row| row.tariff_version_id))
    .bind::<Array<Jsonb>, _>(column(rows, |row| row.findings.clone()))
    .bind::<Text, _>(SessionState::Active)
    .bind::<Timestamptz, _>(tx.now())
    .load(&mut **tx)
    .await
    .map_err(from_diesel)
}

#[derive(diesel::QueryableByName)]
struct Forgotten {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    operator_id: PartnerId,
    #[diesel(sql_type = SqlUuid)]
    station_id: stromtor_domain::network::station::StationId,
    #[diesel(sql_type = SqlUuid)]
    location_id: stromtor_domain::network::location::LocationId,
}

/// A connector charges one car at a time: what still runs there has ended, at its last reading, and its end was lost or is
/// yet to come.
async fn end_forgotten(tx: &mut Tx, starts: &Of<'_, StartReport>, times: &[Timestamp], rules: &Rules) -> Result<()> {
    let now = tx.now();
    let forgotten: Vec<Forgotten> = sql(
        "update session s set state = 'ended', ended_at = greatest(s.started_at, coalesce(s.last_reading_at, i.started_at)), \
           stop_reason = 'Other', findings = s.findings || $4::jsonb, power_w = null, updated_at = $5 \
         from unnest($1::uuid[], $2::int[], $3::timestamptz[]) i(station_id, connector, started_at) \
         join lateral (select r.id from session r where r.station_id = i.station_id and r.ocpp_connector_id = i.connector \
           and r.state = 'active' and i.connector > 0 and r.started_at <= i.started_at offset 0) r on true \
         where s.id = r.id and s.state not in ('ended', 'settled') \
         returning s.id, s.operator_id, s.station_id, s.location_id",
    )
    .bind::<Array<SqlUuid>, _>(ids(starts, |from| from.station_id))
    .bind::<Array<Integer>, _>(starts.iter().map(|(.., report)| report.connector).collect::<Vec<_>>())
    .bind::<Array<Timestamptz>, _>(times)
    .bind::<Jsonb, _>(Findings(vec![Finding::NeverStopped]))
    .bind::<Timestamptz, _>(now)
    .load(&mut **tx)
    .await
    .map_err(from_diesel)?;
    let due: Vec<(Uuid, PartnerId)> = forgotten.iter().map(|row| (row.id, row.operator_id)).collect();
    for row in forgotten {
        let from = From::new(row.station_id, row.operator_id, row.location_id);
        tx.emit(from.event(EventType::SessionEnded, row.id, serde_json::json!({ "presumed": true })));
    }
    ask_for_settlement(tx, &due, now + rules.missing_stop).await
}

/// A reservation ends with the session that it was made for: by its number, or by its token where a station leaves the
/// number out.
async fn use_reservations(tx: &mut Tx, starts: &Of<'_, StartReport>, sessions: &[Uuid]) -> Result<()> {
    sql(
        "update reservation r set state = 'used', session_id = i.session_id, updated_at = $5 \
         from unnest($1::uuid[], $2::int[], $3::text[], $4::uuid[]) i(station_id, reservation, id_tag, session_id) \
         where r.station_id = i.station_id and r.state in ('requested', 'active') \
           and (r.ocpp_reservation_id = i.reservation or (i.reservation is null and lower(r.token_uid) = lower(i.id_tag)))",
    )
    .bind::<Array<SqlUuid>, _>(ids(starts, |from| from.station_id))
    .bind::<Array<Nullable<Integer>>, _>(starts.iter().map(|(.., report)| report.reservation_id).collect::<Vec<_>>())
    .bind::<Array<Nullable<Text>>, _>(starts.iter().map(|(.., report)| report.id_tag.clone()).collect::<Vec<_>>())
    .bind::<Array<SqlUuid>, _>(sessions.to_vec())
    .bind::<Timestamptz, _>(tx.now())
    .execute(&mut **tx)
    .await
    .map_err(from_diesel)?;
    Ok(())
}

/// Shows the session at its charge point.
async fn occupy(tx: &mut Tx, rows: &[SessionRow]) -> Result<()> {
    let at: Vec<(ChargePointId, Uuid)> = rows.iter().filter_map(|row| Some((row.charge_point_id?, row.id))).collect();
    let (points, sessions): (Vec<_>, Vec<_>) = at.into_iter().unzip();
    sql(
        "update charge_point_live l set session_id = i.session_id \
         from unnest($1::uuid[], $2::uuid[]) i(charge_point_id, session_id) where l.charge_point_id = i.charge_point_id",
    )
    .bind::<Array<SqlUuid>, _>(points)
    .bind::<Array<SqlUuid>, _>(sessions)
    .execute(&mut **tx)
    .await
    .map_err(from_diesel)?;
    Ok(())
}

// The array of numbers that `meter` and `stop` bind.
pub(super) type Numbers = Array<Nullable<Numeric>>;
