//! Firmware updates of single stations.

use stromtor_domain::{
    command::{Command, CommandId, CommandState},
    event::Event,
    file::{
        firmware_image::{FirmwareImage, FirmwareImageId},
        firmware_update::{FirmwareUpdate, FirmwareUpdateId, FirmwareUpdateInput, FirmwareUpdateState},
    },
    network::{
        location::LocationId,
        progress::ProgressHistory,
        station::{Station, StationId},
    },
};
use stromtor_schema::schema::{firmware_update, station_live};

use crate::{command, file::transfer, resource::prelude::*};

/// What a list of them may be narrowed by.
#[derive(Debug, Clone, Default)]
pub struct FirmwareUpdateFilter {
    /// Of this operator's stations.
    pub partner_id: Option<PartnerId>,
    /// Of stations at this location.
    pub location_id: Option<LocationId>,
    /// Of this station.
    pub station_id: Option<StationId>,
    /// To this image.
    pub firmware_image_id: Option<FirmwareImageId>,
    /// This far.
    pub state: Option<FirmwareUpdateState>,
}

listing!(FirmwareUpdateFilter => FirmwareUpdate);

/// One page, newest first.
pub async fn list(tx: &mut Tx, filter: &FirmwareUpdateFilter, page: &PageRequest) -> Result<Page<FirmwareUpdate>> {
    let limit = page.limit()?;
    let mut query =
        firmware_update::table.select(FirmwareUpdate::as_select()).order(firmware_update::id.desc()).into_boxed();
    if let Some(after) = page.after::<FirmwareUpdateId>()? {
        query = query.filter(firmware_update::id.lt(after));
    }
    if let Some(partner_id) = filter.partner_id {
        query = query.filter(firmware_update::partner_id.eq(partner_id));
    }
    if let Some(location_id) = filter.location_id {
        query = query.filter(firmware_update::location_id.eq(location_id));
    }
    if let Some(station_id) = filter.station_id {
        query = query.filter(firmware_update::station_id.eq(station_id));
    }
    if let Some(image_id) = filter.firmware_image_id {
        query = query.filter(firmware_update::firmware_image_id.assume_not_null().eq(image_id));
    }
    if let Some(state) = filter.state {
        query = query.filter(firmware_update::state.eq(state));
    }
    let rows = query.limit(limit as i64 + 1).load(&mut **tx).await.map_err(from_diesel)?;
    Ok(Page::cut(rows, limit, |row: &FirmwareUpdate| row.id))
}

/// One of them.
pub async fn get(tx: &mut Tx, id: FirmwareUpdateId) -> Result<FirmwareUpdate> {
    firmware_update::table
        .filter(firmware_update::id.eq(id))
        .select(FirmwareUpdate::as_select())
        .first(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)?
        .ok_or(Error::NotFound("firmware update"))
}

async fn lock(tx: &mut Tx, id: FirmwareUpdateId) -> Result<FirmwareUpdate> {
    firmware_update::table
        .filter(firmware_update::id.eq(id))
        .select(FirmwareUpdate::as_select())
        .for_update()
        .first(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)?
        .ok_or(Error::NotFound("firmware update"))
}

/// Whether a station has an update that has not ended.
pub async fn running(tx: &mut Tx, station_id: StationId) -> Result<bool> {
    let open = firmware_update::table.filter(
        firmware_update::station_id.eq(station_id).and(firmware_update::state.eq_any(FirmwareUpdateState::OPEN)),
    );
    diesel::select(diesel::dsl::exists(open)).get_result(&mut **tx).await.map_err(from_diesel)
}

/// What is new about an update beside the caller's wishes.
#[derive(Debug, Clone)]
pub struct NewFirmwareUpdate {
    /// The number in the station's messages.
    pub ocpp_request_id: i32,
    /// The command that asks.
    pub command_id: CommandId,
    /// Whether the station is given the signature.
    pub signed: bool,
    /// The station downloads from then on.
    pub retrieve_at: Timestamp,
}

/// Notes that a station was given an image; refused while an earlier one is on its way.
pub async fn create(
    tx: &mut Tx,
    station: &Station,
    image: &FirmwareImage,
    input: &FirmwareUpdateInput,
    new: NewFirmwareUpdate,
) -> Result<FirmwareUpdate> {
    let (id, now): (FirmwareUpdateId, _) = (tx.id(), tx.now());
    let created_by = tx.actor().name.clone();
    let before: Option<Option<String>> = station_live::table
        .filter(station_live::station_id.eq(station.id))
        .select(station_live::firmware_version)
        .first(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)?;
    let created: FirmwareUpdate = diesel::insert_into(firmware_update::table)
        .values((
            firmware_update::id.eq(id),
            firmware_update::partner_id.eq(station.partner_id),
            firmware_update::location_id.eq(station.input.location_id),
            firmware_update::station_id.eq(station.id),
            firmware_update::firmware_image_id.eq(image.id),
            firmware_update::name.eq(&image.input.name),
            firmware_update::version.eq(&image.input.version),
            firmware_update::ocpp_request_id.eq(new.ocpp_request_id),
            firmware_update::signed.eq(new.signed),
            firmware_update::retrieve_at.eq(new.retrieve_at),
            firmware_update::install_at.eq(input.install_at),
            firmware_update::retries.eq(input.retries),
            firmware_update::retry_interval_s.eq(input.retry_interval_s),
            firmware_update::state.eq(FirmwareUpdateState::Requested),
            firmware_update::history.eq(ProgressHistory::default()),
            firmware_update::firmware_before.eq(before.flatten()),
            firmware_update::command_id.eq(new.command_id),
            firmware_update::created_by.eq(created_by),
            firmware_update::created_at.eq(now),
            firmware_update::updated_at.eq(now),
        ))
        .returning(FirmwareUpdate::as_returning())
        .get_result(&mut **tx)
        .await
        .map_err(|error| match from_diesel(error) {
            // Its only unique key beside the id is the one open update of a station.
            Error::Conflict { code: "already_exists", .. } => busy(),
            other => other,
        })?;
    tx.audit("create", "firmware update", created.partner_id, id, None, Some(&created));
    note(tx, &created);
    Ok(created)
}

/// Another update of the station has not ended.
#[must_use]
pub fn busy() -> Error {
    Error::conflict("firmware_update_running", "an earlier update of the station has not ended")
}

fn note(tx: &mut Tx, update: &FirmwareUpdate) {
    tx.emit(Event {
        kind: EventType::FirmwareUpdateChanged,
        partner_id: update.partner_id.0,
        station_id: Some(update.station_id.0),
        location_id: Some(update.location_id.0),
        resource_id: update.id.0,
        data: serde_json::json!({ "state": update.state, "detail": update.detail, "version": update.version }),
    });
}

async fn save(tx: &mut Tx, update: FirmwareUpdate) -> Result<FirmwareUpdate> {
    let now = tx.now();
    let saved: FirmwareUpdate = diesel::update(firmware_update::table.filter(firmware_update::id.eq(update.id)))
        .set((
            firmware_update::state.eq(update.state),
            firmware_update::detail.eq(update.detail),
            firmware_update::history.eq(update.history),
            firmware_update::updated_at.eq(now),
        ))
        .returning(FirmwareUpdate::as_returning())
        .get_result(&mut **tx)
        .await
        .map_err(from_diesel)?;
    note(tx, &saved);
    Ok(saved)
}

/// Gives an update up. OCPP has no message for it: a command that still waits is not sent, the image can no longer be
/// downloaded by it, and a station that has it goes on unless it is given another.
pub async fn cancel(tx: &mut Tx, id: FirmwareUpdateId) -> Result<FirmwareUpdate> {
    // Locked in the order in which answers lock them: command, right, update.
    if let Some(command_id) = get(tx, id).await?.command_id {
        command::withdraw(tx, command_id).await?;
    }
    transfer::revoke_download(tx, id).await?;
    let mut update = lock(tx, id).await?;
    if !update.state.is_open() {
        return Err(Error::conflict("firmware_update_ended", "the update has ended already"));
    }
    let before = update.clone();
    update.state = FirmwareUpdateState::Cancelled;
    let after = save(tx, update).await?;
    tx.audit("cancel", "firmware update", after.partner_id, id, Some(&before), Some(&after));
    Ok(after)
}

/// What the station answered to the call, or that it was not reached.
pub async fn answered(tx: &mut Tx, ended: &Command) -> Result<()> {
    let asked = firmware_update::table
        .filter(firmware_update::command_id.assume_not_null().eq(ended.id))
        .select(FirmwareUpdate::as_select())
        .for_update();
    let found: Option<FirmwareUpdate> = asked.first(&mut **tx).await.optional().map_err(from_diesel)?;
    // The station's first status message may have overtaken its answer.
    let Some(mut update) = found.filter(|update| update.state == FirmwareUpdateState::Requested) else {
        return Ok(());
    };
    let word = ended.response.as_ref().and_then(|response| response["status"].as_str());
    (update.state, update.detail) = match (ended.state, word) {
        (CommandState::Accepted | CommandState::Rejected, Some("Accepted" | "AcceptedCanceled"))
        | (CommandState::Accepted, None) => (FirmwareUpdateState::Accepted, word.map(str::to_owned)),
        (CommandState::Accepted | CommandState::Rejected, word) => {
            (FirmwareUpdateState::Rejected, word.map(str::to_owned))
        }
        _ => (FirmwareUpdateState::Failed, ended.error.clone()),
    };
    save(tx, update).await.map(drop)
}

/// A station's word about its update: the one with the number, or the newest that is open, or else the newest of the
/// last day.
pub async fn progress(tx: &mut Tx, station_id: StationId, request_id: Option<i32>, word: &str) -> Result<()> {
    // Only says that nothing is going on; the answer to a trigger.
    if word == "Idle" {
        return Ok(());
    }
    let recent = tx.now() - chrono::TimeDelta::days(1);
    let mut query = firmware_update::table
        .filter(firmware_update::station_id.eq(station_id))
        .select(firmware_update::id)
        .order((firmware_update::state.eq_any(FirmwareUpdateState::OPEN).desc(), firmware_update::id.desc()))
        .limit(1)
        .into_boxed();
    match request_id {
        Some(number) => query = query.filter(firmware_update::ocpp_request_id.eq(number)),
        None => query = query.filter(firmware_update::updated_at.gt(recent)),
    }
    let found: Option<FirmwareUpdateId> = query.first(&mut **tx).await.optional().map_err(from_diesel)?;
    let Some(id) = found else { return Ok(()) };
    let mut update = lock(tx, id).await?;
    let next = update.state.after(word);
    // One that had failed goes on only when no other has begun since.
    if update.state.is_open() || !next.is_open() || !running(tx, station_id).await? {
        update.state = next;
    }
    update.detail = Some(word.to_owned());
    let now = tx.now();
    update.history.note(now, word);
    save(tx, update).await.map(drop)
}
