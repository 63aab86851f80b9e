//! Jobs: claimed with SKIP LOCKED, done in the transaction that marks them done, or tried again later.

use chrono::TimeDelta;
use serde_json::Value;
use stromtor_domain::admin::{
    delivery::WorkState,
    job::{Job, JobId, JobKind},
};
use stromtor_schema::schema::job;

use crate::{
    admin::delivery::{after_failure, wake},
    resource::prelude::*,
};

/// Asks for a job at `run_at`. The same `unique_key` while one is pending is the same job.
pub async fn add(
    tx: &mut Tx,
    kind: JobKind,
    unique_key: &str,
    partner_id: PartnerId,
    payload: Value,
    run_at: Timestamp,
) -> Result<()> {
    let (id, now): (JobId, _) = (tx.id(), tx.now());
    diesel::insert_into(job::table)
        .values((
            job::id.eq(id),
            job::partner_id.eq(partner_id),
            job::kind.eq(kind),
            job::unique_key.eq(unique_key),
            job::payload.eq(payload),
            job::state.eq(WorkState::Pending),
            job::run_at.eq(run_at),
            job::created_at.eq(now),
            job::updated_at.eq(now),
        ))
        .on_conflict_do_nothing()
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    wake(tx).await
}

/// Takes up to `limit` jobs that are due. They are this worker's for five minutes.
pub async fn claim(tx: &mut Tx, limit: i64) -> Result<Vec<Job>> {
    let now = tx.now();
    let due = job::table
        .filter(
            job::state
                .eq(WorkState::Pending)
                .and(job::run_at.le(now))
                .and(job::locked_until.is_null().or(job::locked_until.assume_not_null().lt(now))),
        )
        .order(job::run_at)
        .limit(limit)
        .select(job::id)
        .for_update()
        .skip_locked();
    let ids: Vec<JobId> = due.load(&mut **tx).await.map_err(from_diesel)?;
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    diesel::update(job::table.filter(job::id.eq_any(ids)))
        .set((job::locked_until.eq(now + TimeDelta::minutes(5)), job::updated_at.eq(now)))
        .returning(Job::as_returning())
        .get_results(&mut **tx)
        .await
        .map_err(from_diesel)
}

/// When the next job is due, if any.
pub async fn next_due(tx: &mut Tx) -> Result<Option<Timestamp>> {
    job::table
        .filter(job::state.eq(WorkState::Pending))
        .select(diesel::dsl::min(job::run_at))
        .first(&mut **tx)
        .await
        .map_err(from_diesel)
}

/// It is done; call it in the transaction of its effects.
pub async fn done(tx: &mut Tx, id: JobId) -> Result<()> {
    diesel::update(job::table.filter(job::id.eq(id)))
        .set((
            job::state.eq(WorkState::Done),
            job::attempts.eq(job::attempts + 1),
            job::last_error.eq(None::<String>),
            job::locked_until.eq(None::<Timestamp>),
            job::updated_at.eq(tx.now()),
        ))
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    Ok(())
}

/// It failed: again later, or a dead letter.
pub async fn failed(tx: &mut Tx, id: JobId, attempts: i32, error: &str) -> Result<()> {
    let (state, next) = after_failure(tx.now(), attempts);
    diesel::update(job::table.filter(job::id.eq(id)))
        .set((
            job::state.eq(state),
            job::attempts.eq(attempts + 1),
            job::run_at.eq(next),
            job::last_error.eq(error),
            job::locked_until.eq(None::<Timestamp>),
            job::updated_at.eq(tx.now()),
        ))
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    Ok(())
}

/// What a list of them may be narrowed by.
#[derive(Debug, Clone, Default)]
pub struct JobFilter {
    /// Of this partner alone.
    pub partner_id: Option<PartnerId>,
    /// This far.
    pub state: Option<WorkState>,
}

listing!(JobFilter => Job);

/// One page, newest first.
pub async fn list(tx: &mut Tx, filter: &JobFilter, page: &PageRequest) -> Result<Page<Job>> {
    let limit = page.limit()?;
    let mut query = job::table.select(Job::as_select()).order(job::id.desc()).into_boxed();
    if let Some(after) = page.after::<JobId>()? {
        query = query.filter(job::id.lt(after));
    }
    if let Some(partner_id) = filter.partner_id {
        query = query.filter(job::partner_id.eq(partner_id));
    }
    if let Some(state) = filter.state {
        query = query.filter(job::state.eq(state));
    }
    let rows = query.limit(limit as i64 + 1).load(&mut **tx).await.map_err(from_diesel)?;
    Ok(Page::cut(rows, limit, |row: &Job| row.id))
}

/// Tries a dead job again.
pub async fn retry(tx: &mut Tx, id: JobId) -> Result<Job> {
    let dead = job::table.filter(job::id.eq(id).and(job::state.eq(WorkState::Dead)));
    let row: Option<Job> = diesel::update(dead)
        .set((
            job::state.eq(WorkState::Pending),
            job::attempts.eq(0),
            job::run_at.eq(tx.now()),
            job::updated_at.eq(tx.now()),
        ))
        .returning(Job::as_returning())
        .get_result(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)?;
    let row = row.ok_or(Error::NotFound("dead job"))?;
    tx.audit("retry", "job", row.partner_id, id, None, Some(&row));
    wake(tx).await?;
    Ok(row)
}
