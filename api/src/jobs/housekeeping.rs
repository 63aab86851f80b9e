//! Every few minutes: partitions ahead, old rows away, keys rotated and reloaded, dead connections dropped.

use std::time::Duration;

use chrono::TimeDelta;
use stromtor_domain::Result;
use stromtor_persistence::{
    file::{log_request, station_file},
    housekeeping::{self, Retention},
    network::{certificate_request, charging_profile, reservation},
    session::silent,
    tenancy::{idempotency, signing_key},
};

use crate::{app::keys, state::App};

const EVERY: Duration = Duration::from_secs(60);
/// Files deleted in one transaction.
const FILES_AT_ONCE: i64 = 200;

/// How long before its end a station's certificate is told of.
const EXPIRING: TimeDelta = TimeDelta::days(30);

/// Runs until the process stops.
pub async fn run(app: App) {
    while !app.cancel.is_cancelled() {
        if let Err(error) = once(&app).await {
            tracing::warn!(%error, "housekeeping failed, trying again");
        }
        tokio::select! {
            () = app.cancel.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

/// One round; also run at start, before stations connect.
pub async fn once(app: &App) -> Result<()> {
    let kept = &app.config.retention;
    let mut tx = app.db.begin_worker().await?;
    housekeeping::partitions(&mut tx, app.now().utc().date_naive(), kept.ocpp_message_days).await?;
    tx.commit().await?;
    let mut tx = app.db.begin_worker().await?;
    let retention = Retention {
        ocpp_message: kept.ocpp_message_days,
        authorization: kept.authorization_days,
        event: kept.event_days,
        command: kept.command_days,
        job: kept.job_days,
        firmware: kept.firmware_days,
    };
    housekeeping::sweep(&mut tx, retention).await?;
    idempotency::sweep(&mut tx).await?;
    certificate_request::tell_expiring(&mut tx, EXPIRING).await?;
    let newest = signing_key::current(&mut tx).await?.into_iter().map(|key| key.created_at).max();
    tx.commit().await?;
    files(app).await?;
    let due = TimeDelta::days(app.config.auth.key_rotation_days.into());
    let keys = if newest.is_some_and(|newest| app.now() - newest > due) {
        // Refresh tokens are no JWTs, so old keys need only outlive access tokens.
        let overlap = TimeDelta::seconds(app.config.auth.access_token_ttl_s.into()) + TimeDelta::minutes(10);
        keys::rotate(&app.db, &app.secrets, &app.clock, overlap).await?
    } else {
        keys::load(&app.db, &app.secrets, &app.clock).await?
    };
    app.keys.store(keys.into());
    network(app).await?;
    app.db.reap(Duration::from_secs(300));
    app.limits.forget_idle();
    Ok(())
}

/// Files of stations, and requests for them with what was uploaded, once their days are over.
async fn files(app: &App) -> Result<()> {
    let before = |days: u32| app.now() - TimeDelta::days(days.into());
    let kept = &app.config.retention;
    let (files, requests) = (before(kept.station_file_days), before(kept.log_request_days));
    loop {
        let mut tx = app.db.begin_worker().await?;
        let swept = station_file::sweep(&mut tx, files, FILES_AT_ONCE).await?
            + log_request::sweep(&mut tx, requests, FILES_AT_ONCE).await?;
        tx.commit().await?;
        if swept < FILES_AT_ONCE as usize {
            return Ok(());
        }
    }
}

/// Reservations, profiles and sessions whose time is over are ended.
async fn network(app: &App) -> Result<()> {
    const ROUND: i64 = 500;
    let mut tx = app.db.begin_worker().await?;
    reservation::expire(&mut tx).await?;
    charging_profile::end_with_sessions(&mut tx).await?;
    tx.commit().await?;
    let config = &app.config.session;
    let hours = |hours: u32| app.now() - TimeDelta::hours(hours.into());
    loop {
        let mut tx = app.db.begin_worker().await?;
        let ended = silent::end(&mut tx, hours(config.silent_end_h), hours(config.abandoned_end_h), ROUND).await?;
        tx.commit().await?;
        if ended < ROUND as usize {
            return Ok(());
        }
    }
}
