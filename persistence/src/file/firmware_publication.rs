//! Firmware that local controllers serve.

use stromtor_domain::{
    command::{Command, CommandId, CommandState},
    event::Event,
    file::{
        firmware_image::{FirmwareImage, FirmwareImageId},
        firmware_publication::{FirmwarePublication, FirmwarePublicationId, FirmwarePublicationState},
    },
    network::{
        location::LocationId,
        progress::ProgressHistory,
        station::{Station, StationId},
    },
};
use stromtor_schema::schema::firmware_publication;

use crate::resource::prelude::*;

/// What a list of them may be narrowed by.
#[derive(Debug, Clone, Default)]
pub struct FirmwarePublicationFilter {
    /// By this operator's controllers.
    pub partner_id: Option<PartnerId>,
    /// By controllers at this location.
    pub location_id: Option<LocationId>,
    /// By this controller.
    pub station_id: Option<StationId>,
    /// Of this image.
    pub firmware_image_id: Option<FirmwareImageId>,
    /// This far.
    pub state: Option<FirmwarePublicationState>,
}

listing!(FirmwarePublicationFilter => FirmwarePublication);

/// One page, newest first.
pub async fn list(
    tx: &mut Tx,
    filter: &FirmwarePublicationFilter,
    page: &PageRequest,
) -> Result<Page<FirmwarePublication>> {
    let limit = page.limit()?;
    let mut query = firmware_publication::table
        .select(FirmwarePublication::as_select())
        .order(firmware_publication::id.desc())
        .into_boxed();
    if let Some(after) = page.after::<FirmwarePublicationId>()? {
        query = query.filter(firmware_publication::id.lt(after));
    }
    if let Some(partner_id) = filter.partner_id {
        query = query.filter(firmware_publication::partner_id.eq(partner_id));
    }
    if let Some(location_id) = filter.location_id {
        query = query.filter(firmware_publication::location_id.eq(location_id));
    }
    if let Some(station_id) = filter.station_id {
        query = query.filter(firmware_publication::station_id.eq(station_id));
    }
    if let Some(image_id) = filter.firmware_image_id {
        query = query.filter(firmware_publication::firmware_image_id.assume_not_null().eq(image_id));
    }
    if let Some(state) = filter.state {
        query = query.filter(firmware_publication::state.eq(state));
    }
    let rows = query.limit(limit as i64 + 1).load(&mut **tx).await.map_err(from_diesel)?;
    Ok(Page::cut(rows, limit, |row: &FirmwarePublication| row.id))
}

/// One of them.
pub async fn get(tx: &mut Tx, id: FirmwarePublicationId) -> Result<FirmwarePublication> {
    firmware_publication::table
        .filter(firmware_publication::id.eq(id))
        .select(FirmwarePublication::as_select())
        .first(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)?
        .ok_or(Error::NotFound("firmware publication"))
}

async fn lock(tx: &mut Tx, id: FirmwarePublicationId) -> Result<FirmwarePublication> {
    firmware_publication::table
        .filter(firmware_publication::id.eq(id))
        .select(FirmwarePublication::as_select())
        .for_update()
        .first(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)?
        .ok_or(Error::NotFound("firmware publication"))
}

/// One that can be taken back, locked.
pub async fn lock_published(tx: &mut Tx, id: FirmwarePublicationId) -> Result<FirmwarePublication> {
    use FirmwarePublicationState as S;
    let found = lock(tx, id).await?;
    if matches!(found.state, S::Requested | S::Rejected | S::Unpublishing | S::Unpublished) {
        return Err(Error::conflict("firmware_not_published", "the controller does not serve the image"));
    }
    Ok(found)
}

/// Notes that a controller was given an image.
pub async fn create(
    tx: &mut Tx,
    station: &Station,
    image: &FirmwareImage,
    ocpp_request_id: i32,
    command_id: CommandId,
) -> Result<FirmwarePublication> {
    let (id, now): (FirmwarePublicationId, _) = (tx.id(), tx.now());
    let created_by = tx.actor().name.clone();
    let created: FirmwarePublication = diesel::insert_into(firmware_publication::table)
        .values((
            firmware_publication::id.eq(id),
            firmware_publication::partner_id.eq(station.partner_id),
            firmware_publication::location_id.eq(station.input.location_id),
            firmware_publication::station_id.eq(station.id),
            firmware_publication::firmware_image_id.eq(image.id),
            firmware_publication::name.eq(&image.input.name),
            firmware_publication::version.eq(&image.input.version),
            firmware_publication::checksum.eq(image.md5.as_deref().unwrap_or_default()),
            firmware_publication::ocpp_request_id.eq(ocpp_request_id),
            firmware_publication::state.eq(FirmwarePublicationState::Requested),
            firmware_publication::locations.eq(Vec::<String>::new()),
            firmware_publication::history.eq(ProgressHistory::default()),
            firmware_publication::command_id.eq(command_id),
            firmware_publication::created_by.eq(created_by),
            firmware_publication::created_at.eq(now),
            firmware_publication::updated_at.eq(now),
        ))
        .returning(FirmwarePublication::as_returning())
        .get_result(&mut **tx)
        .await
        .map_err(from_diesel)?;
    tx.audit("create", "firmware publication", created.partner_id, id, None, Some(&created));
    note(tx, &created);
    Ok(created)
}

fn note(tx: &mut Tx, publication: &FirmwarePublication) {
    tx.emit(Event {
        kind: EventType::FirmwarePublicationChanged,
        partner_id: publication.partner_id.0,
        station_id: Some(publication.station_id.0),
        location_id: Some(publication.location_id.0),
        resource_id: publication.id.0,
        data: serde_json::json!({ "state": publication.state, "detail": publication.detail }),
    });
}

async fn save(tx: &mut Tx, changed: FirmwarePublication) -> Result<FirmwarePublication> {
    let now = tx.now();
    let row = firmware_publication::table.filter(firmware_publication::id.eq(changed.id));
    let saved: FirmwarePublication = diesel::update(row)
        .set((
            firmware_publication::state.eq(changed.state),
            firmware_publication::detail.eq(changed.detail),
            firmware_publication::locations.eq(changed.locations),
            firmware_publication::history.eq(changed.history),
            firmware_publication::unpublish_command_id.eq(changed.unpublish_command_id),
            firmware_publication::updated_at.eq(now),
        ))
        .returning(FirmwarePublication::as_returning())
        .get_result(&mut **tx)
        .await
        .map_err(from_diesel)?;
    note(tx, &saved);
    Ok(saved)
}

/// Notes that the controller was asked to serve it no longer.
pub async fn unpublish(tx: &mut Tx, before: FirmwarePublication, command_id: CommandId) -> Result<FirmwarePublication> {
    let changed = FirmwarePublication {
        state: FirmwarePublicationState::Unpublishing,
        unpublish_command_id: Some(command_id),
        ..before.clone()
    };
    let after = save(tx, changed).await?;
    tx.audit("unpublish", "firmware publication", after.partner_id, after.id, Some(&before), Some(&after));
    Ok(after)
}

/// What the controller answered to PublishFirmware or UnpublishFirmware, or that it was not reached.
pub async fn answered(tx: &mut Tx, ended: &Command) -> Result<()> {
    let asked = firmware_publication::table
        .filter(
            firmware_publication::command_id
                .assume_not_null()
                .eq(ended.id)
                .or(firmware_publication::unpublish_command_id.assume_not_null().eq(ended.id)),
        )
        .select(FirmwarePublication::as_select())
        .for_update();
    let found: Option<FirmwarePublication> = asked.first(&mut **tx).await.optional().map_err(from_diesel)?;
    let Some(mut row) = found else { return Ok(()) };
    use FirmwarePublicationState as S;
    let word = ended.response.as_ref().and_then(|response| response["status"].as_str());
    let detail = word.map(str::to_owned).or_else(|| ended.error.clone());
    let reached = matches!(ended.state, CommandState::Accepted | CommandState::Rejected);
    row.state = if row.unpublish_command_id == Some(ended.id) {
        match word {
            Some("Unpublished" | "NoFirmware") => S::Unpublished,
            // OCPP 2.0.1 L04.FR.03: a download is going on. It is served as before.
            _ => S::Published,
        }
    } else if row.state != S::Requested {
        // The controller's first status message has overtaken its answer.
        return Ok(());
    } else if reached {
        if word == Some("Accepted") { S::Accepted } else { S::Rejected }
    } else {
        S::Failed
    };
    row.detail = detail;
    save(tx, row).await.map(drop)
}

/// A controller's word about a publication.
pub async fn progress(
    tx: &mut Tx,
    station_id: StationId,
    request_id: Option<i32>,
    word: &str,
    locations: &[String],
) -> Result<()> {
    // Only says that nothing is going on; the answer to a trigger.
    if word == "Idle" {
        return Ok(());
    }
    let mut query = firmware_publication::table
        .filter(firmware_publication::station_id.eq(station_id))
        .select(firmware_publication::id)
        .order(firmware_publication::id.desc())
        .limit(1)
        .into_boxed();
    match request_id {
        Some(number) => query = query.filter(firmware_publication::ocpp_request_id.eq(number)),
        None => query = query.filter(firmware_publication::state.eq_any(FirmwarePublicationState::OPEN)),
    }
    let found: Option<FirmwarePublicationId> = query.first(&mut **tx).await.optional().map_err(from_diesel)?;
    let Some(id) = found else { return Ok(()) };
    let mut row = lock(tx, id).await?;
    row.state = row.state.after(word);
    row.detail = Some(word.to_owned());
    let now = tx.now();
    row.history.note(now, word);
    if !locations.is_empty() {
        row.locations = locations.to_vec();
    }
    save(tx, row).await.map(drop)
}
