//! What a refused command is followed by, where the station is known to refuse for another reason than what was asked: the same
//! in other words. Each try is a command of its own.

use chrono::TimeDelta;
use serde::de::DeserializeOwned;
use stromtor_domain::{
    Error, Result,
    command::{
        Command, CommandInput, CommandState,
        probe::{ProbeStep, is_list},
        station::{SetParameter, TriggerKind, TriggerMessage},
    },
    network::{charging_profile::ChargingProfileState, connector::PowerType, tolerance::Tolerances},
    session::session::SessionId,
};
use stromtor_ocpp::outbound::Outbound;
use stromtor_persistence::{command as commands, ingest::From, network::charging_profile, tx::Tx};

use super::command::{context, order, typed, version};
use crate::state::App;

/// Kind of the commands that build a list of measurands up.
pub const PROBE: &str = "probe_measurands";

/// How long what follows may wait for its station.
const PATIENCE: TimeDelta = TimeDelta::minutes(5);

/// Follows a command that has ended; whether it is not the last word about what it was for.
pub async fn follow(app: &App, tx: &mut Tx, ended: &Command) -> Result<bool> {
    let refused = ended.state == CommandState::Rejected
        || ended.error.as_deref().is_some_and(|error| error.contains("ConstraintViolation"));
    let followed = match ended.kind.as_str() {
        PROBE => next_measurand(app, tx, ended).await,
        "set_parameter" if refused => measurands(app, tx, ended).await,
        "trigger_message" if refused => triggers(app, tx, ended).await,
        "set_charging_profile" if refused => other_unit(app, tx, ended).await,
        _ => Ok(false),
    };
    match followed {
        Err(error @ (Error::Unavailable(_) | Error::Internal(_))) => Err(error),
        // What cannot be worded or is over by now is not tried.
        Err(error) => {
            tracing::debug!(%error, command = %ended.id, "nothing follows a refused command");
            Ok(false)
        }
        followed => followed,
    }
}

fn target(ended: &Command) -> From {
    From::new(ended.station_id, ended.partner_id, ended.location_id)
}

async fn tolerances(tx: &mut Tx, ended: &Command) -> Result<Tolerances> {
    commands::tolerances(tx, ended.station_id).await
}

/// What a command was given as.
async fn given<T: DeserializeOwned>(tx: &mut Tx, ended: &Command) -> Result<Option<T>> {
    let input = commands::input(tx, ended.id).await?;
    Ok(input.and_then(|input| serde_json::from_value(input).ok()))
}

/// A list of measurands that was refused whole is built up (tolerance `probe_measurands`).
async fn measurands(app: &App, tx: &mut Tx, ended: &Command) -> Result<bool> {
    let Some(CommandInput::SetParameter(set)) = given(tx, ended).await? else { return Ok(false) };
    if !is_list(&set.name) || tolerances(tx, ended).await?.probe_measurands != Some(true) {
        return Ok(false);
    }
    if let Some(step) = ProbeStep::first(&set.name, &set.value).filter(|step| step.rest.len() > 1) {
        probe(app, tx, target(ended), &step, PATIENCE).await?;
    }
    Ok(false)
}

async fn next_measurand(app: &App, tx: &mut Tx, ended: &Command) -> Result<bool> {
    let accepted = ended.state == CommandState::Accepted;
    // Without an answer nothing is known of the measurand.
    if !accepted && ended.state != CommandState::Rejected {
        return Ok(false);
    }
    let step: Option<ProbeStep> = given(tx, ended).await?;
    if let Some(step) = step.and_then(|step| step.next(accepted)) {
        probe(app, tx, target(ended), &step, PATIENCE).await?;
    }
    Ok(false)
}

/// Tries one step of a list of measurands.
pub async fn probe(app: &App, tx: &mut Tx, to: From, step: &ProbeStep, waits: TimeDelta) -> Result<Command> {
    let version = version(tx, to.station_id).await?;
    let context = context(tx, to.station_id, version, None, None).await?;
    let set = CommandInput::SetParameter(SetParameter { name: step.name.clone(), value: step.value() });
    let kept = serde_json::to_value(step).map_err(Error::internal)?;
    order(app, tx, to, PROBE, &Outbound::Command(&set), version, &context, Some(kept), waits).await
}

/// A message that is refused about all connectors is asked for about each (tolerance `trigger_each_connector`).
async fn triggers(app: &App, tx: &mut Tx, ended: &Command) -> Result<bool> {
    let Some(CommandInput::TriggerMessage(trigger)) = given(tx, ended).await? else { return Ok(false) };
    let of_connectors =
        matches!(trigger.message, TriggerKind::Status | TriggerKind::MeterValues | TriggerKind::TransactionEvent);
    if trigger.connector.is_some()
        || !of_connectors
        || tolerances(tx, ended).await?.trigger_each_connector != Some(true)
    {
        return Ok(false);
    }
    for (number, _) in commands::connectors(tx, ended.station_id).await? {
        let one = CommandInput::TriggerMessage(TriggerMessage { connector: Some(number), ..trigger.clone() });
        typed(app, tx, target(ended), &one, PATIENCE).await?;
    }
    Ok(false)
}

/// A profile whose unit may be the wrong one is tried once in the other (tolerance `rate_unit_fallback`). Direct current has no
/// voltage to reckon with.
async fn other_unit(app: &App, tx: &mut Tx, ended: &Command) -> Result<bool> {
    let tried = commands::input(tx, ended.id).await?.is_some();
    if tried || tolerances(tx, ended).await?.rate_unit_fallback != Some(true) {
        return Ok(false);
    }
    let Some(profile) = charging_profile::of_command(tx, ended.id).await? else { return Ok(false) };
    let mut powers = commands::connectors(tx, ended.station_id).await?;
    powers.retain(|(number, _)| profile.connector == 0 || profile.connector == *number);
    if powers.iter().any(|(_, power)| *power == PowerType::Dc) {
        return Ok(false);
    }
    let single = !powers.is_empty() && powers.iter().all(|(_, power)| *power == PowerType::Ac1Phase);
    let mut other = profile.clone();
    other.schedule = profile.schedule.in_other_unit(if single { 1 } else { 3 });
    let version = version(tx, ended.station_id).await?;
    let session = profile.session_id.map(SessionId);
    let context = context(tx, ended.station_id, version, session, Some(profile.connector)).await?;
    let kept = serde_json::json!({ "unit": other.schedule.unit });
    let outbound = Outbound::SetProfile(&other);
    let to = target(ended);
    let given = order(app, tx, to, "set_charging_profile", &outbound, version, &context, Some(kept), PATIENCE).await?;
    charging_profile::follows(tx, profile.id, given.id, ChargingProfileState::Requested).await?;
    Ok(true)
}
