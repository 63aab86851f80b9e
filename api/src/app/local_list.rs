//! Keeps stations' local authorisation lists in step with who may charge there: one update at a time, each after the answer
//! to the last.

use std::time::Duration;

use chrono::TimeDelta;
use stromtor_domain::{
    Result,
    access::local_list::{Entries, Held, LocalListState, next},
    command::{CommandInput, station::GetLocalListVersion},
};
use stromtor_ocpp::outbound::{Context, Outbound};
use stromtor_persistence::{
    access::local_list::{self, Due},
    ingest::From,
    tx::Tx,
};

use super::command;
use crate::state::App;

/// Lists looked at in one round.
const ROUND: i64 = 50;
/// Tokens of a list and of one message, where the station says nothing.
const USUAL: (i64, usize) = (1000, 100);

/// Looks at lists that are due, until the process stops.
pub async fn run(app: App) {
    while !app.cancel.is_cancelled() {
        let more = match round(&app).await {
            Ok(more) => more,
            Err(error) => {
                tracing::warn!(%error, "local lists wait");
                false
            }
        };
        tokio::select! {
            () = app.cancel.cancelled() => return,
            () = tokio::time::sleep(Duration::from_millis(if more { 10 } else { 1000 })) => {}
        }
    }
}

/// One round; whether there may be more to do at once.
pub async fn round(app: &App) -> Result<bool> {
    let mut tx = app.db.begin_worker().await?;
    let due = local_list::due(&mut tx, ROUND).await?;
    for list in &due {
        step(app, &mut tx, list).await?;
    }
    tx.commit().await?;
    if !due.is_empty() {
        app.commands_due.notify_one();
    }
    Ok(due.len() == ROUND as usize)
}

async fn step(app: &App, tx: &mut Tx, due: &Due) -> Result<()> {
    let target = From::new(due.station_id, due.partner_id, due.location_id);
    let patience = TimeDelta::minutes(5);
    if due.state == LocalListState::Unknown {
        let ask = CommandInput::GetLocalListVersion(GetLocalListVersion {});
        let given = command::typed(app, tx, target, &ask, patience).await?;
        return local_list::asking(tx, due.station_id, given.id).await;
    }
    let number = |text: &Option<String>| text.as_deref().and_then(|text| text.trim().parse::<i64>().ok());
    let length = number(&due.list_length).filter(|most| *most > 0).unwrap_or(USUAL.0);
    let message = number(&due.message_length).and_then(|most| usize::try_from(most).ok()).filter(|most| *most > 0);
    let (wanted, truncated) = local_list::wanted(tx, due.station_id, due.partner_id, length).await?;
    local_list::truncated(tx, due.station_id, truncated).await?;
    let entries: Entries = serde_json::from_value(due.entries.clone()).unwrap_or_default();
    let held = Held { version: due.version, entries };
    let Some(step) = next(&held, &wanted, message.unwrap_or(USUAL.1), due.sent_version.unwrap_or(0)) else {
        return local_list::in_step(tx, due.station_id).await;
    };
    let version = command::version(tx, due.station_id).await?;
    let outbound = Outbound::LocalList(&step);
    let context = Context::default();
    let given =
        command::order(app, tx, target, "send_local_list", &outbound, version, &context, None, patience).await?;
    local_list::sending(tx, due.station_id, &step, given.id).await
}
