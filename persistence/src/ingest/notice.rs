//! What stations tell beside charging.

use diesel::sql_types::{Array, Bool, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use stromtor_domain::{
    network::notice::{
        ChargingNotice, MonitoringReport, Notice, ParameterReport, ReportPart, SecurityEventReport, is_critical,
    },
    session::{clock, finding::Findings},
};
use stromtor_schema::schema::{charging_notice, monitoring_event, security_event};
use uuid::Uuid;

use super::{From, Rules};
use crate::resource::prelude::*;

/// Takes a notice.
pub(super) async fn notice(tx: &mut Tx, from: From, notice: &Notice, rules: &Rules) -> Result<()> {
    match notice {
        Notice::Security(report) => security(tx, from, report, rules).await,
        Notice::Part(part) => {
            parameters(tx, from, &part.parameters).await?;
            self::part(tx, from, part).await
        }
        Notice::Monitoring { events } => monitoring(tx, from, events, rules).await,
        Notice::Charging(notice) => charging(tx, from, notice).await,
        Notice::Reservation { reservation_id, status } => reservation(tx, from, *reservation_id, status).await,
    }
}

fn believed(tx: &Tx, at: Option<Timestamp>, rules: &Rules) -> Timestamp {
    clock::believed(at, tx.now(), rules.clock_tolerance, &mut Findings::default())
}

async fn security(tx: &mut Tx, from: From, report: &SecurityEventReport, rules: &Rules) -> Result<()> {
    let (id, now): (Uuid, _) = (tx.id(), tx.now());
    let critical = is_critical(&report.kind);
    diesel::insert_into(security_event::table)
        .values((
            security_event::id.eq(id),
            security_event::partner_id.eq(from.partner_id),
            security_event::location_id.eq(from.location_id),
            security_event::station_id.eq(from.station_id),
            security_event::type_.eq(&report.kind),
            security_event::critical.eq(critical),
            security_event::tech_info.eq(&report.tech_info),
            security_event::at.eq(believed(tx, report.at, rules)),
            security_event::received_at.eq(now),
        ))
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    let data = serde_json::json!({ "type": report.kind, "critical": critical });
    tx.emit(from.event(EventType::SecurityEventReported, id, data));
    Ok(())
}

async fn monitoring(tx: &mut Tx, from: From, events: &[MonitoringReport], rules: &Rules) -> Result<()> {
    let now = tx.now();
    for event in events {
        let id: Uuid = tx.id();
        let fresh = diesel::insert_into(monitoring_event::table)
            .values((
                monitoring_event::id.eq(id),
                monitoring_event::partner_id.eq(from.partner_id),
                monitoring_event::location_id.eq(from.location_id),
                monitoring_event::station_id.eq(from.station_id),
                monitoring_event::event_id.eq(event.event_id),
                monitoring_event::at.eq(believed(tx, event.at, rules)),
                monitoring_event::received_at.eq(now),
                monitoring_event::trigger.eq(&event.trigger),
                monitoring_event::component.eq(&event.component),
                monitoring_event::variable.eq(&event.variable),
                monitoring_event::actual_value.eq(&event.actual_value),
                monitoring_event::cleared.eq(event.cleared),
                monitoring_event::monitoring_id.eq(event.monitoring_id),
                monitoring_event::transaction_ref.eq(&event.transaction),
                monitoring_event::notification_type.eq(&event.notification_type),
                (monitoring_event::tech_code.eq(&event.tech_code), monitoring_event::tech_info.eq(&event.tech_info)),
            ))
            .on_conflict_do_nothing()
            .execute(&mut **tx)
            .await
            .map_err(from_diesel)?;
        if fresh == 1 {
            let data = serde_json::json!({
                "component": event.component, "variable": event.variable, "actual_value": event.actual_value,
                "cleared": event.cleared,
            });
            tx.emit(from.event(EventType::MonitoringEventReported, id, data));
        }
    }
    Ok(())
}

async fn charging(tx: &mut Tx, from: From, notice: &ChargingNotice) -> Result<()> {
    let Some(content) = &notice.content else {
        diesel::delete(
            charging_notice::table.filter(
                charging_notice::station_id
                    .eq(from.station_id)
                    .and(charging_notice::kind.eq(notice.kind))
                    .and(charging_notice::evse.eq(notice.evse))
                    .and(charging_notice::source.eq(&notice.source)),
            ),
        )
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
        return Ok(());
    };
    diesel::insert_into(charging_notice::table)
        .values((
            charging_notice::station_id.eq(from.station_id),
            charging_notice::evse.eq(notice.evse),
            charging_notice::kind.eq(notice.kind),
            charging_notice::source.eq(&notice.source),
            charging_notice::partner_id.eq(from.partner_id),
            charging_notice::location_id.eq(from.location_id),
            charging_notice::content.eq(content),
            charging_notice::received_at.eq(tx.now()),
        ))
        .on_conflict((
            charging_notice::station_id,
            charging_notice::evse,
            charging_notice::kind,
            charging_notice::source,
        ))
        .do_update()
        .set((charging_notice::content.eq(content), charging_notice::received_at.eq(tx.now())))
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    tx.emit(from.event(
        EventType::ChargingNoticeReported,
        from.station_id,
        serde_json::json!({ "kind": notice.kind, "evse": notice.evse }),
    ));
    Ok(())
}

async fn reservation(tx: &mut Tx, from: From, reservation_id: i32, status: &str) -> Result<()> {
    let state = if status == "Expired" { "expired" } else { "removed" };
    sql("update reservation set state = $3, detail = $4, updated_at = $5 \
         where station_id = $1 and ocpp_reservation_id = $2 and state in ('requested', 'active')")
    .bind::<SqlUuid, _>(from.station_id)
    .bind::<Integer, _>(reservation_id)
    .bind::<Text, _>(state)
    .bind::<Text, _>(status)
    .bind::<Timestamptz, _>(tx.now())
    .execute(&mut **tx)
    .await
    .map_err(from_diesel)?;
    Ok(())
}

/// A part of a report; parts may be repeated and in any order. One without a number (-1) comes behind those that are there.
async fn part(tx: &mut Tx, from: From, part: &ReportPart) -> Result<()> {
    let (id, now): (Uuid, _) = (tx.id(), tx.now());
    sql(
        "insert into station_report as r (id, partner_id, location_id, station_id, kind, request_id, parts, last_part, \
           complete, created_at, updated_at) \
         values ($1, $2, $3, $4, $5, $6, jsonb_build_object(greatest($7, 0)::text, $8), \
           case when $9 then null else greatest($7, 0) end, not $9 and $7 <= 0, $10, $10) \
         on conflict (station_id, kind, request_id) do update set \
           parts = r.parts || jsonb_build_object( \
             (case when $7 >= 0 then $7 else (select count(*) from jsonb_object_keys(r.parts))::int end)::text, $8), \
           last_part = case when $9 then r.last_part when $7 >= 0 then $7 \
             else (select count(*) from jsonb_object_keys(r.parts))::int end, updated_at = $10",
    )
    .bind::<SqlUuid, _>(id)
    .bind::<SqlUuid, _>(from.partner_id)
    .bind::<SqlUuid, _>(from.location_id)
    .bind::<SqlUuid, _>(from.station_id)
    .bind::<Text, _>(part.kind)
    .bind::<Integer, _>(part.request_id)
    .bind::<Integer, _>(part.seq_no)
    .bind::<Jsonb, _>(serde_json::Value::Array(part.items.clone()))
    .bind::<Bool, _>(part.more)
    .bind::<Timestamptz, _>(now)
    .execute(&mut **tx)
    .await
    .map_err(from_diesel)?;
    let complete: Vec<Complete> =
        sql("update station_report set complete = (select count(*) from jsonb_object_keys(parts)) = last_part + 1 \
         where station_id = $1 and kind = $2 and request_id = $3 returning id, coalesce(complete, false) as complete")
        .bind::<SqlUuid, _>(from.station_id)
        .bind::<Text, _>(part.kind)
        .bind::<Integer, _>(part.request_id)
        .load(&mut **tx)
        .await
        .map_err(from_diesel)?;
    if let Some(row) = complete.into_iter().find(|row| row.complete) {
        let data = serde_json::json!({ "kind": part.kind, "request_id": part.request_id });
        tx.emit(from.event(EventType::StationReportCompleted, row.id, data));
    }
    Ok(())
}

#[derive(diesel::QueryableByName)]
struct Complete {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Bool)]
    complete: bool,
}

/// Parameters as a station reports them.
pub async fn parameters(tx: &mut Tx, from: From, reports: &[ParameterReport]) -> Result<()> {
    if reports.is_empty() {
        return Ok(());
    }
    // One statement cannot touch a row twice.
    let mut newest: Vec<&ParameterReport> = Vec::new();
    for report in reports {
        match newest.iter_mut().find(|other| other.name == report.name && other.attribute == report.attribute) {
            Some(other) => *other = report,
            None => newest.push(report),
        }
    }
    let texts = |pick: fn(&ParameterReport) -> Option<String>| newest.iter().map(|one| pick(one)).collect::<Vec<_>>();
    sql(
        "insert into station_parameter as p (station_id, name, attribute, partner_id, location_id, value, mutability, data_type, \
           unit, min_limit, max_limit, values_list, supports_monitoring, reported_at) \
         select $1, i.name, i.attribute, $2, $3, i.value, i.mutability, i.data_type, i.unit, i.min_limit, i.max_limit, \
           i.values_list, i.supports_monitoring, $14 \
         from unnest($4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], \
           $12::text[], $13::bool[]) i(name, attribute, value, mutability, data_type, unit, min_limit, max_limit, values_list, \
           supports_monitoring) \
         on conflict (station_id, name, attribute) do update set partner_id = excluded.partner_id, \
           location_id = excluded.location_id, reboot_required = p.reboot_required and p.value is not distinct from excluded.value, \
           value = excluded.value, mutability = coalesce(excluded.mutability, p.mutability), \
           data_type = coalesce(excluded.data_type, p.data_type), unit = coalesce(excluded.unit, p.unit), \
           min_limit = coalesce(excluded.min_limit, p.min_limit), max_limit = coalesce(excluded.max_limit, p.max_limit), \
           values_list = coalesce(excluded.values_list, p.values_list), \
           supports_monitoring = coalesce(excluded.supports_monitoring, p.supports_monitoring), \
           reported_at = excluded.reported_at",
    )
    .bind::<SqlUuid, _>(from.station_id)
    .bind::<SqlUuid, _>(from.partner_id)
    .bind::<SqlUuid, _>(from.location_id)
    .bind::<Array<Text>, _>(newest.iter().map(|one| one.name.clone()).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(newest.iter().map(|one| one.attribute.clone()).collect::<Vec<_>>())
    .bind::<Array<Nullable<Text>>, _>(texts(|one| one.value.clone()))
    .bind::<Array<Nullable<Text>>, _>(newest.iter().map(|one| one.mutability).collect::<Vec<_>>())
    .bind::<Array<Nullable<Text>>, _>(texts(|one| one.data_type.clone()))
    .bind::<Array<Nullable<Text>>, _>(texts(|one| one.unit.clone()))
    .bind::<Array<Nullable<Text>>, _>(texts(|one| one.min_limit.map(|limit| limit.normalize().to_string())))
    .bind::<Array<Nullable<Text>>, _>(texts(|one| one.max_limit.map(|limit| limit.normalize().to_string())))
    .bind::<Array<Nullable<Text>>, _>(texts(|one| one.values_list.clone()))
    .bind::<Array<Nullable<Bool>>, _>(newest.iter().map(|one| one.supports_monitoring).collect::<Vec<_>>())
    .bind::<Timestamptz, _>(tx.now())
    .execute(&mut **tx)
    .await
    .map_err(from_diesel)?;
    Ok(())
}
