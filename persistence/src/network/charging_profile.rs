//! Charging profiles.

use stromtor_domain::{
    command::{Command, CommandId, CommandState},
    network::{
        charging_profile::{
            ChargingProfile, ChargingProfileId, ChargingProfileState, NewChargingProfile, ProfilePurpose,
        },
        location::LocationId,
        station::{Station, StationId},
    },
};
use stromtor_schema::schema::charging_profile;

use crate::resource::prelude::*;

/// What a list of them may be narrowed by.
#[derive(Debug, Clone, Default)]
pub struct ChargingProfileFilter {
    /// To this operator's stations.
    pub partner_id: Option<PartnerId>,
    /// To stations at this location.
    pub location_id: Option<LocationId>,
    /// To this station.
    pub station_id: Option<StationId>,
    /// This far.
    pub state: Option<ChargingProfileState>,
    /// For this purpose.
    pub purpose: Option<ProfilePurpose>,
}

listing!(ChargingProfileFilter => ChargingProfile);

/// One page, newest first.
pub async fn list(tx: &mut Tx, filter: &ChargingProfileFilter, page: &PageRequest) -> Result<Page<ChargingProfile>> {
    let limit = page.limit()?;
    let mut query =
        charging_profile::table.select(ChargingProfile::as_select()).order(charging_profile::id.desc()).into_boxed();
    if let Some(after) = page.after::<ChargingProfileId>()? {
        query = query.filter(charging_profile::id.lt(after));
    }
    if let Some(partner_id) = filter.partner_id {
        query = query.filter(charging_profile::partner_id.eq(partner_id));
    }
    if let Some(location_id) = filter.location_id {
        query = query.filter(charging_profile::location_id.eq(location_id));
    }
    if let Some(station_id) = filter.station_id {
        query = query.filter(charging_profile::station_id.eq(station_id));
    }
    if let Some(state) = filter.state {
        query = query.filter(charging_profile::state.eq(state));
    }
    if let Some(purpose) = filter.purpose {
        query = query.filter(charging_profile::purpose.eq(purpose));
    }
    let rows = query.limit(limit as i64 + 1).load(&mut **tx).await.map_err(from_diesel)?;
    Ok(Page::cut(rows, limit, |row: &ChargingProfile| row.id))
}

/// One of them.
pub async fn get(tx: &mut Tx, id: ChargingProfileId) -> Result<ChargingProfile> {
    charging_profile::table
        .filter(charging_profile::id.eq(id))
        .select(ChargingProfile::as_select())
        .first(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)?
        .ok_or(Error::NotFound("charging_profile"))
}

/// Notes one that the station is about to be given.
pub async fn create(tx: &mut Tx, station: &Station, new: NewChargingProfile, number: i32) -> Result<ChargingProfile> {
    let (id, now): (ChargingProfileId, _) = (tx.id(), tx.now());
    let created_by = tx.actor().name.clone();
    let created: ChargingProfile = diesel::insert_into(charging_profile::table)
        .values((
            (
                charging_profile::id.eq(id),
                charging_profile::partner_id.eq(station.partner_id),
                charging_profile::location_id.eq(station.input.location_id),
                charging_profile::station_id.eq(station.id),
                charging_profile::ocpp_connector_id.eq(new.connector),
                charging_profile::ocpp_profile_id.eq(number),
                charging_profile::purpose.eq(new.purpose),
                charging_profile::stack_level.eq(new.stack_level),
                charging_profile::kind.eq(new.kind),
                charging_profile::recurrency.eq(new.recurrency),
            ),
            charging_profile::valid_from.eq(new.valid_from),
            charging_profile::valid_to.eq(new.valid_to),
            charging_profile::session_id.eq(new.session_id.map(|id| id.0)),
            charging_profile::schedule.eq(new.schedule),
            charging_profile::state.eq(ChargingProfileState::Requested),
            charging_profile::external_id.eq(new.external_id),
            charging_profile::metadata.eq(new.metadata),
            charging_profile::created_by.eq(created_by),
            charging_profile::created_at.eq(now),
            charging_profile::updated_at.eq(now),
        ))
        .returning(ChargingProfile::as_returning())
        .get_result(&mut **tx)
        .await
        .map_err(from_diesel)?;
    tx.audit("create", "charging_profile", created.partner_id, id, None, Some(&created));
    note(tx, &created);
    Ok(created)
}

/// The one that a command is about.
pub async fn of_command(tx: &mut Tx, command_id: CommandId) -> Result<Option<ChargingProfile>> {
    charging_profile::table
        .filter(charging_profile::command_id.assume_not_null().eq(command_id))
        .select(ChargingProfile::as_select())
        .first(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)
}

/// The command that is about it now, and how far that makes it.
pub async fn follows(
    tx: &mut Tx,
    id: ChargingProfileId,
    command_id: CommandId,
    state: ChargingProfileState,
) -> Result<ChargingProfile> {
    diesel::update(charging_profile::table.filter(charging_profile::id.eq(id)))
        .set((
            charging_profile::command_id.eq(command_id),
            charging_profile::state.eq(state),
            charging_profile::updated_at.eq(tx.now()),
        ))
        .returning(ChargingProfile::as_returning())
        .get_result(&mut **tx)
        .await
        .map_err(from_diesel)
}

fn note(tx: &mut Tx, row: &ChargingProfile) {
    tx.emit(stromtor_domain::event::Event {
        kind: EventType::ChargingProfileChanged,
        partner_id: row.partner_id.0,
        station_id: Some(row.station_id.0),
        location_id: Some(row.location_id.0),
        resource_id: row.id.0,
        data: serde_json::json!({ "state": row.state }),
    });
}

/// What the station answered to the command about it. A profile taken in replaces one of the same purpose and level at the
/// same connector (OCPP 1.6 section 5.16).
pub async fn answered(tx: &mut Tx, command: &Command) -> Result<()> {
    use ChargingProfileState::{Active, Cleared, Clearing, Rejected, Requested};
    let word = command.response.as_ref().and_then(|answer| answer["status"].as_str()).map(str::to_owned);
    // A profile that the station does not know is gone, too.
    let gone = command.state == CommandState::Accepted || word.as_deref() == Some("Unknown");
    let (from, to) = match (command.kind.as_str(), command.state) {
        ("set_charging_profile", CommandState::Accepted) => (Requested, Active),
        ("set_charging_profile", _) => (Requested, Rejected),
        ("clear_charging_profile", _) if gone => (Clearing, Cleared),
        ("clear_charging_profile", _) => (Clearing, Active),
        _ => return Ok(()),
    };
    let about = charging_profile::command_id.assume_not_null().eq(command.id).and(charging_profile::state.eq(from));
    let changed: Option<ChargingProfile> = diesel::update(charging_profile::table.filter(about))
        .set((
            charging_profile::state.eq(to),
            charging_profile::detail.eq(word.or_else(|| command.error.clone())),
            charging_profile::updated_at.eq(tx.now()),
        ))
        .returning(ChargingProfile::as_returning())
        .get_result(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)?;
    let Some(changed) = changed else { return Ok(()) };
    if changed.state == Active && from == Requested {
        sql("update charging_profile set state = 'cleared', detail = 'replaced', updated_at = $1 \
             where station_id = $2 and id <> $3 and state = 'active' and ocpp_connector_id = $4 and purpose = $5 \
               and stack_level = $6 and session_id is not distinct from $7")
        .bind::<diesel::sql_types::Timestamptz, _>(tx.now())
        .bind::<diesel::sql_types::Uuid, _>(changed.station_id)
        .bind::<diesel::sql_types::Uuid, _>(changed.id)
        .bind::<diesel::sql_types::Integer, _>(changed.connector)
        .bind::<diesel::sql_types::Text, _>(changed.purpose)
        .bind::<diesel::sql_types::Integer, _>(changed.stack_level)
        .bind::<diesel::sql_types::Nullable<diesel::sql_types::Uuid>, _>(changed.session_id)
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    }
    note(tx, &changed);
    Ok(())
}

/// Profiles of sessions that have ended are gone with them.
pub async fn end_with_sessions(tx: &mut Tx) -> Result<usize> {
    sql(
        "update charging_profile p set state = 'cleared', detail = 'session ended', updated_at = $1 \
         from session s where s.id = p.session_id and s.state <> 'active' and p.state in ('requested', 'active', 'clearing')",
    )
    .bind::<diesel::sql_types::Timestamptz, _>(tx.now())
    .execute(&mut **tx)
    .await
    .map_err(from_diesel)
}
