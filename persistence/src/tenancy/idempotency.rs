//! Answers to requests that carried an Idempotency-Key.

use chrono::TimeDelta;
use serde_json::Value;
use stromtor_schema::schema::idempotency_key as table;
use uuid::Uuid;

use crate::resource::prelude::*;

/// Hours that an answer is kept.
pub const KEPT_HOURS: i64 = 24;

/// An answer as it is kept.
#[derive(Debug, Clone)]
pub struct Kept {
    /// HTTP status.
    pub status: u16,
    /// Headers worth repeating.
    pub headers: Value,
    /// Body.
    pub body: Vec<u8>,
}

/// What is known of a key.
#[derive(Debug)]
pub enum Known {
    /// New: it is reserved for this request.
    New,
    /// The same request was answered.
    Answered(Kept),
    /// The same request is being worked on.
    Running,
    /// Another request used the key.
    Other,
}

/// Reserves a key, or says what is known of it.
pub async fn reserve(tx: &mut Tx, actor: Uuid, key: &str, fingerprint: &[u8]) -> Result<Known> {
    let now = tx.now();
    let expired = table::table.filter(
        table::actor_id.eq(actor).and(table::key.eq(key)).and(table::created_at.lt(now - TimeDelta::hours(KEPT_HOURS))),
    );
    diesel::delete(expired).execute(&mut **tx).await.map_err(from_diesel)?;
    let inserted = diesel::insert_into(table::table)
        .values((
            table::actor_id.eq(actor),
            table::key.eq(key),
            table::fingerprint.eq(fingerprint),
            table::created_at.eq(now),
        ))
        .on_conflict_do_nothing()
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    if inserted == 1 {
        return Ok(Known::New);
    }
    type Row = (Vec<u8>, Option<i32>, Option<Value>, Option<Vec<u8>>);
    let row: Option<Row> = table::table
        .filter(table::actor_id.eq(actor).and(table::key.eq(key)))
        .select((table::fingerprint, table::status, table::headers, table::body))
        .first(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)?;
    Ok(match row {
        Some((known, ..)) if known != fingerprint => Known::Other,
        Some((_, Some(status), headers, body)) => Known::Answered(Kept {
            status: u16::try_from(status).unwrap_or(500),
            headers: headers.unwrap_or_default(),
            body: body.unwrap_or_default(),
        }),
        _ => Known::Running,
    })
}

/// Keeps the answer.
pub async fn keep(tx: &mut Tx, actor: Uuid, key: &str, answer: &Kept) -> Result<()> {
    diesel::update(table::table.filter(table::actor_id.eq(actor).and(table::key.eq(key))))
        .set((
            table::status.eq(i32::from(answer.status)),
            table::headers.eq(&answer.headers),
            table::body.eq(&answer.body),
        ))
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    Ok(())
}

/// Frees a key whose request failed without effect.
pub async fn free(tx: &mut Tx, actor: Uuid, key: &str) -> Result<()> {
    diesel::delete(table::table.filter(table::actor_id.eq(actor).and(table::key.eq(key))))
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    Ok(())
}

/// Forgets old answers.
pub async fn sweep(tx: &mut Tx) -> Result<usize> {
    let old = table::table.filter(table::created_at.lt(tx.now() - TimeDelta::hours(KEPT_HOURS)));
    diesel::delete(old).execute(&mut **tx).await.map_err(from_diesel)
}
