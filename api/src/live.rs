//! Live streams (server-sent events): readers ask the database for what is new, so that every node's news arrives.
//!
//! Rows become visible when their transaction commits, not in the order of their ids. A reader therefore asks from some
//! seconds before what it has seen, and skips what it has sent.

use std::{collections::HashSet, hash::Hash, time::Duration};

use chrono::TimeDelta;
use futures_util::{Stream, stream};
use poem::Request;
use poem_openapi::{ApiResponse, SecurityScheme, auth::ApiKey, payload::EventStream};
use stromtor_domain::{
    Result, Timestamp,
    access::authorization::Authorization,
    actor::{Actor, Permission},
    event::{EventId, EventRow},
    network::ocpp_message::{OcppMessage, OcppMessageId},
};
use stromtor_persistence::{
    access::authorization::{self, AuthorizationFilter},
    event::{self, EventFilter},
    network::ocpp_message::{self, OcppMessageFilter},
};

use crate::{app::ticket, auth::Auth, state::App};

/// How late a row may become visible: a transaction lives no longer than its statements' time-out.
const OVERLAP: TimeDelta = TimeDelta::seconds(20);
const PAUSE: Duration = Duration::from_millis(500);
const ROWS: i64 = 1000;

/// Who may follow a stream: a bearer token, or a ticket in the URL, for a browser's EventSource sends no header.
#[derive(SecurityScheme)]
pub enum StreamAuth {
    /// A bearer token.
    Bearer(Auth),
    /// A stream ticket.
    Ticket(TicketAuth),
}

/// A stream ticket: single use, seconds to live.
#[derive(SecurityScheme)]
#[oai(ty = "api_key", key_name = "ticket", key_in = "query", checker = "redeem", rename = "ticket")]
pub struct TicketAuth(Actor);

async fn redeem(request: &Request, key: ApiKey) -> Option<Actor> {
    let app = request.data::<App>()?;
    ticket::redeem(app, &key.key).await.ok().flatten()
}

impl StreamAuth {
    /// The actor.
    #[must_use]
    pub fn actor(self) -> Actor {
        match self {
            Self::Bearer(Auth(actor)) | Self::Ticket(TicketAuth(actor)) => actor,
        }
    }
}

/// A stream of server-sent events.
#[derive(ApiResponse)]
pub enum Streamed<
    T: Stream<Item = I> + Send + 'static,
    I: poem_openapi::types::Type + poem_openapi::types::ToJSON + 'static,
> {
    /// One server-sent event per item; its data is the item as JSON.
    #[oai(status = 200)]
    Ok(EventStream<T>),
}

impl<T, I> Streamed<T, I>
where
    T: Stream<Item = I> + Send + 'static,
    I: poem_openapi::types::Type + poem_openapi::types::ToJSON + 'static,
{
    /// With a comment every 15 seconds, so that nothing in between takes it for dead.
    pub fn of(items: T) -> Self {
        Self::Ok(EventStream::new(items).keep_alive(Duration::from_secs(15)))
    }
}

/// What has been sent, as far back as a reader asks again.
struct Sent<K> {
    ids: HashSet<K>,
    order: std::collections::VecDeque<(Timestamp, K)>,
}

impl<K: Copy + Eq + Hash> Sent<K> {
    fn new() -> Self {
        Self { ids: HashSet::new(), order: std::collections::VecDeque::new() }
    }

    /// Whether it is new; and forgets what is older than anybody asks for.
    fn note(&mut self, at: Timestamp, id: K) -> bool {
        if !self.ids.insert(id) {
            return false;
        }
        self.order.push_back((at, id));
        while self.order.front().is_some_and(|(old, _)| *old + OVERLAP * 2 < at) {
            if let Some((_, id)) = self.order.pop_front() {
                self.ids.remove(&id);
            }
        }
        true
    }
}

/// Follows events from now on.
pub fn events(app: App, actor: Actor, filter: EventFilter) -> impl Stream<Item = EventRow> + Send + 'static {
    let begin = app.now();
    let sent: Sent<EventId> = Sent::new();
    follow(app, begin, sent, move |app, newest| {
        let (actor, filter) = (actor.clone(), filter.clone());
        async move {
            let mut tx = app.begin(&actor, Permission::EventRead).await?;
            let rows = event::since(&mut tx, &filter, EventId((newest - OVERLAP).first_id()), ROWS).await?;
            tx.commit().await?;
            Ok(rows.into_iter().filter(|row| row.at >= begin).map(|row| (row.at, row.id, row)).collect())
        }
    })
}

/// Follows authorisations from now on: each as it is after it moved on.
pub fn authorizations(
    app: App,
    actor: Actor,
    filter: AuthorizationFilter,
) -> impl Stream<Item = Authorization> + Send + 'static {
    let begin = app.now();
    let sent: Sent<EventId> = Sent::new();
    follow(app, begin, sent, move |app, newest| {
        let (actor, filter) = (actor.clone(), filter.clone());
        async move {
            let mut tx = app.begin(&actor, Permission::AccessRead).await?;
            let after = EventId((newest - OVERLAP).max(begin).first_id());
            let rows = authorization::since(&mut tx, &filter, after, ROWS).await?;
            tx.commit().await?;
            Ok(rows)
        }
    })
}

/// Follows the OCPP message log from now on.
pub fn messages(app: App, actor: Actor, filter: OcppMessageFilter) -> impl Stream<Item = OcppMessage> + Send + 'static {
    let begin = app.now();
    let sent: Sent<OcppMessageId> = Sent::new();
    follow(app, begin, sent, move |app, newest| {
        let (actor, filter) = (actor.clone(), filter.clone());
        async move {
            let mut tx = app.begin(&actor, Permission::OcppLogRead).await?;
            let since = (newest - OVERLAP).max(begin);
            let rows = ocpp_message::since(&mut tx, &filter, since, ROWS).await?;
            tx.commit().await?;
            let wanted = |row: &OcppMessage| {
                filter.action.as_ref().is_none_or(|action| row.action.as_ref() == Some(action))
                    && filter.direction.is_none_or(|direction| row.direction == direction)
                    && filter.kind.is_none_or(|kind| row.kind == kind)
            };
            Ok(rows.into_iter().filter(wanted).map(|row| (row.at, row.id, row)).collect())
        }
    })
}

fn follow<T, K, F, W>(app: App, begin: Timestamp, sent: Sent<K>, fetch: F) -> impl Stream<Item = T> + Send + 'static
where
    T: Send + 'static,
    K: Copy + Eq + Hash + Send + 'static,
    F: Fn(App, Timestamp) -> W + Send + Sync + 'static,
    W: Future<Output = Result<Vec<(Timestamp, K, T)>>> + Send,
{
    let start = (app, begin, sent, std::collections::VecDeque::new(), fetch);
    stream::unfold(start, |(app, mut newest, mut sent, mut ready, fetch)| async move {
        loop {
            if let Some(row) = ready.pop_front() {
                return Some((row, (app, newest, sent, ready, fetch)));
            }
            tokio::select! {
                () = app.cancel.cancelled() => return None,
                () = tokio::time::sleep(PAUSE) => {}
            }
            match fetch(app.clone(), newest).await {
                Ok(rows) => {
                    for (at, id, row) in rows {
                        newest = newest.max(at);
                        if sent.note(at, id) {
                            ready.push_back(row);
                        }
                    }
                }
                // The database is away, or the actor's permission ended with the rest: the client connects again.
                Err(error) => {
                    tracing::debug!(%error, "a stream ends");
                    return None;
                }
            }
        }
    })
}
