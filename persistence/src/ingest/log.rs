//! The OCPP message log, written in batches.

use diesel::sql_types::{Array, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use stromtor_domain::network::{location::LocationId, station::StationId};
use uuid::Uuid;

use crate::resource::prelude::*;

/// A message of the log.
#[derive(Debug, Clone)]
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

/// Writes a batch of the message log: one prepared statement, whatever the number of rows. A commit may be done and yet not
/// be answered: then the batch comes `again`, and what is there already stays. Looking for that costs a fifth of the writing.
pub async fn messages(tx: &mut Tx, rows: &[MessageRow], again: bool) -> Result<()> {
    const INSERT: &str = "\
        insert into ocpp_message (id, at, partner_id, location_id, station_id, direction, kind, action, message_id, payload, \
          quirks) \
        select i.id, i.at, i.partner_id, i.location_id, i.station_id, i.direction, i.kind, i.action, i.message_id, i.payload, \
          string_to_array(i.quirks, ',') \
        from unnest($1::uuid[], $2::timestamptz[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::text[], \
          $9::text[], $10::text[], $11::text[]) \
          i(id, at, partner_id, location_id, station_id, direction, kind, action, message_id, payload, quirks)";
    let ids = |pick: fn(&MessageRow) -> Uuid| rows.iter().map(pick).collect::<Vec<_>>();
    sql(if again { format!("{INSERT} on conflict do nothing").into() } else { std::borrow::Cow::Borrowed(INSERT) })
        .bind::<Array<SqlUuid>, _>(ids(|row| row.id))
        .bind::<Array<Timestamptz>, _>(rows.iter().map(|row| row.at).collect::<Vec<_>>())
        .bind::<Array<SqlUuid>, _>(ids(|row| row.partner_id.0))
        .bind::<Array<SqlUuid>, _>(ids(|row| row.location_id.0))
        .bind::<Array<SqlUuid>, _>(ids(|row| row.station_id.0))
        .bind::<Array<Text>, _>(rows.iter().map(|row| row.direction).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(rows.iter().map(|row| row.kind).collect::<Vec<_>>())
        .bind::<Array<Nullable<Text>>, _>(rows.iter().map(|row| row.action.as_deref()).collect::<Vec<_>>())
        .bind::<Array<Nullable<Text>>, _>(rows.iter().map(|row| row.message_id.as_deref()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(rows.iter().map(|row| row.payload.as_str()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(rows.iter().map(|row| row.quirks.join(",")).collect::<Vec<_>>())
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    Ok(())
}
