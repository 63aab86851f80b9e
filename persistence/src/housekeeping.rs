//! What keeps the tables small and the partitions ahead.

use chrono::{Days, NaiveDate};
use diesel::sql_types::{Date, Integer};

use crate::resource::prelude::*;

/// How long things are kept, in days.
#[derive(Debug, Clone, Copy)]
pub struct Retention {
    /// OCPP messages.
    pub ocpp_message: u32,
    /// Authorisation attempts.
    pub authorization: u32,
    /// Events.
    pub event: u32,
    /// Finished commands.
    pub command: u32,
    /// Finished jobs and deliveries.
    pub job: u32,
    /// Firmware updates and publications.
    pub firmware: u32,
}

/// Makes the message log's partitions of today and the week ahead, and drops the old ones.
pub async fn partitions(tx: &mut Tx, today: NaiveDate, kept_days: u32) -> Result<()> {
    sql("select stromtor_make_partitions($1, $2)")
        .bind::<Date, _>(today)
        .bind::<Integer, _>(8)
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    let first_kept = today.checked_sub_days(Days::new(kept_days.into())).unwrap_or(today);
    sql("select stromtor_drop_partitions($1)")
        .bind::<Date, _>(first_kept)
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    Ok(())
}

/// Deletes what is older than its class is kept.
pub async fn sweep(tx: &mut Tx, kept: Retention) -> Result<()> {
    let now = tx.now();
    for (statement, days) in [
        ("delete from authorization_attempt where at < $1", kept.authorization),
        ("delete from event where at < $1", kept.event),
        ("delete from station_boot where at < $1", kept.command),
        ("delete from station_connection where disconnected_at < $1", kept.command),
        ("delete from security_event where received_at < $1", kept.command),
        ("delete from monitoring_event where received_at < $1", kept.command),
        ("delete from station_report where updated_at < $1", kept.job),
        ("delete from firmware_update where updated_at < $1", kept.firmware),
        ("delete from firmware_publication where updated_at < $1 and state <> 'published'", kept.firmware),
        ("delete from command where finished_at < $1", kept.command),
        ("delete from job where state = 'done' and updated_at < $1", kept.job),
        ("delete from delivery where state = 'done' and updated_at < $1", kept.job),
        ("delete from refresh_token where expires_at < $1", 0),
        ("delete from one_time_token where expires_at < $1", 0),
        ("delete from stream_ticket where expires_at < $1", 0),
        ("delete from transfer where expires_at < $1", 0),
        ("delete from login_throttle where updated_at < $1", 1),
    ] {
        sql(statement)
            .bind::<diesel::sql_types::Timestamptz, _>(now - chrono::TimeDelta::days(days.into()))
            .execute(&mut **tx)
            .await
            .map_err(from_diesel)?;
    }
    Ok(())
}
