//! Commands to stations.

use chrono::TimeDelta;
use stromtor_domain::{
    command::{Command, CommandId, CommandState},
    network::{connector::PowerType, location::LocationId, station::StationId, tolerance::Tolerances},
};
use stromtor_schema::schema::{command, connector, manufacturer, station, station_live, station_model};

use crate::resource::prelude::*;
use diesel::JoinOnDsl as _;

/// What a list of them may be narrowed by.
#[derive(Debug, Clone, Default)]
pub struct CommandFilter {
    /// To this operator's stations.
    pub partner_id: Option<PartnerId>,
    /// To stations at this location.
    pub location_id: Option<LocationId>,
    /// To this station.
    pub station_id: Option<StationId>,
    /// This far.
    pub state: Option<CommandState>,
    /// Of this type.
    pub kind: Option<String>,
}

listing!(CommandFilter => Command);

/// One page, newest first.
pub async fn list(tx: &mut Tx, filter: &CommandFilter, page: &PageRequest) -> Result<Page<Command>> {
    let limit = page.limit()?;
    let mut query = command::table.select(Command::as_select()).order(command::id.desc()).into_boxed();
    if let Some(after) = page.after::<CommandId>()? {
        query = query.filter(command::id.lt(after));
    }
    if let Some(partner_id) = filter.partner_id {
        query = query.filter(command::partner_id.eq(partner_id));
    }
    if let Some(location_id) = filter.location_id {
        query = query.filter(command::location_id.eq(location_id));
    }
    if let Some(station_id) = filter.station_id {
        query = query.filter(command::station_id.eq(station_id));
    }
    if let Some(state) = filter.state {
        query = query.filter(command::state.eq(state));
    }
    if let Some(kind) = &filter.kind {
        query = query.filter(command::kind.eq(kind));
    }
    let rows = query.limit(limit as i64 + 1).load(&mut **tx).await.map_err(from_diesel)?;
    Ok(Page::cut(rows, limit, |row: &Command| row.id))
}

/// One of them.
pub async fn get(tx: &mut Tx, id: CommandId) -> Result<Command> {
    command::table
        .filter(command::id.eq(id))
        .select(Command::as_select())
        .first(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)?
        .ok_or(Error::NotFound("command"))
}

/// The name commands wake the gateways by.
pub const COMMAND_CHANNEL: &str = "stromtor_command";

/// A command to be given.
#[derive(Debug, Clone)]
pub struct NewCommand {
    /// The station's operator.
    pub partner_id: PartnerId,
    /// The station's location.
    pub location_id: LocationId,
    /// The station.
    pub station_id: StationId,
    /// Name of the typed command, or `ocpp_call`.
    pub kind: &'static str,
    /// OCPP action.
    pub action: String,
    /// The version it is worded for.
    pub ocpp_version: &'static str,
    /// The typed command.
    pub input: Option<serde_json::Value>,
    /// Payload, secrets masked.
    pub payload: serde_json::Value,
    /// The payload with its secrets, sealed, if it has any.
    pub secret_payload: Option<serde_json::Value>,
    /// Not to be sent after this.
    pub expires_at: Timestamp,
}

/// Gives a command.
pub async fn create(tx: &mut Tx, new: NewCommand) -> Result<Command> {
    let (id, now): (CommandId, _) = (tx.id(), tx.now());
    let created_by = tx.actor().name.clone();
    let created: Command = diesel::insert_into(command::table)
        .values((
            command::id.eq(id),
            command::partner_id.eq(new.partner_id),
            command::location_id.eq(new.location_id),
            command::station_id.eq(new.station_id),
            command::kind.eq(new.kind),
            command::action.eq(new.action),
            command::ocpp_version.eq(new.ocpp_version),
            command::input.eq(new.input),
            command::payload.eq(new.payload),
            command::secret_payload.eq(new.secret_payload),
            command::state.eq(CommandState::Queued),
            command::created_by.eq(created_by),
            command::expires_at.eq(new.expires_at),
            command::created_at.eq(now),
            command::updated_at.eq(now),
        ))
        .returning(Command::as_returning())
        .get_result(&mut **tx)
        .await
        .map_err(from_diesel)?;
    tx.audit("create", "command", created.partner_id, id, None, Some(&created));
    note(tx, &created);
    sql("select pg_notify($1, '')")
        .bind::<diesel::sql_types::Text, _>(COMMAND_CHANNEL)
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    Ok(created)
}

fn note(tx: &mut Tx, command: &Command) {
    tx.emit(stromtor_domain::event::Event {
        kind: EventType::CommandChanged,
        partner_id: command.partner_id.0,
        station_id: Some(command.station_id.0),
        location_id: Some(command.location_id.0),
        resource_id: command.id.0,
        data: serde_json::json!({ "kind": command.kind, "state": command.state }),
    });
}

/// A number that a station answers by: of a request, a remote start, a reservation, a charging profile.
pub async fn number(tx: &mut Tx) -> Result<i32> {
    diesel::select(diesel::dsl::sql::<diesel::sql_types::Integer>("nextval('ocpp_request_id')::int4"))
        .get_result(&mut **tx)
        .await
        .map_err(from_diesel)
}

/// A UID in hexadecimal digits, as a token with it has.
pub async fn hex_uid(tx: &mut Tx, uid: &str) -> Result<String> {
    diesel::select(stromtor_hex_uid(uid)).get_result(&mut **tx).await.map_err(from_diesel)
}

diesel::define_sql_function! {
    /// Made by the migrations: what `token.hex_uid` is made by.
    fn stromtor_hex_uid(uid: diesel::sql_types::Text) -> diesel::sql_types::Text;
}

/// What a command was given as.
pub async fn input(tx: &mut Tx, id: CommandId) -> Result<Option<serde_json::Value>> {
    command::table.filter(command::id.eq(id)).select(command::input).first(&mut **tx).await.map_err(from_diesel)
}

/// A station's connectors, and the power that each gives.
pub async fn connectors(tx: &mut Tx, station_id: StationId) -> Result<Vec<(i32, PowerType)>> {
    connector::table
        .filter(connector::station_id.eq(station_id))
        .order(connector::ocpp_connector_id)
        .select((connector::ocpp_connector_id, connector::power_type))
        .load(&mut **tx)
        .await
        .map_err(from_diesel)
}

/// The version a station speaks, as of its newest connection.
pub async fn version(tx: &mut Tx, station_id: StationId) -> Result<Option<String>> {
    let found: Option<Option<String>> = station_live::table
        .filter(station_live::station_id.eq(station_id))
        .select(station_live::ocpp_version)
        .first(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)?;
    Ok(found.flatten())
}

/// How a station is treated where it departs from the specification: its own word, its model's, its manufacturer's.
pub async fn tolerances(tx: &mut Tx, station_id: StationId) -> Result<Tolerances> {
    let found: Option<(Tolerances, Option<Tolerances>, Option<Tolerances>)> = station::table
        .left_join(station_model::table.left_join(manufacturer::table))
        .filter(station::id.eq(station_id))
        .select((station::tolerances, station_model::tolerances.nullable(), manufacturer::tolerances.nullable()))
        .first(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)?;
    let (own, model, maker) = found.unwrap_or_default();
    Ok(own.or(model.unwrap_or_default()).or(maker.unwrap_or_default()))
}

#[derive(diesel::QueryableByName)]
struct Place {
    #[diesel(sql_type = diesel::sql_types::Integer)]
    evse_number: i32,
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    rank: i64,
}

/// EVSE and connector of OCPP 2.x of a connector's number; one that is not known is an EVSE of its own.
pub async fn place(tx: &mut Tx, station_id: StationId, connector: i32) -> Result<(i32, i32)> {
    let found: Vec<Place> = sql("select evse_number, rank from (select c.ocpp_connector_id, p.evse_number, \
           row_number() over (partition by p.id order by c.ocpp_connector_id) as rank \
           from connector c join charge_point p on p.id = c.charge_point_id where c.station_id = $1) c \
         where ocpp_connector_id = $2")
    .bind::<diesel::sql_types::Uuid, _>(station_id)
    .bind::<diesel::sql_types::Integer, _>(connector)
    .load(&mut **tx)
    .await
    .map_err(from_diesel)?;
    Ok(found.into_iter().next().map_or((connector, 1), |place| (place.evse_number, place.rank as i32)))
}

/// A command to be sent by this node.
#[derive(Debug, Clone, diesel::Queryable)]
pub struct Due {
    /// Which.
    pub id: CommandId,
    /// To which station.
    pub station_id: StationId,
    /// Name of the typed command, or `ocpp_call`.
    pub kind: String,
    /// OCPP action.
    pub action: String,
    /// The version it is worded for.
    pub ocpp_version: String,
    /// Payload, secrets masked.
    pub payload: serde_json::Value,
    /// The payload with its secrets, sealed.
    pub secret_payload: Option<serde_json::Value>,
}

/// Commands that wait for stations connected to `node`, oldest first, but those in hand already.
pub async fn due(tx: &mut Tx, node: uuid::Uuid, in_hand: &[CommandId]) -> Result<Vec<Due>> {
    let now = tx.now();
    command::table
        .inner_join(station_live::table.on(station_live::station_id.eq(command::station_id)))
        .filter(
            command::state
                .eq(CommandState::Queued)
                .and(command::expires_at.gt(now))
                .and(station_live::connected.and(station_live::node.assume_not_null().eq(node)))
                .and(command::id.ne_all(in_hand)),
        )
        .order(command::id)
        .limit(200)
        .select((
            command::id,
            command::station_id,
            command::kind,
            command::action,
            command::ocpp_version,
            command::payload,
            command::secret_payload,
        ))
        .load(&mut **tx)
        .await
        .map_err(from_diesel)
}

/// It went over the wire. What it held in secret is not kept.
pub async fn sent(tx: &mut Tx, id: CommandId) -> Result<()> {
    let now = tx.now();
    let queued = command::table.filter(command::id.eq(id).and(command::state.eq(CommandState::Queued)));
    let changed: Option<Command> = diesel::update(queued)
        .set((
            command::state.eq(CommandState::Sent),
            command::secret_payload.eq(None::<serde_json::Value>),
            command::sent_at.eq(now),
            command::updated_at.eq(now),
        ))
        .returning(Command::as_returning())
        .get_result(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)?;
    if let Some(changed) = changed {
        note(tx, &changed);
    }
    Ok(())
}

/// A further part of it went over the wire: the time to answer begins anew.
pub async fn sent_on(tx: &mut Tx, id: CommandId) -> Result<()> {
    let now = tx.now();
    let sent = command::table.filter(command::id.eq(id).and(command::state.eq(CommandState::Sent)));
    diesel::update(sent).set(command::sent_at.eq(now)).execute(&mut **tx).await.map_err(from_diesel)?;
    Ok(())
}

/// What became of it: the command as it is now, unless it had ended before.
pub async fn finish(
    tx: &mut Tx,
    id: CommandId,
    state: CommandState,
    response: Option<serde_json::Value>,
    error: Option<String>,
) -> Result<Option<Command>> {
    let now = tx.now();
    let open = command::table
        .filter(command::id.eq(id).and(command::state.eq_any([CommandState::Queued, CommandState::Sent])));
    let changed: Option<Command> = diesel::update(open)
        .set((
            command::state.eq(state),
            command::response.eq(response),
            command::error.eq(error),
            command::secret_payload.eq(None::<serde_json::Value>),
            command::finished_at.eq(now),
            command::updated_at.eq(now),
        ))
        .returning(Command::as_returning())
        .get_result(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)?;
    if let Some(changed) = &changed {
        note(tx, changed);
    }
    Ok(changed)
}

/// Ends a command that still waits for its station; one that was sent goes its way.
pub async fn withdraw(tx: &mut Tx, id: CommandId) -> Result<()> {
    let now = tx.now();
    let waiting = command::table.filter(command::id.eq(id).and(command::state.eq(CommandState::Queued)));
    let ended: Option<Command> = diesel::update(waiting)
        .set((
            command::state.eq(CommandState::Failed),
            command::error.eq("withdrawn before it was sent"),
            command::secret_payload.eq(None::<serde_json::Value>),
            command::finished_at.eq(now),
            command::updated_at.eq(now),
        ))
        .returning(Command::as_returning())
        .get_result(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)?;
    if let Some(ended) = ended {
        note(tx, &ended);
    }
    Ok(())
}

/// Ends commands that can no longer be sent, and those whose node died with them.
pub async fn expire(tx: &mut Tx, answer_within: TimeDelta) -> Result<Vec<Command>> {
    let now = tx.now();
    let queued = command::state.eq(CommandState::Queued).and(command::expires_at.le(now));
    let lost = command::state.eq(CommandState::Sent).and(command::sent_at.assume_not_null().lt(now - answer_within));
    let expired: Vec<Command> = diesel::update(command::table.filter(queued.or(lost)))
        .set((
            command::state.eq(CommandState::TimedOut),
            command::error.eq("the station was not connected, or did not answer in time"),
            command::secret_payload.eq(None::<serde_json::Value>),
            command::finished_at.eq(now),
            command::updated_at.eq(now),
        ))
        .returning(Command::as_returning())
        .get_results(&mut **tx)
        .await
        .map_err(from_diesel)?;
    for command in &expired {
        note(tx, command);
    }
    Ok(expired)
}
