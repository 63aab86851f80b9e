//! Which station is connected here, and calls to it.
//!
//! One call is in flight per station; others wait in a bounded queue. The newest connection of a station wins, and the late
//! end of an old one changes nothing.

use std::{sync::Arc, time::Duration};

use dashmap::DashMap;
use serde_json::Value;
use stromtor_domain::network::station::StationId;
use tokio::sync::{mpsc, oneshot};

use crate::version::Version;

/// A station's answer to a call.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// CALLRESULT.
    Result(Value),
    /// CALLERROR.
    Error {
        /// Code.
        code: String,
        /// For people.
        description: String,
    },
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CallFailure {
    /// Not connected to this node.
    #[error("the station is not connected")]
    NotConnected,
    /// Too many calls wait already.
    #[error("too many calls wait for the station")]
    QueueFull,
    /// The connection ended before the answer came.
    #[error("the connection was lost before the station answered")]
    ConnectionLost,
    /// The station did not answer in time.
    #[error("the station did not answer in time")]
    TimedOut,
}

/// A call on its way to a connection. Boxed in the queue, which holds room for many from the start.
#[derive(Debug)]
pub(crate) struct Request {
    pub action: String,
    pub payload: Value,
    pub timeout: Duration,
    /// Told when the call goes over the wire.
    pub sent: oneshot::Sender<()>,
    pub answer: oneshot::Sender<Result<Answer, CallFailure>>,
}

impl Request {
    /// Asks for BootNotification; nobody waits for the answer.
    pub fn boot() -> Box<Self> {
        let payload = serde_json::json!({ "requestedMessage": "BootNotification" });
        let timeout = Duration::from_secs(30);
        Box::new(Self {
            action: "TriggerMessage".into(),
            payload,
            timeout,
            sent: oneshot::channel().0,
            answer: oneshot::channel().0,
        })
    }
}

/// A call in progress: first [`Pending::sent`], then [`Pending::answer`].
#[derive(Debug)]
pub struct Pending {
    /// Resolves when the call goes over the wire; an error when it never did.
    pub sent: oneshot::Receiver<()>,
    /// Resolves with the answer.
    pub answer: oneshot::Receiver<Result<Answer, CallFailure>>,
}

impl Pending {
    /// Waits for the answer.
    pub async fn wait(self) -> Result<Answer, CallFailure> {
        self.answer.await.unwrap_or(Err(CallFailure::ConnectionLost))
    }
}

#[derive(Debug)]
struct Entry {
    epoch: i64,
    door_revision: i64,
    version: Version,
    requests: mpsc::Sender<Box<Request>>,
    /// Told why the connection is to end.
    end: oneshot::Sender<&'static str>,
}

/// The stations connected to this node.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    stations: Arc<DashMap<StationId, Entry>>,
}

impl Registry {
    /// How many are connected.
    #[must_use]
    pub fn len(&self) -> usize {
        self.stations.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.stations.is_empty()
    }

    /// Whether a station is.
    #[must_use]
    pub fn contains(&self, station: StationId) -> bool {
        self.stations.contains_key(&station)
    }

    /// The version a connected station speaks.
    #[must_use]
    pub fn version(&self, station: StationId) -> Option<Version> {
        self.stations.get(&station).map(|entry| entry.version)
    }

    /// Every connection: its station, epoch, and the revision that the station was let in as.
    #[must_use]
    pub fn held<T>(&self, each: impl Fn(StationId, i64, i64) -> T) -> Vec<T> {
        self.stations.iter().map(|entry| each(*entry.key(), entry.epoch, entry.door_revision)).collect()
    }

    /// Ends a station's connection, unless a newer one is in its place.
    pub fn end(&self, station: StationId, epoch: i64, reason: &'static str) {
        if let Some((_, entry)) = self.stations.remove_if(&station, |_, entry| entry.epoch == epoch) {
            let _ = entry.end.send(reason);
        }
    }

    /// Puts a connection in place; an older one is told to end. An even newer one stays, and this one is told instead.
    pub(crate) fn insert(
        &self,
        station: StationId,
        epoch: i64,
        door_revision: i64,
        version: Version,
        requests: mpsc::Sender<Box<Request>>,
    ) -> oneshot::Receiver<&'static str> {
        let (end, ended) = oneshot::channel();
        let entry = Entry { epoch, door_revision, version, requests, end };
        match self.stations.entry(station) {
            dashmap::Entry::Occupied(mut there) => {
                let older = if there.get().epoch < epoch { there.insert(entry) } else { entry };
                let _ = older.end.send("replaced");
            }
            dashmap::Entry::Vacant(free) => {
                free.insert(entry);
            }
        }
        metrics::gauge!("stromtor_ocpp_connections").set(self.stations.len() as f64);
        ended
    }

    /// Takes a connection out, unless a newer one is in its place.
    pub(crate) fn remove(&self, station: StationId, epoch: i64) {
        self.stations.remove_if(&station, |_, entry| entry.epoch == epoch);
        metrics::gauge!("stromtor_ocpp_connections").set(self.stations.len() as f64);
    }

    /// Hands a call to a station's connection.
    pub fn call(
        &self,
        station: StationId,
        action: &str,
        payload: Value,
        timeout: Duration,
    ) -> Result<Pending, CallFailure> {
        let entry = self.stations.get(&station).ok_or(CallFailure::NotConnected)?;
        let ((sent, sent_at), (answer, answered)) = (oneshot::channel(), oneshot::channel());
        let request = Request { action: action.to_owned(), payload, timeout, sent, answer };
        match entry.requests.try_send(Box::new(request)) {
            Ok(()) => Ok(Pending { sent: sent_at, answer: answered }),
            Err(mpsc::error::TrySendError::Full(_)) => Err(CallFailure::QueueFull),
            Err(mpsc::error::TrySendError::Closed(_)) => Err(CallFailure::NotConnected),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn station() -> StationId {
        StationId(uuid::Uuid::from_u128(7))
    }

    #[test]
    fn the_queue_is_bounded_and_a_closed_one_is_no_connection() {
        let (registry, (sender, waiting)) = (Registry::default(), mpsc::channel(2));
        let _ended = registry.insert(station(), 1, 0, Version::V16, sender);
        let call = || registry.call(station(), "Reset", Value::Null, Duration::from_secs(1)).map(drop);
        assert_eq!([call(), call(), call()], [Ok(()), Ok(()), Err(CallFailure::QueueFull)]);
        drop(waiting);
        assert_eq!(call(), Err(CallFailure::NotConnected));
    }

    #[test]
    fn the_newest_stays_and_only_what_was_meant_is_ended() {
        let registry = Registry::default();
        let connect = |epoch| registry.insert(station(), epoch, 0, Version::V16, mpsc::channel(1).0);
        let (mut first, mut third, mut second) = (connect(1), connect(3), connect(2));
        assert_eq!((first.try_recv(), second.try_recv()), (Ok("replaced"), Ok("replaced")));
        registry.end(station(), 1, "changed");
        registry.remove(station(), 2);
        assert!(third.try_recv().is_err() && registry.contains(station()));
        registry.end(station(), 3, "changed");
        assert_eq!((third.try_recv(), registry.len()), (Ok("changed"), 0));
    }
}
