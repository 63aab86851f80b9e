//! What follows from a command's end, by its kind: written in the transaction that notes the end, so that neither is
//! known without the other.

use serde_json::Value;
use stromtor_domain::{
    Result,
    command::{Command, CommandState},
};
use stromtor_ocpp::result;
use stromtor_persistence::{
    access::local_list,
    file::{firmware_publication, firmware_update, log_request},
    ingest::{self, From},
    network::{charging_profile, parameter, reservation},
    tx::Tx,
};

use crate::{
    app::{
        again,
        certificate::{self, kind},
    },
    state::App,
};

/// Draws the consequences of a command that has ended, whether the station answered, refused, or was never reached.
pub async fn handle(app: &App, tx: &mut Tx, ended: &Command) -> Result<()> {
    if again::follow(app, tx, ended).await? {
        return parameters(tx, ended).await;
    }
    let word = ended.response.as_ref().and_then(|answer| answer["status"].as_str());
    match ended.kind.as_str() {
        "reserve" | "cancel_reservation" => reservation::answered(tx, ended).await?,
        "set_charging_profile" | "clear_charging_profile" => charging_profile::answered(tx, ended).await?,
        "send_local_list" => local_list::sent(tx, ended.id, word, ended.error.as_deref()).await?,
        "get_local_list_version" => local_list::version(tx, ended.id, list_version(ended)).await?,
        "log_request" => log_request::answered(tx, ended).await?,
        "firmware_update" => firmware_update::answered(tx, ended).await?,
        "firmware_publication" | "firmware_unpublication" => firmware_publication::answered(tx, ended).await?,
        kind::PASSWORD | kind::SIGNED | kind::INSTALLED | kind::DELETE => certificate::answered(tx, ended).await?,
        _ => {}
    }
    parameters(tx, ended).await
}

fn list_version(ended: &Command) -> Option<i32> {
    if ended.state != CommandState::Accepted {
        return None;
    }
    let answer = ended.response.as_ref()?;
    let version = answer.get("listVersion").or_else(|| answer.get("versionNumber"))?;
    i32::try_from(version.as_i64()?).ok()
}

/// What the station said about its parameters, whichever command asked.
async fn parameters(tx: &mut Tx, ended: &Command) -> Result<()> {
    let answer = ended.response.as_ref().unwrap_or(&Value::Null);
    let found = result::parameters(&ended.action, &ended.payload, answer);
    let from = From::new(ended.station_id, ended.partner_id, ended.location_id);
    ingest::parameters(tx, from, &found.known).await?;
    if !found.unknown.is_empty() {
        parameter::forget(tx, ended.station_id, &found.unknown).await?;
    }
    for (name, value, reboot_required) in &found.set {
        parameter::was_set(tx, from, name, value, *reboot_required).await?;
    }
    Ok(())
}
