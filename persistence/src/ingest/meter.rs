//! Readings, kept as they came; a repetition is the same reading.

use diesel::sql_types::{Array, BigInt, Bool, Integer, Jsonb, Nullable, Timestamptz, Uuid as SqlUuid};
use rust_decimal::Decimal;
use stromtor_domain::session::{
    clock,
    finding::Findings,
    register,
    report::{MeterReport, Sample},
};
use uuid::Uuid;

use super::{
    From, Of, Rules,
    live::{ids, places},
    start::Numbers,
};
use crate::resource::prelude::*;

#[derive(diesel::QueryableByName)]
struct Found {
    #[diesel(sql_type = BigInt)]
    place: i64,
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    emp_id: Option<PartnerId>,
}

/// The session of each report: by the transaction it names; without one, what charges at the connector or has just ended. The
/// station is compared last: a transaction is one, a station's sessions are many.
const SESSIONS: &str = "\
    select i.place, s.id, s.emp_id from unnest($1::uuid[], $2::int[], $3::int[]) with ordinality \
      i(station_id, connector, transaction_id, place) \
    join lateral ( \
      select s.id, s.emp_id, s.started_at, s.station_id from session s where s.ocpp_transaction_id = i.transaction_id \
      union all \
      select s.id, s.emp_id, s.started_at, s.station_id from session s where i.transaction_id is null and i.connector > 0 \
        and s.station_id = i.station_id and s.ocpp_connector_id = i.connector and s.state = 'active' \
      union all \
      select s.id, s.emp_id, s.started_at, s.station_id from session s where i.transaction_id is null and i.connector > 0 \
        and s.station_id = i.station_id and s.ocpp_connector_id = i.connector \
        and s.state = 'ended' and s.stop_reported_at > $4 \
      order by 3 desc limit 1) s on s.station_id = i.station_id";

/// A set of samples and whose it is.
pub(super) struct Row<'a> {
    pub from: From,
    pub session: Option<(Uuid, Option<PartnerId>)>,
    pub connector: i32,
    pub at: Timestamp,
    pub samples: &'a [Sample],
}

/// Takes meter values.
pub(super) async fn meter(tx: &mut Tx, reports: &Of<'_, MeterReport>, rules: &Rules) -> Result<()> {
    let now = tx.now();
    let connectors = places(tx, reports, |report| {
        (
            Some(report.connector).filter(|number| report.is_evse && *number > 0),
            if report.is_evse { 1 } else { report.connector },
        )
    })
    .await?;
    // The main meter has no connector, whatever the version.
    let connectors: Vec<i32> = reports
        .iter()
        .zip(connectors)
        .map(|((.., report), found)| if report.connector == 0 { 0 } else { found })
        .collect();
    let transaction = |report: &MeterReport| report.transaction_id.and_then(|id| i32::try_from(id).ok());
    let found: Vec<Found> = sql(SESSIONS)
        .bind::<Array<SqlUuid>, _>(ids(reports, |from| from.station_id))
        .bind::<Array<Integer>, _>(&connectors)
        .bind::<Array<Nullable<Integer>>, _>(reports.iter().map(|(.., r)| transaction(r)).collect::<Vec<_>>())
        .bind::<Timestamptz, _>(now - rules.late_values)
        .load(&mut **tx)
        .await
        .map_err(from_diesel)?;
    let mut sessions: Vec<Option<(Uuid, Option<PartnerId>)>> = vec![None; reports.len()];
    for row in found {
        sessions[row.place as usize - 1] = Some((row.id, row.emp_id));
    }
    let mut rows = Vec::new();
    for (((_, from, report), session), connector) in reports.iter().zip(sessions).zip(connectors) {
        for set in &report.samples {
            let at = clock::believed(set.at, now, rules.clock_tolerance, &mut Findings::default());
            rows.push(Row { from: *from, session, connector, at, samples: &set.values });
        }
    }
    keep(tx, &rows).await?;
    show(tx, &rows).await
}

/// Keeps sets of samples.
pub(super) async fn keep(tx: &mut Tx, rows: &[Row<'_>]) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let now = tx.now();
    let samples: Vec<serde_json::Value> =
        rows.iter().map(|row| serde_json::to_value(row.samples).unwrap_or_default()).collect();
    let fingerprints: Vec<Uuid> = rows.iter().zip(&samples).map(|(row, samples)| fingerprint(row, samples)).collect();
    let column = |pick: fn(&Row<'_>) -> Uuid| rows.iter().map(pick).collect::<Vec<_>>();
    sql(
        "insert into session_reading (station_id, fingerprint, session_id, operator_id, emp_id, ocpp_connector_id, at, \
           received_at, samples, signed) \
         select i.station_id, i.fingerprint, i.session_id, i.operator_id, i.emp_id, i.connector, i.at, $9, i.samples, i.signed \
         from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::int[], $7::timestamptz[], \
           $8::jsonb[], $10::bool[]) \
           i(station_id, fingerprint, session_id, operator_id, emp_id, connector, at, samples, signed) \
         on conflict do nothing",
    )
    .bind::<Array<SqlUuid>, _>(column(|row| row.from.station_id.0))
    .bind::<Array<SqlUuid>, _>(fingerprints)
    .bind::<Array<Nullable<SqlUuid>>, _>(rows.iter().map(|row| row.session.map(|(id, _)| id)).collect::<Vec<_>>())
    .bind::<Array<SqlUuid>, _>(column(|row| row.from.partner_id.0))
    .bind::<Array<Nullable<SqlUuid>>, _>(
        rows.iter().map(|row| row.session.and_then(|(_, emp_id)| emp_id)).collect::<Vec<_>>(),
    )
    .bind::<Array<Integer>, _>(rows.iter().map(|row| row.connector).collect::<Vec<_>>())
    .bind::<Array<Timestamptz>, _>(rows.iter().map(|row| row.at).collect::<Vec<_>>())
    .bind::<Array<Jsonb>, _>(samples)
    .bind::<Timestamptz, _>(now)
    .bind::<Array<Bool>, _>(
        rows.iter().map(|row| row.samples.iter().any(|sample| sample.signed)).collect::<Vec<_>>(),
    )
    .execute(&mut **tx)
    .await
    .map_err(from_diesel)?;
    Ok(())
}

/// What makes a repeated reading the same one: its content.
fn fingerprint(row: &Row<'_>, samples: &serde_json::Value) -> Uuid {
    let content = format!("{}|{:?}|{}|{samples}", row.connector, row.session.map(|(id, _)| id), row.at);
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, content.as_bytes());
    let mut bytes = [0_u8; 16];
    bytes.copy_from_slice(&digest.as_ref()[..16]);
    Uuid::from_bytes(bytes)
}

#[derive(diesel::QueryableByName)]
struct Shown {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = diesel::sql_types::Numeric)]
    energy_wh: Decimal,
}

/// Shows the newest readings at running sessions; that they run is said in words that no partial index knows, for each is to
/// be found by its id. `updated_at` stays: it is indexed, and a row whose indexed columns stay is
/// changed in place, which is most of what a meter value costs.
async fn show(tx: &mut Tx, rows: &[Row<'_>]) -> Result<()> {
    let mut newest: Vec<&Row<'_>> = Vec::new();
    for row in rows.iter().filter(|row| row.session.is_some()) {
        match newest.iter_mut().find(|other| other.session == row.session) {
            Some(other) if other.at <= row.at => *other = row,
            Some(_) => {}
            None => newest.push(row),
        }
    }
    if newest.is_empty() {
        return Ok(());
    }
    // What the register showed first: where a session began without one (OCPP 2.x), it begins here.
    let firsts: Vec<Option<Decimal>> = newest
        .iter()
        .map(|newest| {
            let of_it = rows.iter().filter(|row| row.session == newest.session);
            of_it.filter_map(|row| Some((row.at, register::register_wh(row.samples)?))).min().map(|(_, first)| first)
        })
        .collect();
    let numbers = |measure: fn(&[Sample]) -> Option<Decimal>| -> Vec<Option<Decimal>> {
        newest.iter().map(|row| measure(row.samples)).collect()
    };
    let shown: Vec<Shown> = sql(
        "update session s set last_reading_at = i.at, \
           energy_wh = greatest(coalesce(i.register - case when s.meter_start_known then s.meter_start_wh else i.first end, \
             s.energy_wh), s.energy_wh), \
           meter_start_wh = case when s.meter_start_known then s.meter_start_wh else coalesce(i.first, 0) end, \
           meter_start_known = s.meter_start_known or i.first is not null, \
           power_w = coalesce(i.power, s.power_w), state_of_charge = coalesce(i.soc, s.state_of_charge) \
         from unnest($1::uuid[], $2::timestamptz[], $3::numeric[], $4::numeric[], $5::numeric[], $6::numeric[]) \
           i(id, at, register, power, soc, first) \
         where s.id = i.id and s.state not in ('ended', 'settled') and (s.last_reading_at is null or s.last_reading_at < i.at) \
         returning s.id, s.energy_wh",
    )
    .bind::<Array<SqlUuid>, _>(newest.iter().filter_map(|row| row.session.map(|(id, _)| id)).collect::<Vec<_>>())
    .bind::<Array<Timestamptz>, _>(newest.iter().map(|row| row.at).collect::<Vec<_>>())
    .bind::<Numbers, _>(numbers(register::register_wh))
    .bind::<Numbers, _>(numbers(register::power_w))
    .bind::<Numbers, _>(numbers(register::state_of_charge))
    .bind::<Numbers, _>(firsts)
    .load(&mut **tx)
    .await
    .map_err(from_diesel)?;
    for row in shown {
        let Some(of) = newest.iter().find(|other| other.session.is_some_and(|(id, _)| id == row.id)) else { continue };
        let data = serde_json::json!({
            "energy_wh": row.energy_wh.round_dp(6).to_string(),
            "power_w": register::power_w(of.samples).map(|power| power.to_string()),
        });
        tx.emit(of.from.event(EventType::SessionUpdated, row.id, data));
    }
    Ok(())
}
