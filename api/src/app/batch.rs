//! Callers who come at the same time share one piece of work: a few statements and one commit for all of them.

use std::{collections::HashSet, hash::Hash};

use stromtor_domain::{Error, Result};
use stromtor_ocpp::backend::{Reply, Unavailable};
use tokio::sync::{mpsc, oneshot};
use tokio_util::task::TaskTracker;

/// Items of one piece of work.
const MOST: usize = 512;
/// Items that may wait; behind that callers wait before they may.
const QUEUE: usize = 4096;

/// What is done with many items at once.
pub trait Work: Send + Sync + 'static {
    /// One caller's item.
    type Item: Send + Sync + 'static;
    /// What the caller gets.
    type Done: Send + 'static;
    /// Items with the same key are never in one piece of work: they may depend on one another.
    type Key: Eq + Hash + Send;

    /// The item's key.
    fn key(item: &Self::Item) -> Self::Key;

    /// Does all of it or nothing: an answer for each item, in their order.
    fn all(&self, items: &[Self::Item]) -> impl Future<Output = Result<Vec<Self::Done>>> + Send;

    /// What becomes of an item that failed by itself, too, through no fault of the database.
    fn failed(&self, _item: &Self::Item, error: Error) -> impl Future<Output = Reply<Self::Done>> + Send {
        tracing::error!(?error, "a station's request failed");
        async { Err(Unavailable) }
    }
}

struct Waiting<W: Work> {
    item: W::Item,
    answer: oneshot::Sender<Reply<W::Done>>,
}

/// Takes items in; cheap to clone.
pub struct Batcher<W: Work> {
    queue: mpsc::Sender<Waiting<W>>,
}

impl<W: Work> std::fmt::Debug for Batcher<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Batcher")
    }
}

impl<W: Work> Batcher<W> {
    /// Starts the worker; it ends when the batcher is gone and what was taken is done.
    #[must_use]
    pub fn start(work: W, tasks: &TaskTracker) -> Self {
        let (queue, receiver) = mpsc::channel(QUEUE);
        tasks.spawn(run(work, receiver));
        Self { queue }
    }

    /// Takes one item; it is done when this returns `Ok`.
    pub async fn take(&self, item: W::Item) -> Reply<W::Done> {
        let (answer, answered) = oneshot::channel();
        self.queue.send(Waiting { item, answer }).await.map_err(|_| Unavailable)?;
        answered.await.unwrap_or(Err(Unavailable))
    }
}

/// Takes what has come while it was busy.
async fn run<W: Work>(work: W, mut queue: mpsc::Receiver<Waiting<W>>) {
    let mut later: Vec<Waiting<W>> = Vec::new();
    loop {
        if later.is_empty() && queue.recv_many(&mut later, MOST).await == 0 {
            return;
        }
        while later.len() < MOST
            && let Ok(next) = queue.try_recv()
        {
            later.push(next);
        }
        let mut keys = HashSet::new();
        let (now, waiting) = later.into_iter().partition(|next| keys.insert(W::key(&next.item)));
        later = waiting;
        answer(&work, now).await;
    }
}

async fn answer<W: Work>(work: &W, batch: Vec<Waiting<W>>) {
    let (items, answers): (Vec<W::Item>, Vec<_>) =
        batch.into_iter().map(|waiting| (waiting.item, waiting.answer)).unzip();
    match work.all(&items).await {
        Ok(done) => {
            for (answer, done) in answers.into_iter().zip(done) {
                let _ = answer.send(Ok(done));
            }
        }
        Err(Error::Unavailable(cause)) => {
            tracing::debug!(%cause, "stations wait");
            for answer in answers {
                let _ = answer.send(Err(Unavailable));
            }
        }
        // A bad one fails alone.
        Err(_) => {
            for (item, answer) in items.iter().zip(answers) {
                let _ = answer.send(alone(work, item).await);
            }
        }
    }
}

async fn alone<W: Work>(work: &W, item: &W::Item) -> Reply<W::Done> {
    match work.all(std::slice::from_ref(item)).await {
        Ok(mut done) => done.pop().ok_or(Unavailable),
        Err(Error::Unavailable(_)) => Err(Unavailable),
        Err(error) => work.failed(item, error).await,
    }
}
