//! Many stations share one commit: a worker per shard takes what has come while it was busy, writes it with a few
//! statements, and answers after the commit.

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    time::Instant,
};

use chrono::TimeDelta;
use stromtor_domain::{Error, Result};
use stromtor_ocpp::backend::{Reply, Unavailable};
use stromtor_persistence::ingest::{self, Done, Item, Rules};
use tokio::sync::{mpsc, oneshot};
use tokio_util::task::TaskTracker;

use crate::{config::Config, state::App};

/// Reports of one commit.
const BATCH: usize = 256;
/// Reports that may wait for a shard; behind that stations wait.
const QUEUE: usize = 4096;

struct Waiting {
    item: Item,
    answer: oneshot::Sender<Reply<Done>>,
}

/// Takes reports in; cheap to clone.
#[derive(Debug, Clone)]
pub struct Ingest {
    shards: Vec<mpsc::Sender<Waiting>>,
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
    /// Starts the shards; they end when every `Ingest` is gone and what was taken is written.
    #[must_use]
    pub fn start(app: &App, tasks: &TaskTracker) -> Self {
        let shards = (0..app.config.ocpp.ingest_shards.clamp(1, 64))
            .map(|_| {
                let (sender, receiver) = mpsc::channel(QUEUE);
                tasks.spawn(work(app.clone(), rules(&app.config), receiver));
                sender
            })
            .collect();
        Self { shards }
    }

    /// Takes one report; it is durable when this returns `Ok`.
    pub async fn take(&self, item: Item) -> Reply<Done> {
        let mut hasher = DefaultHasher::new();
        item.from.station_id.hash(&mut hasher);
        let shard = hasher.finish() as usize % self.shards.len();
        let (answer, answered) = oneshot::channel();
        self.shards[shard].send(Waiting { item, answer }).await.map_err(|_| Unavailable)?;
        answered.await.unwrap_or(Err(Unavailable))
    }
}

async fn work(app: App, rules: Rules, mut queue: mpsc::Receiver<Waiting>) {
    let mut later: Vec<Waiting> = Vec::new();
    loop {
        let mut batch: Vec<Waiting> = Vec::new();
        let mut stations = HashSet::new();
        if later.is_empty() {
            match queue.recv().await {
                Some(first) => later.push(first),
                None => return,
            }
        }
        while let Ok(next) = queue.try_recv() {
            later.push(next);
            if later.len() >= BATCH {
                break;
            }
        }
        // One report per station and batch: its items must not depend on one another.
        let mut waiting = Vec::new();
        for next in later {
            if batch.len() < BATCH && stations.insert(next.item.from.station_id) {
                batch.push(next);
            } else {
                waiting.push(next);
            }
        }
        later = waiting;
        answer(&app, &rules, batch).await;
    }
}

async fn answer(app: &App, rules: &Rules, batch: Vec<Waiting>) {
    let started = Instant::now();
    metrics::histogram!("stromtor_ingest_batch_size").record(batch.len() as f64);
    let (items, answers): (Vec<Item>, Vec<_>) = batch.into_iter().map(|waiting| (waiting.item, waiting.answer)).unzip();
    match write(app, &items, rules).await {
        Ok(done) => {
            for (answer, done) in answers.into_iter().zip(done) {
                let _ = answer.send(Ok(done));
            }
        }
        Err(Error::Unavailable(cause)) => {
            tracing::debug!(%cause, "stations' reports wait");
            for answer in answers {
                let _ = answer.send(Err(Unavailable));
            }
        }
        // One bad report fails alone.
        Err(_) => {
            for (item, answer) in items.iter().zip(answers) {
                let _ = answer.send(alone(app, item, rules).await);
            }
        }
    }
    metrics::histogram!("stromtor_ingest_batch_seconds").record(started.elapsed().as_secs_f64());
}

async fn write(app: &App, items: &[Item], rules: &Rules) -> Result<Vec<Done>> {
    let mut tx = app.db.begin_ingest().await?;
    let done = ingest::batch(&mut tx, items, rules).await?;
    tx.commit().await?;
    Ok(done)
}

/// A report by itself. One of a transaction that cannot be used is kept for repair and answered, for the station would
/// repeat it for ever.
async fn alone(app: &App, item: &Item, rules: &Rules) -> Reply<Done> {
    let cause = match write(app, std::slice::from_ref(item), rules).await {
        Ok(mut done) => return done.pop().ok_or(Unavailable),
        Err(Error::Unavailable(_)) => return Err(Unavailable),
        Err(Error::Internal(cause)) => cause.to_string(),
        Err(other) => other.to_string(),
    };
    tracing::error!(station = %item.from.station_id, %cause, "a station's report failed");
    metrics::counter!("stromtor_ingest_failed_total").increment(1);
    if !item.report.is_of_transaction() {
        return Err(Unavailable);
    }
    let kept = async {
        let mut tx = app.db.begin_ingest().await?;
        let done = ingest::keep_failed(&mut tx, item, &cause).await?;
        tx.commit().await?;
        Ok::<_, Error>(done)
    };
    kept.await.map_err(|error| {
        tracing::error!(%error, "a failed report could not be kept");
        Unavailable
    })
}
