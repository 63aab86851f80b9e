//! Transactions that end. A second report changes nothing; one that names no transaction we gave is matched by who charged,
//! and failing that kept as a session of its own whose start is missing.

use std::collections::HashMap;

use chrono::TimeDelta;
use diesel::sql_types::{Array, Bool, Integer, Jsonb, Nullable, Numeric, Text, Timestamptz, Uuid as SqlUuid};
use rust_decimal::Decimal;
use stromtor_domain::{
    admin::{delivery::WorkState, job::JobKind},
    network::{charge_point::ChargePointId, station::StationId},
    session::{
        clock,
        finding::{Finding, Findings},
        matching::{Candidate, Match, find},
        register,
        report::StopReport,
        session::{AuthSource, SessionState},
    },
};
use stromtor_schema::schema::session;
use uuid::Uuid;

use super::{
    From, Of, Rules,
    live::ids,
    meter::{Row, keep},
};
use crate::resource::prelude::*;

#[derive(diesel::QueryableByName)]
struct Open {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    station_id: StationId,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    emp_id: Option<PartnerId>,
    #[diesel(sql_type = Integer)]
    ocpp_transaction_id: i32,
    #[diesel(sql_type = Integer)]
    ocpp_connector_id: i32,
    #[diesel(sql_type = Nullable<Text>)]
    id_tag: Option<String>,
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = Timestamptz)]
    started_at: Timestamp,
    #[diesel(sql_type = Timestamptz)]
    created_at: Timestamp,
    #[diesel(sql_type = Numeric)]
    meter_start_wh: Decimal,
    #[diesel(sql_type = Bool)]
    meter_start_known: bool,
    #[diesel(sql_type = Nullable<Numeric>)]
    meter_stop_wh: Option<Decimal>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    ended_at: Option<Timestamp>,
    #[diesel(sql_type = Jsonb)]
    findings: Findings,
}

/// Sessions a stop may mean: the one it names, those that run at the station, and those that ended with its figures. Each is
/// found by an index of its own, and the station compared last: it has had thousands.
const OPEN: &str = "\
    with meant as ( \
      select distinct m.id, i.station_id from unnest($1::uuid[], $2::int[], $3::numeric[]) i(station_id, transaction_id, meter_stop) \
      join lateral ( \
        select s.id from session s where s.station_id = i.station_id and s.state = 'active' \
        union all \
        select s.id from session s where s.ocpp_transaction_id = i.transaction_id \
        union all \
        select s.id from session s where s.station_id = i.station_id and s.stop_reported_at > $4 \
          and s.meter_stop_wh = i.meter_stop) m on true) \
    select s.id, s.station_id, s.emp_id, s.ocpp_transaction_id, s.ocpp_connector_id, s.id_tag, s.state, s.started_at, \
      s.created_at, s.meter_start_wh, s.meter_start_known, s.meter_stop_wh, s.ended_at, s.findings \
    from meant join session s on s.id = meant.id and s.station_id = meant.station_id";

struct Ending {
    from: From,
    session: Uuid,
    ended_at: Timestamp,
    findings: Findings,
    /// The register at start, where it was not known before.
    first: Option<Decimal>,
}

/// Takes stops.
pub(super) async fn stop(tx: &mut Tx, stops: &Of<'_, StopReport>, rules: &Rules) -> Result<()> {
    let now = tx.now();
    let number = |report: &StopReport| i32::try_from(report.transaction_id).ok().filter(|number| *number > 0);
    let open: Vec<Open> = sql(OPEN)
        .bind::<Array<SqlUuid>, _>(ids(stops, |from| from.station_id))
        .bind::<Array<Nullable<Integer>>, _>(stops.iter().map(|(.., report)| number(report)).collect::<Vec<_>>())
        .bind::<Array<Nullable<Numeric>>, _>(stops.iter().map(|(.., report)| report.meter_stop).collect::<Vec<_>>())
        .bind::<Timestamptz, _>(now - TimeDelta::days(7))
        .load(&mut **tx)
        .await
        .map_err(from_diesel)?;
    let mut by_station: HashMap<StationId, Vec<Open>> = HashMap::new();
    for row in open {
        by_station.entry(row.station_id).or_default().push(row);
    }
    let (mut endings, mut readings, mut due, mut orphans) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (_, from, report) in stops {
        let rows = by_station.get(&from.station_id).map(Vec::as_slice).unwrap_or_default();
        let candidates: Vec<Candidate> = rows.iter().map(candidate).collect();
        let mut findings = Findings::default();
        let stopped = clock::believed(report.at, now, rules.clock_tolerance, &mut findings);
        let (row, matched) = match find(&candidates, number(report), report, stopped) {
            Match::Named(at) => (&rows[at], false),
            Match::ByDriver(at) => (&rows[at], true),
            Match::Repeated(at) => {
                readings.push((*from, Some((rows[at].id, rows[at].emp_id)), rows[at].ocpp_connector_id, *report));
                continue;
            }
            Match::None => {
                orphans.push((*from, *report));
                continue;
            }
        };
        findings = row.findings.clone();
        findings.0.retain(|finding| *finding != Finding::NeverStopped);
        if matched {
            findings.note(Finding::StopMatched);
        }
        // A start that came without a register has one when the readings of the end say so.
        let first = if row.meter_start_known { None } else { register::first_wh(&report.samples) };
        if !row.meter_start_known && first.is_none() && report.meter_stop.is_some() {
            findings.note(Finding::StartRegisterUnknown);
        }
        let ended_at = clock::end(row.started_at, row.created_at, report.at, now, rules.clock_tolerance, &mut findings);
        readings.push((*from, Some((row.id, row.emp_id)), row.ocpp_connector_id, *report));
        due.push((row.id, from.partner_id));
        endings.push((Ending { from: *from, session: row.id, ended_at, findings, first }, *report));
    }
    end(tx, &endings).await?;
    for (from, report) in orphans {
        let (id, emp_id, connector) = orphan(tx, from, report, rules).await?;
        readings.push((from, Some((id, emp_id)), connector, report));
        due.push((id, from.partner_id));
    }
    let mut rows = Vec::new();
    for (from, session, connector, report) in &readings {
        for set in &report.samples {
            let at = clock::believed(set.at, now, rules.clock_tolerance, &mut Findings::default());
            rows.push(Row { from: *from, session: *session, connector: *connector, at, samples: &set.values });
        }
    }
    keep(tx, &rows).await?;
    ask_for_settlement(tx, &due, now + rules.late_values).await
}

fn candidate(row: &Open) -> Candidate {
    Candidate {
        transaction_id: row.ocpp_transaction_id,
        running: row.state == SessionState::Active.as_str(),
        presumed_ended: row.state == SessionState::Ended.as_str() && row.findings.has(Finding::NeverStopped),
        id_tag: row.id_tag.clone(),
        meter_start: row.meter_start_known.then_some(row.meter_start_wh),
        meter_stop: row.meter_stop_wh,
        ended_at: row.ended_at,
    }
}

async fn end(tx: &mut Tx, endings: &[(Ending, &StopReport)]) -> Result<()> {
    if endings.is_empty() {
        return Ok(());
    }
    let now = tx.now();
    let sessions: Vec<Uuid> = endings.iter().map(|(ending, ..)| ending.session).collect();
    sql(
        "update session s set state = 'ended', ended_at = i.ended_at, meter_stop_wh = i.meter_stop, stop_reason = i.reason, \
           stop_reported_at = $6, findings = i.findings, power_w = null, updated_at = $6, \
           meter_start_wh = coalesce(i.first, s.meter_start_wh), \
           meter_start_known = s.meter_start_known or i.first is not null, \
           energy_wh = greatest(i.meter_stop - case when s.meter_start_known then s.meter_start_wh else i.first end, \
             s.energy_wh, 0) \
         from unnest($1::uuid[], $2::timestamptz[], $3::numeric[], $4::text[], $5::jsonb[], $7::numeric[]) \
           i(id, ended_at, meter_stop, reason, findings, first) \
         where s.id = i.id and s.state <> 'settled'",
    )
    .bind::<Array<SqlUuid>, _>(sessions.clone())
    .bind::<Array<Timestamptz>, _>(endings.iter().map(|(ending, ..)| ending.ended_at).collect::<Vec<_>>())
    .bind::<Array<Nullable<Numeric>>, _>(endings.iter().map(|(_, report)| report.meter_stop).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(endings.iter().map(|(_, report)| report.reason.as_str()).collect::<Vec<_>>())
    .bind::<Array<Jsonb>, _>(
        endings.iter().map(|(ending, ..)| serde_json::to_value(&ending.findings).unwrap_or_default()).collect::<Vec<_>>(),
    )
    .bind::<Timestamptz, _>(now)
    .bind::<Array<Nullable<Numeric>>, _>(endings.iter().map(|(ending, ..)| ending.first).collect::<Vec<_>>())
    .execute(&mut **tx)
    .await
    .map_err(from_diesel)?;
    sql("update charge_point_live set session_id = null where session_id = any($1::uuid[])")
        .bind::<Array<SqlUuid>, _>(sessions)
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    for (ending, report) in endings {
        let data = serde_json::json!({ "ended_at": ending.ended_at, "reason": report.reason });
        tx.emit(ending.from.event(EventType::SessionEnded, ending.session, data));
    }
    Ok(())
}

#[derive(diesel::QueryableByName)]
struct Only {
    #[diesel(sql_type = Integer)]
    connector: i32,
    #[diesel(sql_type = SqlUuid)]
    charge_point_id: ChargePointId,
    #[diesel(sql_type = Bool)]
    only: bool,
}

/// A session of which nothing but the end is known.
async fn orphan(tx: &mut Tx, from: From, report: &StopReport, rules: &Rules) -> Result<(Uuid, Option<PartnerId>, i32)> {
    let now = tx.now();
    let mut findings = Findings(vec![Finding::NeverStarted]);
    let ended_at = clock::believed(report.at, now, rules.clock_tolerance, &mut findings);
    let first = report
        .samples
        .iter()
        .filter_map(|set| Some((set.at?, register::register_wh(&set.values)?)))
        .filter(|(at, _)| *at <= ended_at)
        .min();
    let meter_stop = report.meter_stop.unwrap_or_default();
    let (started_at, meter_start) = first.unwrap_or((ended_at, meter_stop));
    // A station with one connector leaves no doubt where it was.
    let connector: Option<Only> =
        sql("select ocpp_connector_id as connector, charge_point_id, count(*) over () = 1 as only from connector \
         where station_id = $1 limit 1")
        .bind::<SqlUuid, _>(from.station_id)
        .load(&mut **tx)
        .await
        .map_err(from_diesel)?
        .pop();
    let connector = connector.filter(|connector| connector.only);
    let number = connector.as_ref().map_or(0, |connector| connector.connector);
    let key = format!("stop|{}|{}|{meter_stop}", report.transaction_id, report.at_raw);
    let id: Uuid = tx.id();
    let inserted: Option<Uuid> = diesel::insert_into(session::table)
        .values((
            (
                session::id.eq(id),
                session::operator_id.eq(from.partner_id),
                session::location_id.eq(from.location_id),
                session::station_id.eq(from.station_id),
                session::charge_point_id.eq(connector.map(|connector| connector.charge_point_id)),
                session::ocpp_connector_id.eq(number),
                session::start_key.eq(&key),
                session::id_tag.eq(&report.id_tag),
                session::auth_source.eq(AuthSource::Unknown),
                session::state.eq(SessionState::Ended),
            ),
            session::orphan.eq(true),
            session::started_at.eq(started_at),
            session::ended_at.eq(ended_at),
            session::meter_start_wh.eq(meter_start),
            session::meter_stop_wh.eq(meter_stop),
            session::energy_wh.eq((meter_stop - meter_start).max(Decimal::ZERO)),
            session::stop_reason.eq(&report.reason),
            session::stop_reported_at.eq(now),
            session::findings.eq(findings),
            session::created_at.eq(now),
            session::updated_at.eq(now),
        ))
        .on_conflict_do_nothing()
        .returning(session::id)
        .get_result(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)?;
    if let Some(id) = inserted {
        tx.emit(from.event(EventType::SessionEnded, id, serde_json::json!({ "orphan": true })));
        return Ok((id, None, number));
    }
    session::table
        .filter(session::station_id.eq(from.station_id).and(session::start_key.eq(&key)))
        .select((session::id, session::emp_id, session::ocpp_connector_id))
        .first(&mut **tx)
        .await
        .map_err(from_diesel)
}

/// Asks for the pricing of sessions; asked for already, the earlier time counts.
pub(crate) async fn ask_for_settlement(tx: &mut Tx, sessions: &[(Uuid, PartnerId)], run_at: Timestamp) -> Result<()> {
    if sessions.is_empty() {
        return Ok(());
    }
    let jobs: Vec<Uuid> = sessions.iter().map(|_| tx.id()).collect();
    sql(
        "insert into job (id, partner_id, kind, unique_key, payload, state, run_at, created_at, updated_at) \
         select i.id, i.partner_id, $4, i.session_id::text, jsonb_build_object('session_id', i.session_id), $5, $6, $7, $7 \
         from unnest($1::uuid[], $2::uuid[], $3::uuid[]) i(id, partner_id, session_id) \
         on conflict (kind, unique_key) where state = 'pending' and unique_key is not null \
         do update set run_at = least(job.run_at, excluded.run_at)",
    )
    .bind::<Array<SqlUuid>, _>(jobs)
    .bind::<Array<SqlUuid>, _>(sessions.iter().map(|(_, partner)| *partner).collect::<Vec<_>>())
    .bind::<Array<SqlUuid>, _>(sessions.iter().map(|(id, _)| *id).collect::<Vec<_>>())
    .bind::<Text, _>(JobKind::SettleSession)
    .bind::<Text, _>(WorkState::Pending)
    .bind::<Timestamptz, _>(run_at)
    .bind::<Timestamptz, _>(tx.now())
    .execute(&mut **tx)
    .await
    .map_err(from_diesel)?;
    Ok(())
}
