//! Runs jobs that are due.

use stromtor_domain::{
    Error, Result,
    admin::job::{Job, JobKind},
    session::session::SessionId,
};
use stromtor_persistence::{access::local_list, admin::job};

use crate::{
    app::{certificate, settle},
    state::App,
};

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

/// Does it, and marks it done in the transaction of its effects.
async fn run(app: &App, due: &Job) -> Result<()> {
    let mut tx = app.db.begin_worker().await?;
    match due.kind {
        JobKind::SettleSession => {
            let id = due.payload["session_id"].as_str().and_then(|id| id.parse::<SessionId>().ok());
            let id = id.ok_or_else(|| Error::internal("a settlement without a session"))?;
            settle::settle(&mut tx, id, &app.config.billing).await?;
        }
        JobKind::DeleteObject => {
            let key = due.payload["key"].as_str().ok_or_else(|| Error::internal("a deletion without a key"))?;
            app.files.delete(key).await?;
        }
        JobKind::SignCertificate => {
            let id = due.payload["certificate_request_id"].as_str().and_then(|id| id.parse().ok());
            let id = id.ok_or_else(|| Error::internal("a signature without a request"))?;
            tx = certificate::sign(app, tx, id).await?;
        }
        JobKind::MarkLocalLists => local_list::mark_all(&mut tx).await?,
    }
    job::done(&mut tx, due.id).await?;
    tx.commit().await?;
    if due.kind == JobKind::SignCertificate {
        app.commands_due.notify_one();
    }
    Ok(())
}

/// An error with its cause, for those who run the platform.
pub(super) fn describe(error: &Error) -> String {
    match error {
        Error::Internal(cause) | Error::Unavailable(cause) => format!("{error}: {cause}"),
        Error::Invalid { fields } => format!("{error}: {fields:?}"),
        other => other.to_string(),
    }
}
