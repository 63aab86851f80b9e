//! Deliveries to subscribers outside: claimed head by head per key, so that order per key holds under SKIP LOCKED.

use chrono::TimeDelta;
use serde_json::Value;
use stromtor_domain::admin::delivery::{Delivery, DeliveryId, WorkState};
use stromtor_schema::schema::delivery;

use crate::resource::prelude::*;

/// The name deliveries and jobs wake their workers by.
pub const WORK_CHANNEL: &str = "stromtor_work";
/// Attempts before a delivery or job is a dead letter.
pub const MAX_ATTEMPTS: i32 = 12;

/// A delivery in a worker's hands.
#[derive(Debug, Clone, diesel::QueryableByName)]
pub struct Claimed {
    /// Which.
    #[diesel(sql_type = diesel::sql_types::Uuid)]
    pub id: DeliveryId,
    /// What to bring.
    #[diesel(sql_type = diesel::sql_types::Jsonb)]
    pub payload: Value,
    /// Attempts before this one.
    #[diesel(sql_type = diesel::sql_types::Integer)]
    pub attempts: i32,
}

/// Hands something to a subscriber, in this transaction.
pub async fn send(tx: &mut Tx, subscriber: &str, key: &str, partner_id: PartnerId, payload: Value) -> Result<()> {
    let (id, now): (DeliveryId, _) = (tx.id(), tx.now());
    diesel::insert_into(delivery::table)
        .values((
            delivery::id.eq(id),
            delivery::partner_id.eq(partner_id),
            delivery::subscriber.eq(subscriber),
            delivery::key.eq(key),
            delivery::payload.eq(payload),
            delivery::state.eq(WorkState::Pending),
            delivery::next_attempt_at.eq(now),
            delivery::created_at.eq(now),
            delivery::updated_at.eq(now),
        ))
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    wake(tx).await
}

/// Wakes the workers when this transaction is committed.
pub async fn wake(tx: &mut Tx) -> Result<()> {
    sql("select pg_notify($1, '')")
        .bind::<diesel::sql_types::Text, _>(WORK_CHANNEL)
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    Ok(())
}

/// Takes up to `limit` deliveries that are due and the heads of their keys. They are this worker's for two minutes.
pub async fn claim(tx: &mut Tx, subscriber: &str, limit: i64) -> Result<Vec<Claimed>> {
    let now = tx.now();
    sql("update delivery set locked_until = $3, updated_at = $2 where id in ( \
           select d.id from delivery d \
           where d.subscriber = $1 and d.state = 'pending' and d.next_attempt_at <= $2 \
             and (d.locked_until is null or d.locked_until < $2) \
             and not exists (select from delivery e where e.subscriber = d.subscriber and e.key = d.key \
                             and e.state = 'pending' and e.sequence < d.sequence) \
           order by d.next_attempt_at limit $4 for update skip locked) \
         returning id, payload, attempts")
    .bind::<diesel::sql_types::Text, _>(subscriber)
    .bind::<diesel::sql_types::Timestamptz, _>(now)
    .bind::<diesel::sql_types::Timestamptz, _>(now + TimeDelta::minutes(2))
    .bind::<diesel::sql_types::BigInt, _>(limit)
    .load(&mut **tx)
    .await
    .map_err(from_diesel)
}

/// The subscriber has it. What it held (links that open accounts) is not kept.
pub async fn done(tx: &mut Tx, id: DeliveryId) -> Result<()> {
    diesel::update(delivery::table.filter(delivery::id.eq(id)))
        .set((
            delivery::state.eq(WorkState::Done),
            delivery::payload.eq(Value::Null),
            delivery::attempts.eq(delivery::attempts + 1),
            delivery::last_error.eq(None::<String>),
            delivery::locked_until.eq(None::<Timestamp>),
            delivery::updated_at.eq(tx.now()),
        ))
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    Ok(())
}

/// It failed: again later, with doubling waits from 5 seconds to an hour, or a dead letter.
pub async fn failed(tx: &mut Tx, id: DeliveryId, attempts: i32, error: &str) -> Result<()> {
    let (state, next) = after_failure(tx.now(), attempts);
    diesel::update(delivery::table.filter(delivery::id.eq(id)))
        .set((
            delivery::state.eq(state),
            delivery::attempts.eq(attempts + 1),
            delivery::next_attempt_at.eq(next),
            delivery::last_error.eq(error),
            delivery::locked_until.eq(None::<Timestamp>),
            delivery::updated_at.eq(tx.now()),
        ))
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    Ok(())
}

/// What a failure leads to after `attempts` earlier ones.
pub(crate) fn after_failure(now: Timestamp, attempts: i32) -> (WorkState, Timestamp) {
    if attempts + 1 >= MAX_ATTEMPTS {
        return (WorkState::Dead, now);
    }
    (WorkState::Pending, now + TimeDelta::seconds((5_i64 << attempts.clamp(0, 12)).min(3600)))
}

/// What a list of them may be narrowed by.
#[derive(Debug, Clone, Default)]
pub struct DeliveryFilter {
    /// Of this partner alone.
    pub partner_id: Option<PartnerId>,
    /// This far.
    pub state: Option<WorkState>,
}

listing!(DeliveryFilter => Delivery);

/// One page, newest first.
pub async fn list(tx: &mut Tx, filter: &DeliveryFilter, page: &PageRequest) -> Result<Page<Delivery>> {
    let limit = page.limit()?;
    let mut query = delivery::table.select(Delivery::as_select()).order(delivery::id.desc()).into_boxed();
    if let Some(after) = page.after::<DeliveryId>()? {
        query = query.filter(delivery::id.lt(after));
    }
    if let Some(partner_id) = filter.partner_id {
        query = query.filter(delivery::partner_id.eq(partner_id));
    }
    if let Some(state) = filter.state {
        query = query.filter(delivery::state.eq(state));
    }
    let rows = query.limit(limit as i64 + 1).load(&mut **tx).await.map_err(from_diesel)?;
    Ok(Page::cut(rows, limit, |row: &Delivery| row.id))
}

/// Tries a dead letter again.
pub async fn retry(tx: &mut Tx, id: DeliveryId) -> Result<Delivery> {
    let dead = delivery::table.filter(delivery::id.eq(id).and(delivery::state.eq(WorkState::Dead)));
    let row: Option<Delivery> = diesel::update(dead)
        .set((
            delivery::state.eq(WorkState::Pending),
            delivery::attempts.eq(0),
            delivery::next_attempt_at.eq(tx.now()),
            delivery::updated_at.eq(tx.now()),
        ))
        .returning(Delivery::as_returning())
        .get_result(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)?;
    let row = row.ok_or(Error::NotFound("dead letter"))?;
    tx.audit("retry", "delivery", row.partner_id, id, None, Some(&row));
    wake(tx).await?;
    Ok(row)
}
