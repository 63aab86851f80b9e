//! LISTEN on a connection of its own: wakes who waits for rows. A notice is a hint, never the news itself, so nothing is
//! lost while the connection is away: everybody polls as well.

use std::{collections::HashMap, sync::Arc, time::Duration};

use diesel_async::{AsyncConnection as _, AsyncPgConnection, SimpleAsyncConnection as _};
use futures_util::StreamExt as _;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Channels and who waits for them.
#[derive(Debug, Clone)]
pub struct Listener {
    channels: Arc<HashMap<&'static str, Arc<Notify>>>,
}

impl Listener {
    /// Listens on `channels` until cancelled, reconnecting with back-off.
    #[must_use]
    pub fn spawn(url: String, channels: &[&'static str], cancel: CancellationToken) -> Self {
        let channels: Arc<HashMap<_, _>> =
            Arc::new(channels.iter().map(|name| (*name, Arc::new(Notify::new()))).collect());
        let listener = Self { channels: channels.clone() };
        tokio::spawn(async move {
            let mut wait = Duration::from_millis(100);
            while !cancel.is_cancelled() {
                let listening = async {
                    let mut conn = AsyncPgConnection::establish(&url).await.map_err(|error| error.to_string())?;
                    for name in channels.keys() {
                        conn.batch_execute(&format!("listen {name}")).await.map_err(|error| error.to_string())?;
                    }
                    wait = Duration::from_millis(100);
                    // Something may have happened while we were away.
                    for waiting in channels.values() {
                        waiting.notify_waiters();
                    }
                    let mut notices = std::pin::pin!(conn.notifications_stream());
                    while let Some(notice) = notices.next().await {
                        let notice = notice.map_err(|error| error.to_string())?;
                        if let Some(waiting) = channels.get(notice.channel.as_str()) {
                            waiting.notify_waiters();
                        }
                    }
                    Err::<(), String>("connection closed".into())
                };
                tokio::select! {
                    () = cancel.cancelled() => return,
                    ended = listening => {
                        if let Err(error) = ended {
                            tracing::warn!(%error, "LISTEN connection lost, trying again");
                        }
                    }
                }
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(Duration::from_secs(10));
            }
        });
        listener
    }

    /// Waits for a notice on the channel, at most `longest`: the poll.
    pub async fn wait(&self, channel: &str, longest: Duration) {
        match self.channels.get(channel) {
            Some(waiting) => {
                let _ = tokio::time::timeout(longest, waiting.notified()).await;
            }
            None => tokio::time::sleep(longest).await,
        }
    }

    /// Who waits for a channel.
    #[must_use]
    pub fn notify(&self, channel: &str) -> Option<Arc<Notify>> {
        self.channels.get(channel).cloned()
    }
}
