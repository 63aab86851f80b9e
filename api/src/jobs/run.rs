//! Runs jobs that are due.

use stromtor_domain::{
    Error, Result,
    admin::job::{Job, JobKind},
};
use stromtor_persistence::job;

use crate::state::App;

const BATCH: i64 = 50;

/// Runs up to one batch; whether there may be more.
pub async fn run_due(app: &App) -> Result<bool> {
    let mut tx = app.db.begin_worker().await?;
    let jobs = job::claim(&mut tx, BATCH).await?;
    tx.commit().await?;
    let full = jobs.len() as i64 == BATCH;
    for due in jobs {
        if let Err(error) = run(app, &due).await {
            let cause = describe(&error);
            tracing::warn!(job = %due.id, kind = %due.kind, %cause, "job failed");
            let mut tx = app.db.begin_worker().await?;
            job::failed(&mut tx, due.id, due.attempts, &cause).await?;
            tx.commit().await?;
        }
    }
    Ok(full)
}

async fn run(_app: &App, job: &Job) -> Result<()> {
    match job.kind {
        // Asked for by nothing yet; a dead letter tells it, should it be.
        JobKind::SettleSession => Err(Error::internal("sessions are not priced yet")),
    }
}

/// An error with its cause, for those who run the platform.
pub(super) fn describe(error: &Error) -> String {
    match error {
        Error::Internal(cause) | Error::Unavailable(cause) => format!("{error}: {cause}"),
        Error::Invalid { fields } => format!("{error}: {fields:?}"),
        other => other.to_string(),
    }
}
