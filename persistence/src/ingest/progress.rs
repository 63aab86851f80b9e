//! What stations say about logs and firmware. Rare, so one transaction each.

use diesel::sql_types::{Array, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use stromtor_domain::{
    file::{firmware_update::FirmwareUpdateId, log_request::LogKind},
    network::{location::LocationId, progress::ProgressReport, station::StationId},
};

use super::From;
use crate::{
    file::{firmware_publication, firmware_update, log_request},
    resource::prelude::*,
};

/// Takes a status message; one about nothing that we asked for is in the message log alone.
pub async fn progress(tx: &mut Tx, from: From, report: &ProgressReport) -> Result<()> {
    let station = from.station_id;
    match report {
        ProgressReport::Diagnostics { status } => {
            log_request::progress(tx, station, None, Some(LogKind::Diagnostics), status).await
        }
        ProgressReport::Log { status, request_id } => {
            log_request::progress(tx, station, *request_id, None, status).await
        }
        ProgressReport::Firmware { status, request_id } => {
            firmware_update::progress(tx, station, *request_id, status).await
        }
        ProgressReport::Publication { status, request_id, locations } => {
            firmware_publication::progress(tx, station, *request_id, status, locations).await
        }
    }
}

#[derive(diesel::QueryableByName)]
struct Updated {
    #[diesel(sql_type = SqlUuid)]
    id: FirmwareUpdateId,
    #[diesel(sql_type = SqlUuid)]
    partner_id: PartnerId,
    #[diesel(sql_type = SqlUuid)]
    location_id: LocationId,
    #[diesel(sql_type = SqlUuid)]
    station_id: StationId,
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = Text)]
    version: String,
}

/// Stations booted: an update whose version runs now is installed, whatever the station said of it; what runs after an
/// installation is kept.
pub(super) async fn booted(tx: &mut Tx, stations: &[StationId], firmware: &[Option<&str>]) -> Result<()> {
    let now = tx.now();
    let updated: Vec<Updated> = sql(
        "update firmware_update u set firmware_after = i.firmware, updated_at = $3, \
           state = case when u.version = i.firmware then 'installed' else u.state end \
         from unnest($1::uuid[], $2::text[]) i(station_id, firmware) \
         where u.station_id = i.station_id and i.firmware is not null and ( \
           u.state in ('downloaded', 'installing') \
           or u.state in ('accepted', 'downloading') and u.version = i.firmware and u.firmware_before is distinct from i.firmware \
           or u.state = 'installed' and u.updated_at > $3 - interval '1 day' \
             and (u.firmware_after is null or u.firmware_after = u.firmware_before)) \
         returning u.id, u.partner_id, u.location_id, u.station_id, u.state, u.version",
    )
    .bind::<Array<SqlUuid>, _>(stations)
    .bind::<Array<Nullable<Text>>, _>(firmware)
    .bind::<Timestamptz, _>(now)
    .load(&mut **tx)
    .await
    .map_err(from_diesel)?;
    for row in updated {
        let from = From::new(row.station_id, row.partner_id, row.location_id);
        let data = serde_json::json!({ "state": row.state, "version": row.version });
        tx.emit(from.event(EventType::FirmwareUpdateChanged, row.id, data));
    }
    Ok(())
}
