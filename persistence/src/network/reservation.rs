//! Reservations.

use stromtor_domain::{
    command::{Command, CommandId, CommandState},
    network::{
        location::LocationId,
        reservation::{NewReservation, Reservation, ReservationId, ReservationState},
        station::{Station, StationId},
    },
};
use stromtor_schema::schema::reservation;

use crate::resource::prelude::*;

/// What a list of them may be narrowed by.
#[derive(Debug, Clone, Default)]
pub struct ReservationFilter {
    /// To this operator's stations.
    pub partner_id: Option<PartnerId>,
    /// To stations at this location.
    pub location_id: Option<LocationId>,
    /// To this station.
    pub station_id: Option<StationId>,
    /// This far.
    pub state: Option<ReservationState>,
}

listing!(ReservationFilter => Reservation);

/// One page, newest first.
pub async fn list(tx: &mut Tx, filter: &ReservationFilter, page: &PageRequest) -> Result<Page<Reservation>> {
    let limit = page.limit()?;
    let mut query = reservation::table.select(Reservation::as_select()).order(reservation::id.desc()).into_boxed();
    if let Some(after) = page.after::<ReservationId>()? {
        query = query.filter(reservation::id.lt(after));
    }
    if let Some(partner_id) = filter.partner_id {
        query = query.filter(reservation::partner_id.eq(partner_id));
    }
    if let Some(location_id) = filter.location_id {
        query = query.filter(reservation::location_id.eq(location_id));
    }
    if let Some(station_id) = filter.station_id {
        query = query.filter(reservation::station_id.eq(station_id));
    }
    if let Some(state) = filter.state {
        query = query.filter(reservation::state.eq(state));
    }
    let rows = query.limit(limit as i64 + 1).load(&mut **tx).await.map_err(from_diesel)?;
    Ok(Page::cut(rows, limit, |row: &Reservation| row.id))
}

/// One of them.
pub async fn get(tx: &mut Tx, id: ReservationId) -> Result<Reservation> {
    reservation::table
        .filter(reservation::id.eq(id))
        .select(Reservation::as_select())
        .first(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)?
        .ok_or(Error::NotFound("reservation"))
}

/// Notes one that the station is about to be asked for.
pub async fn create(tx: &mut Tx, station: &Station, new: NewReservation, number: i32) -> Result<Reservation> {
    let (id, now): (ReservationId, _) = (tx.id(), tx.now());
    let created_by = tx.actor().name.clone();
    let created: Reservation = diesel::insert_into(reservation::table)
        .values((
            reservation::id.eq(id),
            reservation::partner_id.eq(station.partner_id),
            reservation::location_id.eq(station.input.location_id),
            reservation::station_id.eq(station.id),
            reservation::ocpp_connector_id.eq(new.connector),
            reservation::ocpp_reservation_id.eq(number),
            reservation::token_uid.eq(new.token_uid),
            reservation::group_id.eq(new.group_id),
            reservation::expires_at.eq(new.expires_at),
            reservation::state.eq(ReservationState::Requested),
            reservation::external_id.eq(new.external_id),
            reservation::metadata.eq(new.metadata),
            reservation::created_by.eq(created_by),
            reservation::created_at.eq(now),
            reservation::updated_at.eq(now),
        ))
        .returning(Reservation::as_returning())
        .get_result(&mut **tx)
        .await
        .map_err(from_diesel)?;
    tx.audit("create", "reservation", created.partner_id, id, None, Some(&created));
    note(tx, &created);
    Ok(created)
}

/// The command that is about it now.
pub async fn follows(tx: &mut Tx, id: ReservationId, command_id: CommandId) -> Result<Reservation> {
    diesel::update(reservation::table.filter(reservation::id.eq(id)))
        .set(reservation::command_id.eq(command_id))
        .returning(Reservation::as_returning())
        .get_result(&mut **tx)
        .await
        .map_err(from_diesel)
}

fn note(tx: &mut Tx, row: &Reservation) {
    tx.emit(stromtor_domain::event::Event {
        kind: EventType::ReservationChanged,
        partner_id: row.partner_id.0,
        station_id: Some(row.station_id.0),
        location_id: Some(row.location_id.0),
        resource_id: row.id.0,
        data: serde_json::json!({ "state": row.state }),
    });
}

/// What the station answered to the command about it.
pub async fn answered(tx: &mut Tx, command: &Command) -> Result<()> {
    let (from, to) = match (command.kind.as_str(), command.state) {
        ("reserve", CommandState::Accepted) => (ReservationState::Requested, ReservationState::Active),
        ("reserve", _) => (ReservationState::Requested, ReservationState::Rejected),
        ("cancel_reservation", CommandState::Accepted) => (ReservationState::Active, ReservationState::Cancelled),
        _ => return Ok(()),
    };
    let word = command.response.as_ref().and_then(|answer| answer["status"].as_str()).map(str::to_owned);
    let changed: Option<Reservation> = diesel::update(
        reservation::table
            .filter(reservation::command_id.assume_not_null().eq(command.id).and(reservation::state.eq(from))),
    )
    .set((
        reservation::state.eq(to),
        reservation::detail.eq(word.or_else(|| command.error.clone())),
        reservation::updated_at.eq(tx.now()),
    ))
    .returning(Reservation::as_returning())
    .get_result(&mut **tx)
    .await
    .optional()
    .map_err(from_diesel)?;
    if let Some(changed) = changed {
        note(tx, &changed);
    }
    Ok(())
}

/// Ends reservations whose time ran out.
pub async fn expire(tx: &mut Tx) -> Result<usize> {
    let now = tx.now();
    let over = reservation::expires_at
        .lt(now)
        .and(reservation::state.eq_any([ReservationState::Requested, ReservationState::Active]));
    let expired: Vec<Reservation> = diesel::update(reservation::table.filter(over))
        .set((reservation::state.eq(ReservationState::Expired), reservation::updated_at.eq(now)))
        .returning(Reservation::as_returning())
        .get_results(&mut **tx)
        .await
        .map_err(from_diesel)?;
    for row in &expired {
        note(tx, row);
    }
    Ok(expired.len())
}
