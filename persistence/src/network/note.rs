//! Dated notes on stations and charge points.

use stromtor_domain::network::{
    charge_point::ChargePointId,
    note::{Note, NoteId, NoteInput},
    station::StationId,
};
use stromtor_schema::schema::note as notes;

use crate::{
    network::{charge_point, station},
    resource::{Owned as _, prelude::*},
};

resource!(notes: Note, NoteInput, NoteId, "note");

/// What a list of notes may be narrowed by.
#[derive(Debug, Clone, Default)]
pub struct NoteFilter {
    /// Of this partner alone.
    pub partner_id: Option<PartnerId>,
    /// On this station.
    pub station_id: Option<StationId>,
    /// On this charge point.
    pub charge_point_id: Option<ChargePointId>,
}

listing!(NoteFilter => Note);

/// One page, newest first.
pub async fn list(tx: &mut Tx, filter: &NoteFilter, page: &PageRequest) -> Result<Page<Note>> {
    let limit = page.limit()?;
    let mut query = notes::table.select(Note::as_select()).order(notes::id.desc()).into_boxed();
    if let Some(after) = page.after::<NoteId>()? {
        query = query.filter(notes::id.lt(after));
    }
    if let Some(partner_id) = filter.partner_id {
        query = query.filter(notes::partner_id.eq(partner_id));
    }
    if let Some(station_id) = filter.station_id {
        query = query.filter(notes::station_id.eq(station_id));
    }
    if let Some(charge_point_id) = filter.charge_point_id {
        query = query.filter(notes::charge_point_id.assume_not_null().eq(charge_point_id));
    }
    let rows = query.limit(limit as i64 + 1).load(&mut **tx).await.map_err(from_diesel)?;
    Ok(Page::cut(rows, limit, |row: &Note| row.id))
}

/// A charge point that a note names must be the station's.
async fn check_place(tx: &mut Tx, station_id: StationId, input: &NoteInput) -> Result<()> {
    let Some(id) = input.charge_point_id else { return Ok(()) };
    match charge_point::get(tx, id).await {
        Ok(point) if point.station_id == station_id => Ok(()),
        Ok(_) | Err(Error::NotFound(_)) => Err(Error::invalid("/charge_point_id", "is none of the station's")),
        Err(error) => Err(error),
    }
}

/// Writes a note on a station.
pub async fn create(tx: &mut Tx, station_id: StationId, input: NoteInput) -> Result<Note> {
    input.check()?;
    let parent = station::get(tx, station_id).await?;
    check_place(tx, station_id, &input).await?;
    let (id, now): (NoteId, _) = (tx.id(), tx.now());
    let author = tx.actor().name.clone();
    let created: Note = diesel::insert_into(notes::table)
        .values((
            notes::id.eq(id),
            notes::partner_id.eq(parent.partner_id),
            notes::location_id.eq(parent.input.location_id),
            notes::station_id.eq(station_id),
            notes::author.eq(author),
            input,
            notes::created_at.eq(now),
            notes::updated_at.eq(now),
        ))
        .returning(Note::as_returning())
        .get_result(&mut **tx)
        .await
        .map_err(from_diesel)?;
    note(tx, "create", None, Some(&created));
    Ok(created)
}

/// Like `update`, with the place checked.
pub async fn change(
    tx: &mut Tx,
    id: NoteId,
    revision: Option<i64>,
    change: impl FnOnce(&NoteInput) -> Result<NoteInput> + Send,
) -> Result<Note> {
    let before = lock(tx, id, revision).await?;
    let input = change(&before.input)?;
    check_place(tx, before.station_id, &input).await?;
    update(tx, id, None, |_| Ok(input)).await
}
