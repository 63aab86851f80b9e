//! Commands that the platform itself words: their payload is made by it, not by the caller.

use chrono::TimeDelta;
use serde_json::Value;
use stromtor_domain::{Error, Result, command::Command, network::station::Station};
use stromtor_persistence::{ingest::From, network::security, tx::Tx};

use crate::state::App;

/// Puts a call into a station's queue, in this transaction; tell `app.commands_due` after its commit. Secrets in the payload are
/// sealed until they are sent.
pub async fn queue(
    app: &App,
    tx: &mut Tx,
    target: &Station,
    kind: &'static str,
    action: &str,
    payload: Value,
    waits: TimeDelta,
) -> Result<Command> {
    if target.dismantled_at.is_some() {
        return Err(Error::conflict("station_dismantled", "a dismantled station takes no commands"));
    }
    let version = super::command::version(tx, target.id).await?;
    let to = From::new(target.id, target.partner_id, target.input.location_id);
    super::command::note_call(app, tx, to, kind, version, None, action, payload, waits).await
}

/// The OCPP version that a station speaks, which such a call depends on.
pub async fn version(tx: &mut Tx, target: &Station) -> Result<String> {
    let version = security::ocpp_version(tx, target.id).await?;
    version.ok_or_else(|| Error::conflict("ocpp_version_unknown", "the station has not connected yet"))
}
