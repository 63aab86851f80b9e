//! What stations and their connectors are doing.

use std::collections::HashMap;

use diesel::sql_types::{Array, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use stromtor_domain::{
    network::{
        charge_point::{ChargePointId, ChargePointStatus},
        location::LocationId,
        station::StationId,
    },
    session::{
        clock,
        finding::Findings,
        report::{BootReport, StatusReport},
    },
};

use super::{From, Of, Rules};
use crate::resource::prelude::*;

/// Stations booted.
pub(super) async fn boot(tx: &mut Tx, boots: &Of<'_, BootReport>) -> Result<()> {
    let now = tx.now();
    let ids: Vec<StationId> = boots.iter().map(|(_, from, _)| from.station_id).collect();
    let firmware: Vec<Option<&str>> = boots.iter().map(|(.., report)| report.firmware_version.as_deref()).collect();
    let reports: Vec<serde_json::Value> =
        boots.iter().map(|(.., report)| serde_json::to_value(report).unwrap_or_default()).collect();
    sql(
        "update station_live l set booted_at = $4, last_seen_at = $4, firmware_version = i.firmware, boot = i.boot \
         from unnest($1::uuid[], $2::text[], $3::jsonb[]) i(station_id, firmware, boot) where l.station_id = i.station_id",
    )
    .bind::<Array<SqlUuid>, _>(&ids)
    .bind::<Array<Nullable<Text>>, _>(&firmware)
    .bind::<Array<Jsonb>, _>(reports)
    .bind::<Timestamptz, _>(now)
    .execute(&mut **tx)
    .await
    .map_err(from_diesel)?;
    super::progress::booted(tx, &ids, &firmware).await?;
    let history: Vec<uuid::Uuid> = boots.iter().map(|_| tx.id()).collect();
    sql("insert into station_boot (id, partner_id, location_id, station_id, at, ocpp_version, reason, boot) \
         select i.id, l.partner_id, l.location_id, l.station_id, $2, coalesce(l.ocpp_version, 'ocpp1.6'), \
           l.boot->>'reason', l.boot \
         from unnest($1::uuid[], $3::uuid[]) i(id, station_id) join station_live l on l.station_id = i.station_id")
    .bind::<Array<SqlUuid>, _>(history)
    .bind::<Timestamptz, _>(now)
    .bind::<Array<SqlUuid>, _>(boots.iter().map(|(_, from, _)| from.station_id).collect::<Vec<_>>())
    .execute(&mut **tx)
    .await
    .map_err(from_diesel)?;
    // A station that booted may have lost its local list: its version is asked for.
    sql(
        "update local_list set state = 'unknown', due_at = $2, command_id = null where station_id = any($1::uuid[]) and enabled",
    )
    .bind::<Array<SqlUuid>, _>(boots.iter().map(|(_, from, _)| from.station_id).collect::<Vec<_>>())
    .bind::<Timestamptz, _>(now)
    .execute(&mut **tx)
    .await
    .map_err(from_diesel)?;
    for (_, from, report) in boots {
        let data = serde_json::json!({ "vendor": report.vendor, "model": report.model, "firmware_version": report.firmware_version });
        tx.emit(from.event(EventType::StationBooted, from.station_id, data));
    }
    Ok(())
}

#[derive(diesel::QueryableByName)]
struct Touched {
    #[diesel(sql_type = SqlUuid)]
    charge_point_id: ChargePointId,
}

#[derive(diesel::QueryableByName)]
struct Word {
    #[diesel(sql_type = SqlUuid)]
    charge_point_id: ChargePointId,
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = Timestamptz)]
    reported_at: Timestamp,
}

#[derive(diesel::QueryableByName)]
struct Changed {
    #[diesel(sql_type = SqlUuid)]
    charge_point_id: ChargePointId,
    #[diesel(sql_type = SqlUuid)]
    partner_id: PartnerId,
    #[diesel(sql_type = SqlUuid)]
    location_id: LocationId,
    #[diesel(sql_type = SqlUuid)]
    station_id: StationId,
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = Timestamptz)]
    status_at: Timestamp,
}

/// Connectors' statuses. An older report never overwrites a newer one.
pub(super) async fn status(tx: &mut Tx, reports: &Of<'_, StatusReport>, rules: &Rules) -> Result<()> {
    let now = tx.now();
    let at = |report: &StatusReport| clock::believed(report.at, now, rules.clock_tolerance, &mut Findings::default());
    let texts = |pick: fn(&StatusReport) -> &Option<String>| -> Vec<Option<String>> {
        reports.iter().map(|(.., report)| pick(report).clone()).collect()
    };
    let connectors = places(tx, reports, |report| (report.evse, report.connector)).await?;
    let touched: Vec<Touched> = sql(
        "insert into connector_live (station_id, ocpp_connector_id, partner_id, location_id, charge_point_id, status, \
           error_code, info, vendor_id, vendor_error_code, reported_at, received_at) \
         select i.station_id, i.connector, i.partner_id, i.location_id, c.charge_point_id, i.status, \
           i.error_code, i.info, i.vendor_id, i.vendor_error_code, i.at, $11 \
         from unnest($1::uuid[], $2::int[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[], \
           $9::text[], $10::timestamptz[]) \
           i(station_id, connector, partner_id, location_id, status, error_code, info, vendor_id, vendor_error_code, at) \
         left join connector c on c.station_id = i.station_id and c.ocpp_connector_id = i.connector \
         on conflict (station_id, ocpp_connector_id) do update set partner_id = excluded.partner_id, \
           location_id = excluded.location_id, charge_point_id = excluded.charge_point_id, \
           status = case when excluded.status = 'Occupied' \
             and connector_live.status in ('Preparing', 'Charging', 'SuspendedEV', 'SuspendedEVSE') \
             then connector_live.status else excluded.status end, \
           error_code = excluded.error_code, info = excluded.info, vendor_id = excluded.vendor_id, \
           vendor_error_code = excluded.vendor_error_code, reported_at = excluded.reported_at, \
           received_at = excluded.received_at \
         where connector_live.reported_at <= excluded.reported_at \
         returning coalesce(charge_point_id, '00000000-0000-0000-0000-000000000000') as charge_point_id",
    )
    .bind::<Array<SqlUuid>, _>(ids(reports, |from| from.station_id))
    .bind::<Array<Integer>, _>(connectors)
    .bind::<Array<SqlUuid>, _>(ids(reports, |from| from.partner_id))
    .bind::<Array<SqlUuid>, _>(ids(reports, |from| from.location_id))
    .bind::<Array<Text>, _>(reports.iter().map(|(.., report)| report.status.as_str()).collect::<Vec<_>>())
    .bind::<Array<Nullable<Text>>, _>(texts(|report| &report.error_code))
    .bind::<Array<Nullable<Text>>, _>(texts(|report| &report.info))
    .bind::<Array<Nullable<Text>>, _>(texts(|report| &report.vendor_id))
    .bind::<Array<Nullable<Text>>, _>(texts(|report| &report.vendor_error_code))
    .bind::<Array<Timestamptz>, _>(reports.iter().map(|(.., report)| at(report)).collect::<Vec<_>>())
    .bind::<Timestamptz, _>(now)
    .load(&mut **tx)
    .await
    .map_err(from_diesel)?;
    let points: Vec<ChargePointId> =
        touched.into_iter().map(|row| row.charge_point_id).filter(|id| !id.0.is_nil()).collect();
    if points.is_empty() { Ok(()) } else { settle(tx, points).await }
}

#[derive(diesel::QueryableByName)]
struct At {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    place: i64,
    #[diesel(sql_type = Integer)]
    connector: i32,
}

/// The numbers of connectors as OCPP 1.6 has them. OCPP 2.x counts them within an EVSE: the first of the charge point with
/// the EVSE's number is its 1, the next its 2; without such a charge point EVSE 3, connector 2 is 103.
pub(super) async fn places<T>(
    tx: &mut Tx,
    reports: &Of<'_, T>,
    place: impl Fn(&T) -> (Option<i32>, i32),
) -> Result<Vec<i32>> {
    let wanted: Vec<(Option<i32>, i32)> = reports.iter().map(|(.., report)| place(report)).collect();
    let mut found: Vec<i32> = wanted
        .iter()
        .map(|(evse, connector)| evse.map_or(*connector, |evse| (evse + (connector - 1).max(0) * 100).min(999)))
        .collect();
    if wanted.iter().all(|(evse, _)| evse.is_none()) {
        return Ok(found);
    }
    let known: Vec<At> = sql("select i.place, c.ocpp_connector_id as connector \
         from unnest($1::uuid[], $2::int[], $3::int[]) with ordinality i(station_id, evse, connector, place) \
         join lateral (select c.ocpp_connector_id, row_number() over (order by c.ocpp_connector_id) as rank \
           from charge_point p join connector c on c.charge_point_id = p.id \
           where p.station_id = i.station_id and p.evse_number = i.evse) c on c.rank = greatest(i.connector, 1)")
    .bind::<Array<SqlUuid>, _>(ids(reports, |from| from.station_id))
    .bind::<Array<Nullable<Integer>>, _>(wanted.iter().map(|(evse, _)| *evse).collect::<Vec<_>>())
    .bind::<Array<Integer>, _>(wanted.iter().map(|(_, connector)| *connector).collect::<Vec<_>>())
    .load(&mut **tx)
    .await
    .map_err(from_diesel)?;
    for at in known {
        found[at.place as usize - 1] = at.connector;
    }
    Ok(found)
}

/// No car charges there any more: a status that said so says that a cable is in, until the station says otherwise.
pub(super) async fn quieten(tx: &mut Tx, connectors: &[(StationId, i32)]) -> Result<()> {
    if connectors.is_empty() {
        return Ok(());
    }
    let touched: Vec<Touched> = sql(
        "update connector_live l set status = 'Occupied' from unnest($1::uuid[], $2::int[]) i(station_id, connector) \
         where l.station_id = i.station_id and l.ocpp_connector_id = i.connector and l.charge_point_id is not null \
           and l.status in ('Preparing', 'Charging', 'SuspendedEV', 'SuspendedEVSE') \
         returning l.charge_point_id",
    )
    .bind::<Array<SqlUuid>, _>(connectors.iter().map(|(station, _)| *station).collect::<Vec<_>>())
    .bind::<Array<Integer>, _>(connectors.iter().map(|(_, connector)| *connector).collect::<Vec<_>>())
    .load(&mut **tx)
    .await
    .map_err(from_diesel)?;
    let points: Vec<ChargePointId> = touched.into_iter().map(|row| row.charge_point_id).collect();
    if points.is_empty() { Ok(()) } else { settle(tx, points).await }
}

pub(super) fn ids<T, I>(reports: &Of<'_, T>, pick: impl Fn(&From) -> I) -> Vec<I> {
    reports.iter().map(|(_, from, _)| pick(from)).collect()
}

/// Brings charge points in line with their connectors; an event for each that changed.
async fn settle(tx: &mut Tx, points: Vec<ChargePointId>) -> Result<()> {
    let words: Vec<Word> =
        sql("select charge_point_id, status, reported_at from connector_live where charge_point_id = any($1::uuid[])")
            .bind::<Array<SqlUuid>, _>(points)
            .load(&mut **tx)
            .await
            .map_err(from_diesel)?;
    let mut by_point: HashMap<ChargePointId, (Vec<ChargePointStatus>, Timestamp)> = HashMap::new();
    for word in words {
        let entry = by_point.entry(word.charge_point_id).or_insert((Vec::new(), word.reported_at));
        entry.0.push(ChargePointStatus::from_ocpp(&word.status));
        entry.1 = entry.1.max(word.reported_at);
    }
    let (mut points, mut statuses, mut times, mut down): (Vec<_>, Vec<_>, Vec<_>, Vec<_>) = Default::default();
    for (point, (words, at)) in by_point {
        let status = ChargePointStatus::of_connectors(words);
        points.push(point);
        statuses.push(status.as_str());
        times.push(at);
        down.push(status.is_down().then_some(at));
    }
    let changed: Vec<Changed> = sql(
        "update charge_point_live l set status = i.status, status_at = i.at, \
           unavailable_since = case when i.down is null then null else coalesce(l.unavailable_since, i.down) end \
         from unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::timestamptz[]) i(charge_point_id, status, at, down) \
         where l.charge_point_id = i.charge_point_id and l.status <> i.status \
         returning l.charge_point_id, l.partner_id, l.location_id, l.station_id, l.status, l.status_at",
    )
    .bind::<Array<SqlUuid>, _>(points)
    .bind::<Array<Text>, _>(statuses)
    .bind::<Array<Timestamptz>, _>(times)
    .bind::<Array<Nullable<Timestamptz>>, _>(down)
    .load(&mut **tx)
    .await
    .map_err(from_diesel)?;
    for row in changed {
        let from = From::new(row.station_id, row.partner_id, row.location_id);
        let data = serde_json::json!({ "status": row.status, "at": row.status_at });
        tx.emit(from.event(EventType::StatusChanged, row.charge_point_id, data));
    }
    Ok(())
}
