//! Commands to stations: given as rows, sent by the node that holds the connection, finished with the station's answer.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use chrono::TimeDelta;
use serde_json::Value;
use stromtor_domain::{
    Error, Result,
    actor::{Actor, Permission},
    command::{Command, CommandId, CommandInput, CommandState, OcppCall},
    network::station::StationId,
    product::product::Feature,
    session::session::SessionId,
};
use stromtor_ocpp::{
    mask::mask,
    outbound::{Context, Outbound},
    parts,
    route::{Answer, CallFailure, Pending},
    v16::command::outcome,
    version::Version,
};
use stromtor_persistence::{
    command::{self, COMMAND_CHANNEL, Due, NewCommand},
    ingest::From,
    listen::Listener,
    network::{parameter as stored, station},
    product::needs,
    session::session,
    tx::Tx,
};

use crate::{
    app::{answer, parameter},
    state::App,
};

/// What a caller asks for.
#[derive(Debug)]
pub enum Order {
    /// A typed command.
    Typed(CommandInput),
    /// Any OCPP call.
    Call(OcppCall),
}

/// Seconds a command may wait for its station: least, most, and when the caller does not say.
pub const EXPIRY_S: (u32, u32, u32) = (1, 86_400, 60);

/// Gives a command.
pub async fn give(
    app: &App,
    actor: &Actor,
    station_id: StationId,
    order: Order,
    expires_in_s: Option<u32>,
) -> Result<Command> {
    let permission = match &order {
        Order::Typed(_) => Permission::CommandExecute,
        Order::Call(_) => Permission::OcppCallExecute,
    };
    let expires_in = expiry(expires_in_s)?;
    let mut tx = app.begin(actor, permission).await?;
    let target = target(&mut tx, station_id).await?;
    let given = match order {
        Order::Typed(input) => {
            input.check()?;
            let version = version(&mut tx, station_id).await?;
            parameter::check(&mut tx, station_id, version, &input).await?;
            typed(app, &mut tx, target, &input, expires_in).await?
        }
        Order::Call(call) => {
            call.check()?;
            let version = version(&mut tx, station_id).await?;
            note_call(app, &mut tx, target, "ocpp_call", version, None, &call.action, call.payload, expires_in).await?
        }
    };
    tx.commit().await?;
    app.commands_due.notify_one();
    Ok(given)
}

/// How long a command may wait for its station.
pub fn expiry(expires_in_s: Option<u32>) -> Result<TimeDelta> {
    let (least, most, usual) = EXPIRY_S;
    let expires_in_s = expires_in_s.unwrap_or(usual);
    if !(least..=most).contains(&expires_in_s) {
        return Err(Error::invalid("expires_in_s", format!("must be between {least} and {most}")));
    }
    Ok(TimeDelta::seconds(expires_in_s.into()))
}

/// A station in scope that takes commands, and for which they were bought.
pub async fn target(tx: &mut Tx, station_id: StationId) -> Result<From> {
    let target = undo_target(tx, station_id).await?;
    needs::require(tx, &[station_id], Feature::RemoteControl).await?;
    Ok(target)
}

/// The same for a command that takes something back: that needs no product.
pub async fn undo_target(tx: &mut Tx, station_id: StationId) -> Result<From> {
    let found = station::get(tx, station_id).await?;
    if found.dismantled_at.is_some() {
        return Err(Error::conflict("station_dismantled", "a dismantled station takes no commands"));
    }
    Ok(From::new(station_id, found.partner_id, found.input.location_id))
}

/// The version a station speaks; OCPP 1.6 for one that never connected.
pub async fn version(tx: &mut Tx, station_id: StationId) -> Result<Version> {
    let text = command::version(tx, station_id).await?;
    Ok(text.as_deref().and_then(Version::parse).unwrap_or(Version::V16))
}

/// Gives a typed command within a transaction; the caller wakes the dispatch after its commit.
pub async fn typed(
    app: &App,
    tx: &mut Tx,
    target: From,
    input: &CommandInput,
    expires_in: TimeDelta,
) -> Result<Command> {
    let version = version(tx, target.station_id).await?;
    let session_id = match input {
        CommandInput::RemoteStop(stop) => Some(stop.session_id),
        CommandInput::UpdateCost(update) => Some(update.session_id),
        CommandInput::GetTransactionStatus(get) => get.session_id,
        CommandInput::SetDisplayMessage(set) => set.session_id,
        _ => None,
    };
    let connector = match input {
        CommandInput::RemoteStart(start) => start.connector,
        CommandInput::UnlockConnector(unlock) => Some(unlock.connector),
        CommandInput::ChangeAvailability(change) => Some(change.connector),
        CommandInput::TriggerMessage(trigger) => trigger.connector,
        CommandInput::GetCompositeSchedule(get) => Some(get.connector),
        CommandInput::ClearChargingProfiles(clear) => clear.connector,
        _ => None,
    };
    let mut context = context(tx, target.station_id, version, session_id, connector).await?;
    match input {
        CommandInput::TriggerMessage(_) if context.tolerances.trigger_message == Some(false) => {
            let message =
                "stations of this kind reconnect when they are sent TriggerMessage (tolerances.trigger_message)";
            return Err(Error::conflict("trigger_not_tolerated", message));
        }
        CommandInput::RemoteStart(start) if context.tolerances.hex_id_tags == Some(true) => {
            context.hex_uid = Some(command::hex_uid(tx, &start.token_uid).await?);
        }
        _ => {}
    }
    let kept = serde_json::to_value(input).map_err(Error::internal)?;
    order(app, tx, target, input.kind(), &Outbound::Command(input), version, &context, Some(kept), expires_in).await
}

/// The facts that wording needs: the transaction of a session that runs at the station, the place of a connector, a number.
pub async fn context(
    tx: &mut Tx,
    station_id: StationId,
    version: Version,
    session_id: Option<SessionId>,
    connector: Option<i32>,
) -> Result<Context> {
    let mut context = Context {
        number: command::number(tx).await?,
        tolerances: command::tolerances(tx, station_id).await?,
        ..Context::default()
    };
    if let Some(id) = session_id {
        let none = || Error::invalid("/session_id", "names no session that runs at the station");
        let (number, reference) = session::transaction(tx, station_id, id).await?.ok_or_else(none)?;
        context.transaction_id = Some(number);
        context.transaction_ref = reference;
    }
    if let (Version::V201, Some(connector @ 1..)) = (version, connector) {
        context.place = Some(command::place(tx, station_id, connector).await?);
    }
    Ok(context)
}

/// Words something for a station and notes it as a command; the caller wakes the dispatch after its commit.
pub async fn order(
    app: &App,
    tx: &mut Tx,
    target: From,
    kind: &'static str,
    outbound: &Outbound<'_>,
    version: Version,
    context: &Context,
    input: Option<Value>,
    expires_in: TimeDelta,
) -> Result<Command> {
    let Some((action, payload)) = outbound.word(version, context) else {
        let message = "the OCPP version that the station speaks has no such message, or not with these values";
        return Err(Error::conflict("not_in_ocpp_version", message));
    };
    note_call(app, tx, target, kind, version, input, action, payload, expires_in).await
}

/// Notes a worded call as a command; the caller wakes the dispatch after its commit.
pub async fn note_call(
    app: &App,
    tx: &mut Tx,
    target: From,
    kind: &'static str,
    version: Version,
    input: Option<Value>,
    action: &str,
    payload: Value,
    expires_in: TimeDelta,
) -> Result<Command> {
    let mut masked = payload.clone();
    let secret_payload = if mask(&mut masked) {
        let sealed = app.secrets.seal(payload.to_string().as_bytes())?;
        Some(serde_json::json!({ "sealed": hex::encode(sealed) }))
    } else {
        None
    };
    let input = input.map(|mut input| {
        mask(&mut input);
        mask_setting(&mut input);
        let settings = input.get_mut("parameters").and_then(Value::as_array_mut);
        settings.into_iter().flatten().for_each(mask_setting);
        input
    });
    let new = NewCommand {
        partner_id: target.partner_id,
        location_id: target.location_id,
        station_id: target.station_id,
        kind,
        action: action.to_owned(),
        ocpp_version: version.as_str(),
        input,
        payload: masked,
        secret_payload,
        expires_at: tx.now() + expires_in,
    };
    command::create(tx, new).await
}

/// Masks a parameter's value that is a secret.
fn mask_setting(setting: &mut Value) {
    if setting["name"].as_str().is_some_and(stromtor_ocpp::mask::is_secret_key) {
        setting["value"] = stromtor_ocpp::mask::MASK.into();
    }
}

/// A command as it is, or as it ends within `wait`.
pub async fn await_end(app: &App, actor: &Actor, given: Command, wait: Duration) -> Result<Command> {
    let deadline = tokio::time::Instant::now() + wait;
    let mut current = given;
    while !current.state.is_final() && tokio::time::Instant::now() < deadline {
        // Told when a command changes on this node; another node's change is seen by looking.
        let pause = tokio::time::Instant::now() + Duration::from_millis(500);
        let _ = tokio::time::timeout_at(pause.min(deadline), app.commands_changed.notified()).await;
        // Who may give a command sees how it ends.
        let permission =
            if actor.may(Permission::CommandRead) { Permission::CommandRead } else { Permission::CommandExecute };
        let permission = if actor.may(permission) { permission } else { Permission::OcppCallExecute };
        let mut tx = app.begin(actor, permission).await?;
        current = command::get(&mut tx, current.id).await?;
        tx.commit().await?;
    }
    Ok(current)
}

/// A command given on another node wakes the dispatch here.
pub async fn wake(app: App, listener: Listener) {
    while !app.cancel.is_cancelled() {
        tokio::select! {
            () = app.cancel.cancelled() => return,
            () = listener.wait(COMMAND_CHANNEL, Duration::from_secs(60)) => app.commands_due.notify_one(),
        }
    }
}

/// Sends commands that are due to the stations connected here, until the process stops.
pub async fn dispatch(app: App) {
    let in_hand: Arc<Mutex<HashSet<CommandId>>> = Arc::default();
    while !app.cancel.is_cancelled() {
        match due(&app, &in_hand).await {
            Ok(commands) => {
                for (due, most) in commands {
                    hand_over(&app, &in_hand, due, most);
                }
            }
            Err(error) => tracing::warn!(%error, "commands wait"),
        }
        tokio::select! {
            () = app.cancel.cancelled() => return,
            () = app.commands_due.notified() => {}
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
        }
    }
}

/// Commands that are due, with how many entries of theirs the station takes in one message, where it matters.
async fn due(app: &App, in_hand: &Mutex<HashSet<CommandId>>) -> Result<Vec<(Due, Option<usize>)>> {
    let taken: Vec<CommandId> = in_hand.lock().map(|taken| taken.iter().copied().collect()).unwrap_or_default();
    let mut tx = app.db.begin_worker().await?;
    for expired in command::expire(&mut tx, TimeDelta::seconds(app.config.ocpp.call_timeout_s as i64 + 60)).await? {
        answer::handle(app, &mut tx, &expired).await?;
    }
    let mut due = Vec::new();
    for command in command::due(&mut tx, app.node, &taken).await? {
        // A technician's own call goes over the wire as it is.
        let limit = parts::limit(&command.action, &command.payload).filter(|_| command.kind != "ocpp_call");
        let most = match limit {
            Some(name) => limits(&mut tx, command.station_id, name).await?,
            None => None,
        };
        due.push((command, most));
    }
    tx.commit().await?;
    Ok(due)
}

/// A number that the station has reported as a parameter.
async fn limits(tx: &mut Tx, station_id: StationId, name: &str) -> Result<Option<usize>> {
    let known = stored::named(tx, station_id, &[name.to_owned()]).await?;
    Ok(known.first().and_then(|known| known.value.as_deref()?.trim().parse().ok()).filter(|most| *most > 0))
}

/// Puts a command into the queue of its station's connection; one that finds no place there is tried again.
fn hand_over(app: &App, in_hand: &Arc<Mutex<HashSet<CommandId>>>, due: Due, most: Option<usize>) {
    let payload = match open(app, &due) {
        Ok(payload) => payload,
        Err(error) => {
            tracing::error!(%error, command = %due.id, "a command's secret cannot be read");
            return;
        }
    };
    // A station may come back with another version: what was worded for the old one would be nonsense.
    let speaks = app.stations.version(due.station_id);
    if let Some(speaks) = speaks.filter(|speaks| due.kind != "ocpp_call" && speaks.as_str() != due.ocpp_version) {
        let (app, id) = (app.clone(), due.id);
        tokio::spawn(async move {
            let error = format!("worded for {}, but the station now speaks {speaks}", due.ocpp_version);
            end(&app, id, CommandState::Failed, None, Some(error)).await;
        });
        return;
    }
    let mut calls = match most {
        Some(most) => parts::split(&due.action, payload, most),
        None => vec![payload],
    };
    let further = calls.split_off(1);
    let Some(first) = calls.pop() else { return };
    let Ok(pending) = call(app, &due, first) else { return };
    if let Ok(mut taken) = in_hand.lock() {
        taken.insert(due.id);
    }
    let (app, in_hand) = (app.clone(), in_hand.clone());
    tokio::spawn(async move {
        follow(&app, &due, pending, further).await;
        if let Ok(mut taken) = in_hand.lock() {
            taken.remove(&due.id);
        }
    });
}

fn open(app: &App, due: &Due) -> Result<Value> {
    let Some(sealed) = due.secret_payload.as_ref() else { return Ok(due.payload.clone()) };
    let sealed = sealed["sealed"].as_str().and_then(|text| hex::decode(text).ok());
    let plain = app.secrets.open(&sealed.ok_or_else(|| Error::internal("a command without its secret"))?)?;
    serde_json::from_slice(&plain).map_err(Error::internal)
}

fn call(app: &App, due: &Due, payload: Value) -> Result<Pending, CallFailure> {
    let timeout = Duration::from_secs(app.config.ocpp.call_timeout_s);
    app.stations.call(due.station_id, &due.action, payload, timeout)
}

/// Follows a call to its end, and its further parts after it: they end with the first that is not answered.
async fn follow(app: &App, due: &Due, pending: Pending, further: Vec<Value>) {
    let (id, Pending { sent, answer }) = (due.id, pending);
    if sent.await.is_ok() {
        note(app, || async {
            let mut tx = app.db.begin_worker().await?;
            command::sent(&mut tx, id).await?;
            tx.commit().await
        })
        .await;
    }
    let mut answer = answer.await.unwrap_or(Err(CallFailure::ConnectionLost));
    for part in further {
        let Ok(Answer::Result(so_far)) = &mut answer else { break };
        let next = match call(app, due, part) {
            Ok(pending) => pending.wait().await,
            Err(failure) => Err(failure),
        };
        answer = match next {
            Ok(Answer::Result(more)) => {
                parts::join(&due.action, so_far, more);
                note(app, || async {
                    let mut tx = app.db.begin_worker().await?;
                    command::sent_on(&mut tx, id).await?;
                    tx.commit().await
                })
                .await;
                continue;
            }
            // The first part left: it cannot go back into the queue.
            Err(CallFailure::NotConnected | CallFailure::QueueFull) => Err(CallFailure::ConnectionLost),
            other => other,
        };
    }
    let (state, response, error) = match answer {
        Ok(Answer::Result(mut payload)) => {
            let state = outcome(&due.payload, &payload);
            mask(&mut payload);
            (state, Some(payload), None)
        }
        Ok(Answer::Error { code, description }) => (CommandState::Failed, None, Some(format!("{code}: {description}"))),
        // It never left: it stays in the queue for the next connection.
        Err(CallFailure::NotConnected | CallFailure::QueueFull) => return,
        Err(failure @ CallFailure::TimedOut) => (CommandState::TimedOut, None, Some(failure.to_string())),
        Err(failure) => (CommandState::Failed, None, Some(failure.to_string())),
    };
    end(app, id, state, response.map(without_nul), error).await;
}

async fn end(app: &App, id: CommandId, state: CommandState, response: Option<Value>, error: Option<String>) {
    note(app, || async {
        let mut tx = app.db.begin_worker().await?;
        if let Some(ended) = command::finish(&mut tx, id, state, response.clone(), error.clone()).await? {
            answer::handle(app, &mut tx, &ended).await?;
        }
        tx.commit().await
    })
    .await;
}

/// PostgreSQL's JSON holds no NUL.
fn without_nul(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(text.replace('\0', "")),
        Value::Array(items) => items.into_iter().map(without_nul).collect(),
        Value::Object(map) => map.into_iter().map(|(key, value)| (key.replace('\0', ""), without_nul(value))).collect(),
        other => other,
    }
}

/// Writes a state, again while the database is away: what a station did must be known.
async fn note<F: Future<Output = Result<()>>>(app: &App, write: impl Fn() -> F) {
    let mut pause = Duration::from_millis(200);
    for _ in 0..10 {
        match write().await {
            Ok(()) => break,
            Err(Error::Unavailable(_)) => tokio::time::sleep(pause).await,
            Err(error) => {
                tracing::error!(?error, "a command's state could not be kept");
                break;
            }
        }
        pause = (pause * 2).min(Duration::from_secs(10));
    }
    app.commands_changed.notify_waiters();
}
