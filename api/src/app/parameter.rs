//! Sets parameters of stations, one or many at once.

use chrono::TimeDelta;
use stromtor_domain::{
    Error, Result,
    command::{Command, CommandInput, station::SetParameter},
    network::parameter::{ParameterSettings, name_for},
};
use stromtor_ocpp::version::Version;
use stromtor_persistence::{ingest::From, tx::Tx};

use super::command;
use crate::state::App;

/// Gives a command for each parameter; one whose name the station's version cannot word is refused with its place.
pub async fn set(
    app: &App,
    tx: &mut Tx,
    target: From,
    settings: &ParameterSettings,
    expires_in: TimeDelta,
) -> Result<Vec<Command>> {
    let version = command::version(tx, target.station_id).await?;
    let mut given = Vec::new();
    for (at, setting) in settings.0.iter().enumerate() {
        if name_for(&setting.name, version == Version::V201).is_none() {
            let message = format!("is no parameter of {version}, which the station speaks");
            return Err(Error::invalid(format!("/parameters/{at}/name"), message));
        }
        let input =
            CommandInput::SetParameter(SetParameter { name: setting.name.clone(), value: setting.value.clone() });
        given.push(command::typed(app, tx, target, &input, expires_in).await?);
    }
    Ok(given)
}
