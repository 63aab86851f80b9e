//! The OCPP message log, written in batches.

use stromtor_domain::network::{location::LocationId, station::StationId};
use stromtor_schema::schema::ocpp_message;
use uuid::Uuid;

use crate::resource::prelude::*;

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
