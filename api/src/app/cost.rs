//! What a session costs so far, for the driver at the station (OCPP 2.0.1 block I): the total when it ends, in the answer to
//! its last event, and while it runs with CostUpdated. The CDR alone is billed.

use std::{collections::HashMap, time::Duration};

use stromtor_domain::{Result, billing::rating, money::Total, session::session::SessionId};
use stromtor_ocpp::{v201, version::Version};
use stromtor_persistence::billing::running::{self, Running};

use crate::{config::Billing, state::App};

/// Sessions looked at in one statement.
const ROUND: i64 = 500;

/// With VAT, by the rules of CDRs; `None` in a country without a rate, and where the price depends on how the energy was
/// spread over the session, which is known once it is measured: better nothing than a wrong sum.
#[must_use]
pub fn so_far(billing: &Billing, running: &Running) -> Option<Total> {
    if running.price.asks_for_course() {
        return None;
    }
    let vat = running.price.vat.or_else(|| billing.vat.get(&running.country).copied())?;
    Some(rating::rate(&running.price, &running.usage, vat).total_gross)
}

/// Tells stations connected here what their running sessions cost, as often as configured, until the process stops.
pub async fn run(app: App) {
    let every = Duration::from_secs(app.config.billing.cost_update_s.into());
    if every.is_zero() {
        return;
    }
    let mut told = HashMap::new();
    while !app.cancel.is_cancelled() {
        tokio::select! {
            () = app.cancel.cancelled() => return,
            () = tokio::time::sleep(every) => {}
        }
        match round(&app, &told).await {
            Ok(now) => told = now,
            Err(error) => tracing::warn!(%error, "stations are not told what sessions cost"),
        }
    }
}

/// One round: what was told of each running session; a cost that has not changed is not told again.
async fn round(app: &App, told: &HashMap<SessionId, Total>) -> Result<HashMap<SessionId, Total>> {
    let mut now = HashMap::new();
    let mut after = None;
    loop {
        let mut tx = app.db.begin_worker().await?;
        let found = running::list(&mut tx, app.node, after, ROUND).await?;
        tx.commit().await?;
        for running in &found {
            let Some(total) = so_far(&app.config.billing, running) else { continue };
            if told.get(&running.session_id) == Some(&total) || tell(app, running, total) {
                now.insert(running.session_id, total);
            }
        }
        match found.last() {
            Some(last) => after = Some(last.session_id),
            None => return Ok(now),
        }
    }
}

/// Nobody waits for the answer: it says nothing.
fn tell(app: &App, running: &Running, total: Total) -> bool {
    let (action, payload) = v201::command::cost_updated(total.decimal(), &running.transaction);
    let timeout = Duration::from_secs(app.config.ocpp.call_timeout_s);
    app.stations.version(running.station_id) == Some(Version::V201)
        && app.stations.call(running.station_id, action, payload, timeout).is_ok()
}
