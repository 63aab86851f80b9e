//! Connections of stations where there are several processes: one ends those of its own that are over (the station connected
//! elsewhere, or what it was let in as has changed), and those that another one died with.

use std::time::Duration;

use chrono::TimeDelta;
use stromtor_domain::Result;
use stromtor_persistence::{
    ingest,
    listen::Listener,
    network::connection::{self, CONNECTION_CHANNEL, Held},
};

use crate::state::App;

/// How often is looked without a notice.
const POLL: Duration = Duration::from_secs(30);
/// Many notices at once are one look.
const PAUSE: Duration = Duration::from_millis(100);
/// How long a process is not heard until it is lost; it tells every five seconds.
const LOST_AFTER: TimeDelta = TimeDelta::seconds(20);
/// Connections ended in one transaction.
const ROUND: i64 = 500;

/// Looks whenever told to, until the process stops.
pub async fn watch(app: App, listener: Listener) {
    while !app.cancel.is_cancelled() {
        // Waits while it looks: what happens meanwhile is not missed.
        let look_and_wait = async { tokio::join!(look(&app), listener.wait(CONNECTION_CHANNEL, POLL)).0 };
        let looked = tokio::select! {
            () = app.cancel.cancelled() => return,
            looked = look_and_wait => looked,
        };
        if let Err(error) = looked {
            tracing::warn!(%error, "cannot tell which connections are over");
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Tells that this process lives, and ends the connections of those that do not. Only one that was heard all the time can
/// tell: when the database was away, nobody was.
pub async fn live(app: &App) -> Result<()> {
    loop {
        let mut tx = app.db.begin_ingest().await?;
        let heard_since = ingest::alive(&mut tx, app.node, LOST_AFTER).await?;
        let unseen_since = tx.now() - LOST_AFTER;
        let ended = if heard_since <= unseen_since { ingest::end_lost(&mut tx, unseen_since, ROUND).await? } else { 0 };
        tx.commit().await?;
        if ended < ROUND as usize {
            return Ok(());
        }
    }
}

async fn look(app: &App) -> Result<()> {
    let held = app.stations.held(|station_id, epoch, door_revision| Held { station_id, epoch, door_revision });
    if held.is_empty() {
        return Ok(());
    }
    let mut tx = app.db.begin_worker().await?;
    let stale = connection::stale(&mut tx, &held).await?;
    tx.commit().await?;
    for (station, epoch, reason) in stale {
        app.stations.end(station, epoch, reason);
    }
    Ok(())
}
