//! Connections: one pool per role, so that row-level security holds and no kind of work starves another.

use std::{fmt, time::Duration};

use deadpool::Runtime;
use diesel_async::{
    AsyncConnection as _, AsyncPgConnection, SimpleAsyncConnection as _,
    pooled_connection::{
        AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod,
        deadpool::{Object, Pool},
    },
};
use futures_util::FutureExt as _;
use stromtor_domain::{
    Result,
    actor::{Actor, Permission},
    clock::SharedClock,
};

use crate::{error, tx::Tx};

/// Where the database is, once per role. All four name the same database.
#[derive(Debug, Clone)]
pub struct Urls {
    /// Owns the tables; used by migrations alone.
    pub owner: String,
    /// REST requests: sees what the actor's scope admits.
    pub request: String,
    /// What stations report.
    pub ingest: String,
    /// Outbox and jobs.
    pub worker: String,
}

/// How many connections each role may hold, and how long to wait for one.
#[derive(Debug, Clone, Copy)]
pub struct PoolSizes {
    /// For REST requests.
    pub request: usize,
    /// For stations' reports.
    pub ingest: usize,
    /// For jobs and deliveries.
    pub worker: usize,
    /// How long a caller waits for a free connection.
    pub wait: Duration,
}

impl Default for PoolSizes {
    fn default() -> Self {
        Self { request: 16, ingest: 8, worker: 4, wait: Duration::from_secs(5) }
    }
}

/// The database.
#[derive(Clone)]
pub struct Db {
    request: Pool<AsyncPgConnection>,
    ingest: Pool<AsyncPgConnection>,
    worker: Pool<AsyncPgConnection>,
    urls: Urls,
    clock: SharedClock,
}

impl fmt::Debug for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Db").finish_non_exhaustive()
    }
}

impl Db {
    /// Prepares the pools; connects when first used.
    pub fn new(urls: Urls, sizes: PoolSizes, clock: SharedClock) -> Result<Self> {
        Ok(Self {
            request: pool(&urls.request, sizes.request, sizes.wait, "set statement_timeout = '15s'")?,
            // Its statements are few, take whole batches as arrays, and go by index, row by row of the batch: planning them anew
            // costs more than it finds, and a plan made while a table was small must not read it whole once it has grown.
            ingest: pool(
                &urls.ingest,
                sizes.ingest,
                sizes.wait,
                "set statement_timeout = '15s'; set plan_cache_mode = 'force_generic_plan'; set enable_seqscan = off; \
                 set enable_hashjoin = off; set enable_mergejoin = off",
            )?,
            worker: pool(&urls.worker, sizes.worker, sizes.wait, "set statement_timeout = '120s'")?,
            urls,
            clock,
        })
    }

    /// Opens a transaction for an actor who holds `permission`; everything in it sees the actor's scope only.
    pub async fn begin(&self, actor: &Actor, permission: Permission) -> Result<Tx> {
        if !actor.may(permission) {
            return Err(stromtor_domain::Error::Forbidden(permission));
        }
        let conn = self.request.get().await.map_err(error::from_pool)?;
        Tx::scoped(conn, actor.clone(), self.clock.clone()).await
    }

    /// Opens a transaction of the identity tables (log-in, tokens), where there is no actor yet: it sees no tenant's
    /// row but through the functions made for it.
    pub async fn begin_unscoped(&self) -> Result<Tx> {
        let conn = self.worker.get().await.map_err(error::from_pool)?;
        Tx::system(conn, self.clock.clone()).await
    }

    /// Opens a transaction for what a station reports.
    pub async fn begin_ingest(&self) -> Result<Tx> {
        let conn = self.ingest.get().await.map_err(error::from_pool)?;
        Tx::system(conn, self.clock.clone()).await
    }

    /// Opens a transaction for a job or a delivery.
    pub async fn begin_worker(&self) -> Result<Tx> {
        let conn = self.worker.get().await.map_err(error::from_pool)?;
        Tx::system(conn, self.clock.clone()).await
    }

    /// A bare connection of the ingest role, for statements that are their own transaction.
    pub async fn ingest_connection(&self) -> Result<Object<AsyncPgConnection>> {
        self.ingest.get().await.map_err(error::from_pool)
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<()> {
        let mut conn = self.request.get().await.map_err(error::from_pool)?;
        conn.batch_execute("select 1").await.map_err(error::from_diesel)
    }

    /// Where the database is.
    #[must_use]
    pub const fn urls(&self) -> &Urls {
        &self.urls
    }

    /// The clock of every transaction.
    #[must_use]
    pub const fn clock(&self) -> &SharedClock {
        &self.clock
    }

    /// Drops idle connections that died, which deadpool would keep until somebody takes them. Run now and then.
    pub fn reap(&self, idle: Duration) {
        for pool in [&self.request, &self.ingest, &self.worker] {
            pool.retain(|_, metrics| metrics.last_used() < idle);
        }
    }

    /// Closes every pool; connections in use end with their work.
    pub fn close(&self) {
        for pool in [&self.request, &self.ingest, &self.worker] {
            pool.close();
        }
    }
}

fn pool(url: &str, size: usize, wait: Duration, settings: &'static str) -> Result<Pool<AsyncPgConnection>> {
    let mut config = ManagerConfig::default();
    // Checks the transaction state and a closed socket without a round trip.
    config.recycling_method = RecyclingMethod::Fast;
    config.custom_setup = Box::new(move |url| {
        let url = url.to_owned();
        async move {
            let mut conn = AsyncPgConnection::establish(&url).await?;
            conn.batch_execute(&format!(
                "{settings}; set idle_in_transaction_session_timeout = '60s'; set timezone = 'UTC'; set jit = off"
            ))
            .await
            .map_err(diesel::ConnectionError::CouldntSetupConfiguration)?;
            Ok(conn)
        }
        .boxed()
    });
    Pool::builder(AsyncDieselConnectionManager::new_with_config(url, config))
        .max_size(size)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(wait))
        .create_timeout(Some(wait))
        .recycle_timeout(Some(wait))
        .build()
        .map_err(stromtor_domain::Error::internal)
}
