//! What stations report, many at a time: a worker per share of the stations.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    time::Instant,
};

use chrono::TimeDelta;
use stromtor_domain::{Error, Result, network::station::StationId};
use stromtor_ocpp::backend::{Reply, Unavailable};
use stromtor_persistence::ingest::{self, Done, Item, Rules};
use tokio_util::task::TaskTracker;

use crate::{
    app::batch::{Batcher, Work},
    config::Config,
    state::App,
};

/// Takes reports in.
#[derive(Debug)]
pub struct Ingest {
    shards: Vec<Batcher<Reports>>,
}

/// The rules as configured.
#[must_use]
pub fn rules(config: &Config) -> Rules {
    let session = &config.session;
    Rules {
        clock_tolerance: TimeDelta::seconds(session.clock_tolerance_s.into()),
        late_values: TimeDelta::seconds(session.late_value_grace_s.into()),
        missing_stop: TimeDelta::seconds(session.missing_stop_grace_s.into()),
        one_session_per_token: session.one_session_per_token,
    }
}

impl Ingest {
    /// Starts the shards.
    #[must_use]
    pub fn start(app: &App, tasks: &TaskTracker) -> Self {
        let reports = || Reports { app: app.clone(), rules: rules(&app.config) };
        let shards = match app.config.ocpp.ingest_shards {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            shards => shards,
        };
        Self { shards: (0..shards.clamp(1, 64)).map(|_| Batcher::start(reports(), tasks)).collect() }
    }

    /// Takes one report; it is durable when this returns `Ok`.
    pub async fn take(&self, item: Item) -> Reply<Done> {
        let mut hasher = DefaultHasher::new();
        item.from.station_id.hash(&mut hasher);
        let shard = hasher.finish() as usize % self.shards.len();
        self.shards[shard].take(item).await
    }
}

struct Reports {
    app: App,
    rules: Rules,
}

impl Work for Reports {
    type Item = Item;
    type Done = Done;
    type Key = StationId;

    fn key(item: &Item) -> StationId {
        item.from.station_id
    }

    async fn all(&self, items: &[Item]) -> Result<Vec<Done>> {
        let started = Instant::now();
        let mut tx = self.app.db.begin_ingest().await?;
        let done = ingest::batch(&mut tx, items, &self.rules).await?;
        tx.commit().await?;
        metrics::histogram!("stromtor_ingest_batch_size").record(items.len() as f64);
        metrics::histogram!("stromtor_ingest_batch_seconds").record(started.elapsed().as_secs_f64());
        Ok(done)
    }

    /// One of a transaction that cannot be used is kept for repair and answered, for the station would repeat it for ever.
    async fn failed(&self, item: &Item, error: Error) -> Reply<Done> {
        let cause = match error {
            Error::Internal(cause) => cause.to_string(),
            other => other.to_string(),
        };
        tracing::error!(station = %item.from.station_id, %cause, "a station's report failed");
        metrics::counter!("stromtor_ingest_failed_total").increment(1);
        if !item.report.is_of_transaction() {
            return Err(Unavailable);
        }
        let kept = async {
            let mut tx = self.app.db.begin_ingest().await?;
            let done = ingest::keep_failed(&mut tx, item, &cause).await?;
            tx.commit().await?;
            Ok::<_, Error>(done)
        };
        kept.await.map_err(|error| {
            tracing::error!(%error, "a failed report could not be kept");
            Unavailable
        })
    }
}
