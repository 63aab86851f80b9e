//! The transaction guard: `begin → … → commit`. Without commit it rolls back.

use std::{
    fmt,
    ops::{Deref, DerefMut},
};

use diesel::{
    ExpressionMethods as _, QueryDsl as _,
    sql_types::{Array, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{
    AnsiTransactionManager, AsyncPgConnection, RunQueryDsl, TransactionManager as _,
    pooled_connection::deadpool::Object,
};
use serde::Serialize;
use stromtor_domain::{
    Error, Result, Timestamp,
    actor::Actor,
    clock::SharedClock,
    event::{Event, EventType},
    tenancy::partner::PartnerId,
};
use stromtor_schema::schema::partner;
use uuid::Uuid;

use crate::{
    audit::{self, AuditRow},
    error::from_diesel,
    sql::sql,
};

/// An open transaction with the actor's scope on it. Derefs to the connection, so queries run on `&mut *tx`.
///
/// Audit and event rows are buffered and written by [`Tx::commit`]. Dropped without commit it rolls back at once in a
/// task of its own; if even that fails the connection is thrown away.
pub struct Tx {
    conn: Option<Object<AsyncPgConnection>>,
    actor: Actor,
    clock: SharedClock,
    now: Timestamp,
    audit: Vec<AuditRow>,
    events: Vec<(Uuid, Event)>,
}

impl fmt::Debug for Tx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tx").field("actor", &self.actor.name).finish_non_exhaustive()
    }
}

impl Tx {
    /// For a REST request: sets what row-level security reads.
    pub(crate) async fn scoped(conn: Object<AsyncPgConnection>, actor: Actor, clock: SharedClock) -> Result<Self> {
        let locations = actor.locations.as_ref().map_or_else(String::new, |ids| {
            // An empty list must mean none, not all.
            let ids = if ids.is_empty() {
                vec![Uuid::nil().to_string()]
            } else {
                ids.iter().map(ToString::to_string).collect()
            };
            ids.join(",")
        });
        let mut tx = Self::begin(conn, actor, clock).await?;
        let now = tx.now.to_string();
        let (partner, platform) = (tx.actor.partner_id.to_string(), if tx.actor.platform { "on" } else { "off" });
        // The time is what triggers note.
        sql("select set_config('stromtor.partner', $1, true), set_config('stromtor.platform', $2, true), \
             set_config('stromtor.locations', $3, true), set_config('stromtor.now', $4, true)")
        .bind::<Text, _>(partner)
        .bind::<Text, _>(platform)
        .bind::<Text, _>(locations)
        .bind::<Text, _>(now)
        .execute(&mut *tx)
        .await
        .map_err(from_diesel)?;
        Ok(tx)
    }

    /// For ingest and workers, whose role has policies of its own.
    pub(crate) async fn system(conn: Object<AsyncPgConnection>, clock: SharedClock) -> Result<Self> {
        Self::begin(conn, Actor::system(PartnerId(Uuid::nil())), clock).await
    }

    async fn begin(mut conn: Object<AsyncPgConnection>, actor: Actor, clock: SharedClock) -> Result<Self> {
        AnsiTransactionManager::begin_transaction(&mut *conn).await.map_err(from_diesel)?;
        let now = clock.now();
        Ok(Self { conn: Some(conn), actor, clock, now, audit: Vec::new(), events: Vec::new() })
    }

    /// Who acts.
    #[must_use]
    pub const fn actor(&self) -> &Actor {
        &self.actor
    }

    /// The time of this transaction.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// A new id.
    #[must_use]
    pub fn id<T: From<Uuid>>(&self) -> T {
        self.clock.id().into()
    }

    /// The partner a new resource belongs to: the one asked for if it is in scope, else the actor's own.
    pub async fn partner(&mut self, asked: Option<PartnerId>) -> Result<PartnerId> {
        let Some(id) = asked else { return Ok(self.actor.partner_id) };
        use diesel::OptionalExtension as _;
        partner::table
            .filter(partner::id.eq(id))
            .select(partner::id)
            .first(&mut **self)
            .await
            .optional()
            .map_err(from_diesel)?
            .ok_or(Error::NotFound("partner"))
    }

    /// Notes a change for the audit log: what it was before, what after. The resource's name is its singular, `location`.
    pub fn audit<T: Serialize>(
        &mut self,
        action: &'static str,
        resource: &'static str,
        partner_id: PartnerId,
        resource_id: impl Into<Uuid>,
        before: Option<&T>,
        after: Option<&T>,
    ) {
        let row = audit::row(self, action, resource, partner_id, resource_id.into(), before, after);
        self.audit.push(row);
    }

    /// Notes that an actor other than the transaction's did it: log-ins, where the actor is known only afterwards.
    pub fn act_as(&mut self, actor: Actor) {
        self.actor = actor;
    }

    /// Notes an event: it is written with the change and leaves when the transaction is committed.
    pub fn emit(&mut self, event: Event) {
        self.events.push((self.clock.id(), event));
    }

    /// Notes that a resource changed, the plainest event.
    pub fn changed(
        &mut self,
        kind: EventType,
        partner_id: PartnerId,
        resource_id: impl Into<Uuid>,
        data: serde_json::Value,
    ) {
        self.emit(Event {
            kind,
            partner_id: partner_id.0,
            station_id: None,
            location_id: None,
            resource_id: resource_id.into(),
            data,
        });
    }

    /// Writes audit and events and makes everything durable.
    pub async fn commit(mut self) -> Result<()> {
        let audit = std::mem::take(&mut self.audit);
        if !audit.is_empty() {
            audit::write(&mut self, &audit).await?;
        }
        let events = std::mem::take(&mut self.events);
        if !events.is_empty() {
            write_events(&mut self, &events).await?;
        }
        let mut conn = self.conn.take().ok_or_else(|| Error::internal("transaction without connection"))?;
        let committed = AnsiTransactionManager::commit_transaction(&mut *conn).await.map_err(from_diesel);
        if committed.is_err() {
            // Its state is unknown: not back into the pool.
            drop(Object::take(conn));
        }
        committed
    }
}

async fn write_events(tx: &mut Tx, events: &[(Uuid, Event)]) -> Result<()> {
    let now = tx.now;
    let of = |pick: fn(&Event) -> Option<Uuid>| events.iter().map(|(_, event)| pick(event)).collect::<Vec<_>>();
    sql("insert into event (id, at, type, partner_id, location_id, station_id, resource_id, data) \
         select i.id, $2, i.type, i.partner_id, i.location_id, i.station_id, i.resource_id, i.data \
         from unnest($1::uuid[], $3::text[], $4::uuid[], $5::uuid[], $6::uuid[], $7::uuid[], $8::jsonb[]) \
           i(id, type, partner_id, location_id, station_id, resource_id, data)")
    .bind::<Array<SqlUuid>, _>(events.iter().map(|(id, _)| *id).collect::<Vec<_>>())
    .bind::<Timestamptz, _>(now)
    .bind::<Array<Text>, _>(events.iter().map(|(_, event)| event.kind).collect::<Vec<_>>())
    .bind::<Array<SqlUuid>, _>(events.iter().map(|(_, event)| event.partner_id).collect::<Vec<_>>())
    .bind::<Array<Nullable<SqlUuid>>, _>(of(|event| event.location_id))
    .bind::<Array<Nullable<SqlUuid>>, _>(of(|event| event.station_id))
    .bind::<Array<SqlUuid>, _>(events.iter().map(|(_, event)| event.resource_id).collect::<Vec<_>>())
    .bind::<Array<Jsonb>, _>(events.iter().map(|(_, event)| event.data.clone()).collect::<Vec<_>>())
    .execute(&mut **tx)
    .await
    .map_err(from_diesel)?;
    Ok(())
}

impl Deref for Tx {
    type Target = AsyncPgConnection;
    fn deref(&self) -> &AsyncPgConnection {
        self.conn.as_ref().expect("a transaction holds its connection until commit")
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut AsyncPgConnection {
        self.conn.as_mut().expect("a transaction holds its connection until commit")
    }
}

impl Drop for Tx {
    fn drop(&mut self) {
        let Some(mut conn) = self.conn.take() else { return };
        // diesel-async would notice the open transaction only when somebody takes the connection again.
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => {
                runtime.spawn(async move {
                    if AnsiTransactionManager::rollback_transaction(&mut *conn).await.is_err() {
                        drop(Object::take(conn));
                    }
                });
            }
            Err(_) => drop(Object::take(conn)),
        }
    }
}
