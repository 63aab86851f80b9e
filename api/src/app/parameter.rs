//! Sets parameters of stations, one or many at once, and refuses what the station's own words speak against.

use chrono::TimeDelta;
use stromtor_domain::{
    Error, Result,
    command::{Command, CommandInput, station::SetParameter},
    network::{
        parameter::{ParameterChange, ParameterSetting, ParameterSettings, name_for},
        station::StationId,
        station_parameter::{Mutability, StationParameter},
    },
};
use stromtor_ocpp::version::Version;
use stromtor_persistence::{ingest::From, network::parameter, tx::Tx};

use super::command;
use crate::state::App;

/// Gives a command for each parameter (OCPP 1.6), or one for all (OCPP 2.x). One whose name the station's version cannot word,
/// or whose value the station cannot take, is refused with its place.
pub async fn set(
    app: &App,
    tx: &mut Tx,
    target: From,
    settings: &ParameterSettings,
    expires_in: TimeDelta,
) -> Result<Vec<Command>> {
    let version = command::version(tx, target.station_id).await?;
    for (at, setting) in settings.0.iter().enumerate() {
        if name_for(&setting.name, version == Version::V201).is_none() {
            let message = format!("is no parameter of {version}, which the station speaks");
            return Err(Error::invalid(format!("/parameters/{at}/name"), message));
        }
    }
    let all = CommandInput::SetParameters(ParameterChange { parameters: settings.clone() });
    check(tx, target.station_id, version, &all).await?;
    if version == Version::V201 {
        return Ok(vec![command::typed(app, tx, target, &all, expires_in).await?]);
    }
    let mut given = Vec::new();
    for ParameterSetting { name, value } in settings.0.clone() {
        let input = CommandInput::SetParameter(SetParameter { name, value });
        given.push(command::typed(app, tx, target, &input, expires_in).await?);
    }
    Ok(given)
}

/// Refuses a command that sets what the station said is read-only, to values outside of what it said of them, or monitors
/// on what it said cannot be monitored.
pub async fn check(tx: &mut Tx, station_id: StationId, version: Version, input: &CommandInput) -> Result<()> {
    let wanted: Vec<(String, &str, Option<&str>)> = match input {
        CommandInput::SetParameter(set) => vec![(String::new(), set.name.as_str(), Some(set.value.as_str()))],
        CommandInput::SetParameters(change) => {
            let settings = change.parameters.0.iter().enumerate();
            settings
                .map(|(at, one)| (format!("/parameters/{at}"), one.name.as_str(), Some(one.value.as_str())))
                .collect()
        }
        CommandInput::SetMonitors(set) => {
            let monitors = set.monitors.iter().enumerate();
            monitors.map(|(at, monitor)| (format!("/monitors/{at}"), monitor.name.as_str(), None)).collect()
        }
        _ => return Ok(()),
    };
    let name = |name: &str| name_for(name, version == Version::V201);
    let names: Vec<String> = wanted.iter().filter_map(|(_, asked, _)| name(asked)).collect();
    let known = parameter::named(tx, station_id, &names).await?;
    for (pointer, asked, value) in wanted {
        let Some(known) = known.iter().find(|known| Some(&known.name) == name(asked).as_ref()) else { continue };
        refuse(known, &pointer, value)?;
    }
    Ok(())
}

fn refuse(known: &StationParameter, pointer: &str, value: Option<&str>) -> Result<()> {
    match value {
        None if known.supports_monitoring == Some(false) => {
            Err(Error::invalid(format!("{pointer}/name"), "cannot be monitored at this station"))
        }
        None => Ok(()),
        Some(_) if known.mutability == Some(Mutability::ReadOnly) => {
            Err(Error::invalid(format!("{pointer}/name"), "is read-only at this station"))
        }
        Some(value) => match known.refuses(value) {
            Some(why) => Err(Error::invalid(format!("{pointer}/value"), why)),
            None => Ok(()),
        },
    }
}
