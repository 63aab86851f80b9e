//! Sessions of which nothing is heard any more: their end was lost for good.

use diesel::sql_types::{BigInt, Jsonb, Timestamptz, Uuid as SqlUuid};
use stromtor_domain::{
    event::Event,
    network::{location::LocationId, station::StationId},
    session::finding::{Finding, Findings},
};
use uuid::Uuid;

use crate::{ingest::stop::ask_for_settlement, resource::prelude::*};

#[derive(diesel::QueryableByName)]
struct Ended {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    operator_id: PartnerId,
    #[diesel(sql_type = SqlUuid)]
    station_id: StationId,
    #[diesel(sql_type = SqlUuid)]
    location_id: LocationId,
}

/// Ends sessions at their last reading: those silent since before `silent` whose connector is reported free or out of order
/// or whose station is not connected, and any silent since before `abandoned`. At most `most`; how many.
pub async fn end(tx: &mut Tx, silent: Timestamp, abandoned: Timestamp, most: i64) -> Result<usize> {
    let now = tx.now();
    let ended: Vec<Ended> = sql(
        "with over as ( \
           select s.id from session s left join station_live l on l.station_id = s.station_id \
           left join connector_live c on c.station_id = s.station_id and c.ocpp_connector_id = s.ocpp_connector_id \
           where s.state = 'active' and coalesce(s.last_reading_at, s.started_at) < $1 \
             and (coalesce(s.last_reading_at, s.started_at) < $2 or not coalesce(l.connected, false) \
               or c.status in ('Available', 'Unavailable', 'Faulted', 'Reserved')) \
           order by s.id limit $3 for update of s skip locked) \
         update session s set state = 'ended', ended_at = greatest(s.started_at, s.last_reading_at), stop_reason = 'Other', \
           findings = s.findings || $4::jsonb, power_w = null, updated_at = $5 \
         from over where s.id = over.id returning s.id, s.operator_id, s.station_id, s.location_id",
    )
    .bind::<Timestamptz, _>(silent)
    .bind::<Timestamptz, _>(abandoned)
    .bind::<BigInt, _>(most)
    .bind::<Jsonb, _>(Findings(vec![Finding::NeverStopped]))
    .bind::<Timestamptz, _>(now)
    .load(&mut **tx)
    .await
    .map_err(from_diesel)?;
    let ids: Vec<Uuid> = ended.iter().map(|row| row.id).collect();
    sql("update charge_point_live set session_id = null where session_id = any($1::uuid[])")
        .bind::<diesel::sql_types::Array<SqlUuid>, _>(ids)
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    let due: Vec<(Uuid, PartnerId)> = ended.iter().map(|row| (row.id, row.operator_id)).collect();
    for row in &ended {
        tx.emit(Event {
            kind: EventType::SessionEnded,
            partner_id: row.operator_id.0,
            station_id: Some(row.station_id.0),
            location_id: Some(row.location_id.0),
            resource_id: row.id,
            data: serde_json::json!({ "presumed": true }),
        });
    }
    ask_for_settlement(tx, &due, now).await?;
    Ok(ended.len())
}
