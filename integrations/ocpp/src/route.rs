//! Which station is connected here, and calls to it.
//!
//! One call is in flight per station; others wait in a bounded queue. The newest connection of a station wins, and the late
//! end of an old one changes nothing.

use std::{sync::Arc, time::Duration};

use dashmap::DashMap;
use serde_json::Value;
use stromtor_domain::network::station::StationId;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

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
    version: Version,
    requests: mpsc::Sender<Box<Request>>,
    /// Told when a newer connection takes the place.
    replaced: CancellationToken,
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

    /// Ends a station's connection: its keys changed, or it was taken out of service.
    pub fn disconnect(&self, station: StationId) {
        if let Some((_, entry)) = self.stations.remove(&station) {
            entry.replaced.cancel();
        }
    }

    /// Puts a connection in place; an older one is told to end. An even newer one stays, and this one is told instead.
    pub(crate) fn insert(
        &self,
        station: StationId,
        epoch: i64,
        version: Version,
        requests: mpsc::Sender<Box<Request>>,
    ) -> CancellationToken {
        let replaced = CancellationToken::new();
        let entry = Entry { epoch, version, requests, replaced: replaced.clone() };
        match self.stations.entry(station) {
            dashmap::Entry::Occupied(mut there) => {
                if there.get().epoch < epoch {
                    there.insert(entry).replaced.cancel();
                } else {
                    replaced.cancel();
                }
            }
            dashmap::Entry::Vacant(free) => {
                free.insert(entry);
            }
        }
        metrics::gauge!("stromtor_ocpp_connections").set(self.stations.len() as f64);
        replaced
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
