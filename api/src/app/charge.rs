//! What stations ask and report: the gateway's `Backend`.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    net::IpAddr,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use stromtor_domain::{
    Error, Result, Timestamp,
    access::{decide::Outcome, spelling::Spelling},
    network::{certificate::CsrReport, notice::Notice, progress::ProgressReport, quirk::Quirk, station::StationId},
    session::report::{
        BootReport, DataTransferReport, MeterReport, Report, StartReport, StatusReport, StopReport, TransactionReport,
    },
};
use stromtor_ocpp::{
    backend::{
        Admission, Backend, BootReply, DataTransferReply, Direction, Kind, Knock, Link, Logged, Reply, StartReply,
        TagInfo, TagStatus, TransactionReply, Unavailable,
    },
    version::Version,
};
use stromtor_persistence::ingest::{self, Arrival, Decided, Departure, Done, From, Item, MessageRow};
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::{
    app::{
        certificate, cost,
        door::{self, Door},
        ingest::Ingest,
        iso15118::Upstream,
    },
    limits::Attempts,
    state::App,
};

/// Messages that may wait for the log's writer; behind that new ones are given up, and counted.
const LOG_BUFFER: usize = 50_000;
/// How often what is written behind is written: often, for what is written at once keeps the stations' reports waiting.
const WRITE_BEHIND: Duration = Duration::from_millis(100);
/// Rows of one statement.
const LOG_BATCH: usize = 2_000;

/// Stations' reports, on their way into the database.
#[derive(Debug)]
pub struct Charge {
    app: App,
    ingest: Ingest,
    door: Door,
    seen: Mutex<HashSet<StationId>>,
    quirks: Mutex<HashMap<StationId, BTreeMap<Quirk, u64>>>,
    attempts: Attempts,
    log: Mutex<Vec<MessageRow>>,
    /// Whether the log's last batch may have been written though it was not said so.
    log_in_doubt: AtomicBool,
    upstream: Upstream,
}

fn from(link: &Link) -> From {
    From { tags: link.tolerances.tags(), ..From::new(link.station_id, link.partner_id, link.location_id) }
}

/// The database away, or our fault: either way the station must repeat.
fn unavailable(error: Error) -> Unavailable {
    match error {
        Error::Unavailable(cause) => tracing::debug!(%cause, "a station's report waits"),
        other => tracing::error!(error = ?other, "a station's report failed"),
    }
    Unavailable
}

impl Charge {
    /// On an application.
    #[must_use]
    pub fn start(app: &App, tasks: &TaskTracker) -> Self {
        Self {
            upstream: Upstream::new(&app.config.iso15118),
            app: app.clone(),
            ingest: Ingest::start(app, tasks),
            door: Door::start(app, tasks),
            seen: Mutex::default(),
            quirks: Mutex::default(),
            attempts: Attempts::default(),
            log: Mutex::default(),
            log_in_doubt: AtomicBool::new(false),
        }
    }

    /// The decision in the station's words; how the tag was spelt is noted.
    fn tag(&self, link: &Link, decided: Decided) -> TagInfo {
        let quirk = match decided.spelling {
            Spelling::Exact => None,
            Spelling::Alias => Some(Quirk::IdTagAlias),
            Spelling::Hex => Some(Quirk::IdTagHex),
            Spelling::Reversed => Some(Quirk::IdTagReversed),
            Spelling::Cut => Some(Quirk::IdTagCut),
        };
        if let Some(quirk) = quirk {
            self.quirk(link, quirk);
        }
        let status = match decided.outcome {
            Outcome::Accepted => TagStatus::Accepted,
            Outcome::Blocked => TagStatus::Blocked,
            Outcome::Expired => TagStatus::Expired,
            Outcome::Invalid => TagStatus::Invalid,
            Outcome::ConcurrentTx if link.tolerances.concurrent_tx == Some(false) => TagStatus::Invalid,
            Outcome::ConcurrentTx => TagStatus::ConcurrentTx,
        };
        TagInfo { status, expires_at: decided.valid_until, parent: decided.group }
    }

    async fn take(&self, link: &Link, report: Report) -> Reply<Done> {
        self.ingest.take(Item { from: from(link), report }).await
    }

    /// Writes what is written behind, again and again, until the process stops; then once more.
    pub async fn write_behind(&self) {
        loop {
            let stopping = tokio::select! {
                () = self.app.cancel.cancelled() => true,
                () = tokio::time::sleep(WRITE_BEHIND) => false,
            };
            if let Err(error) = self.flush().await {
                tracing::warn!(%error, "the message log waits");
            }
            if stopping {
                return;
            }
        }
    }

    /// Writes signs of life and the message log.
    pub async fn flush(&self) -> Result<()> {
        let seen: Vec<StationId> = self.seen.lock().map(|mut seen| seen.drain().collect()).unwrap_or_default();
        if !seen.is_empty() {
            let mut tx = self.app.db.begin_ingest().await?;
            ingest::seen(&mut tx, &seen).await?;
            tx.commit().await?;
        }
        let quirks = self.quirks.lock().map(|mut quirks| std::mem::take(&mut *quirks)).unwrap_or_default();
        if !quirks.is_empty() {
            let counts: Vec<_> = quirks.into_iter().map(|(id, counts)| (id, serde_json::json!(counts))).collect();
            let mut tx = self.app.db.begin_ingest().await?;
            ingest::quirks(&mut tx, &counts).await?;
            tx.commit().await?;
        }
        loop {
            let batch: Vec<MessageRow> = self
                .log
                .lock()
                .map(|mut log| {
                    let take = log.len().min(LOG_BATCH);
                    log.drain(..take).collect()
                })
                .unwrap_or_default();
            if batch.is_empty() {
                return Ok(());
            }
            let written = async {
                let mut tx = self.app.db.begin_ingest().await?;
                ingest::messages(&mut tx, &batch, self.log_in_doubt.load(Ordering::Relaxed)).await?;
                tx.commit().await
            };
            let written = written.await;
            self.log_in_doubt.store(written.is_err(), Ordering::Relaxed);
            if let Err(error) = written {
                if let Ok(mut log) = self.log.lock() {
                    log.splice(0..0, batch);
                }
                return Err(error);
            }
        }
    }

    async fn knock(&self, knock: &Knock) -> Result<Admission> {
        if !self.attempts.may_try(&knock.identity, knock.address) {
            return Ok(Admission::Throttled);
        }
        let Ok(known) = self.door.who.take(knock.identity.clone()).await else { return Ok(Admission::Unavailable) };
        let Some(known) = known else {
            let mut tx = self.app.db.begin_ingest().await?;
            let protocols = knock.protocols.join(", ");
            ingest::remember_unknown(&mut tx, &knock.identity, &knock.address.to_string(), &protocols).await?;
            tx.commit().await?;
            return Ok(Admission::Unknown);
        };
        let tolerances = known.all_tolerances();
        let Some(shown) = door::judge(&self.app.secrets, knock, &known, &tolerances) else {
            self.attempts.failed(&knock.identity, knock.address);
            let mut tx = self.app.db.begin_ingest().await?;
            ingest::refused(&mut tx, known.id).await?;
            tx.commit().await?;
            return Ok(Admission::WrongCredentials);
        };
        if let (true, Some(hmac)) = (shown.new_password, &known.next_password_hmac) {
            let mut tx = self.app.db.begin_ingest().await?;
            ingest::promote_password(&mut tx, known.id, hmac).await?;
            tx.commit().await?;
        }
        self.attempts.succeeded(&knock.identity, knock.address);
        Ok(Admission::Welcome(Link {
            station_id: known.id,
            partner_id: known.partner_id,
            location_id: known.location_id,
            identity: known.identity,
            door_revision: known.door_revision,
            accept_without_protocol: known.settings.accept_without_protocol
                || tolerances.without_protocol == Some(true),
            ping: known.settings.ping && tolerances.ping != Some(false),
            heartbeat_s: known.heartbeat.and_then(|text| text.trim().parse().ok()).filter(|seconds| *seconds > 0),
            security_profile: shown.security_profile,
            raises_profile: shown.security_profile > known.security_profile,
            tolerances,
            quirks: shown.quirks,
        }))
    }
}

#[async_trait]
impl Backend for Charge {
    async fn admit(&self, knock: Knock) -> Admission {
        match self.knock(&knock).await {
            Ok(admission) => admission,
            Err(error) => {
                unavailable(error);
                Admission::Unavailable
            }
        }
    }

    async fn connected(&self, link: &Link, version: Version, address: IpAddr) -> Reply<i64> {
        let arrival = Arrival {
            from: from(link),
            door_revision: link.door_revision,
            node: self.app.node,
            version: version.as_str(),
            address: address.to_string(),
            security_profile: link.security_profile,
            raises_profile: link.raises_profile,
        };
        // None: the station has changed meanwhile, and must knock again.
        self.door.arrivals.take(arrival).await?.ok_or(Unavailable)
    }

    async fn disconnected(&self, link: &Link, epoch: i64, reason: &'static str) {
        // The database may be away for a while; the next connection corrects what could not be noted at all.
        for pause_s in [1, 2, 4, 8, 15, 30] {
            if self.door.departures.take(Departure { from: from(link), epoch, reason }).await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_secs(pause_s)).await;
        }
    }

    fn seen(&self, link: &Link) {
        if let Ok(mut seen) = self.seen.lock() {
            seen.insert(link.station_id);
        }
    }

    async fn boot(&self, link: &Link, _: Version, report: BootReport) -> Reply<BootReply> {
        self.take(link, Report::Boot(report)).await?;
        let usual = self.app.config.ocpp.heartbeat_interval_s;
        Ok(BootReply { interval_s: link.tolerances.heartbeat_interval_s.unwrap_or(usual) })
    }

    async fn status(&self, link: &Link, report: StatusReport) -> Reply<()> {
        self.take(link, Report::Status(report)).await.map(drop)
    }

    async fn authorize(&self, link: &Link, id_tag: String) -> Reply<TagInfo> {
        match self.take(link, Report::Authorize { id_tag }).await? {
            Done::Authorized(decided) => Ok(self.tag(link, decided)),
            _ => Err(Unavailable),
        }
    }

    async fn start(&self, link: &Link, report: StartReport) -> Reply<StartReply> {
        match self.take(link, Report::Start(report)).await? {
            Done::Started { transaction_id, decided: Some(decided) } => {
                Ok(StartReply { transaction_id, tag: self.tag(link, decided) })
            }
            _ => Err(Unavailable),
        }
    }

    async fn meter(&self, link: &Link, report: MeterReport) -> Reply<()> {
        self.take(link, Report::Meter(report)).await.map(drop)
    }

    async fn stop(&self, link: &Link, report: StopReport) -> Reply<Option<TagInfo>> {
        self.take(link, Report::Stop(report)).await.map(|_| None)
    }

    async fn transaction(&self, link: &Link, report: TransactionReport) -> Reply<TransactionReply> {
        match self.take(link, Report::Transaction(report)).await? {
            Done::Taken { decided, ended } => Ok(TransactionReply {
                tag: decided.map(|decided| self.tag(link, decided)),
                total_cost: ended.and_then(|ended| cost::so_far(&self.app.config.billing, &ended)),
            }),
            _ => Err(Unavailable),
        }
    }

    async fn notice(&self, link: &Link, notice: Notice) -> Reply<()> {
        self.take(link, Report::Notice(notice)).await.map(drop)
    }

    async fn certificates(&self, link: &Link, kind: &'static str, request: &serde_json::Value) -> Option<String> {
        self.upstream.ask(&link.identity, kind, request).await
    }

    async fn data_transfer(&self, _: &Link, _: DataTransferReport) -> Reply<DataTransferReply> {
        // No vendor's messages are understood so far; they are in the message log.
        Ok(DataTransferReply::UnknownVendorId)
    }

    async fn progress(&self, link: &Link, report: ProgressReport) -> Reply<()> {
        let work = async {
            let mut tx = self.app.db.begin_ingest().await?;
            ingest::progress(&mut tx, from(link), &report).await?;
            tx.commit().await
        };
        match work.await {
            Err(error @ Error::Unavailable(_)) => Err(unavailable(error)),
            Err(error) => {
                // It is in the message log; repeating it would fail again.
                tracing::error!(?error, "a status message about a file failed");
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    async fn sign_certificate(&self, link: &Link, report: CsrReport) -> Reply<bool> {
        certificate::requested(&self.app, from(link), &link.identity, &report).await.map_err(unavailable)
    }

    fn may_shake(&self, address: IpAddr) -> bool {
        self.attempts.may_shake(address)
    }

    fn shook(&self, address: IpAddr, fine: bool) {
        self.attempts.shook(address, fine);
    }

    fn quirk(&self, link: &Link, quirk: Quirk) {
        if let Ok(mut quirks) = self.quirks.lock() {
            *quirks.entry(link.station_id).or_default().entry(quirk).or_default() += 1;
        }
    }

    fn log(&self, message: Logged) {
        message.quirks.iter().for_each(|quirk| self.quirk(&message.link, *quirk));
        let row = MessageRow {
            id: self.app.clock.id(),
            at: message.at,
            partner_id: message.link.partner_id,
            location_id: message.link.location_id,
            station_id: message.link.station_id,
            direction: if message.direction == Direction::In { "in" } else { "out" },
            kind: match message.kind {
                Kind::Call => "call",
                Kind::Result => "result",
                Kind::Error => "error",
                Kind::Invalid => "invalid",
            },
            action: message.action,
            message_id: message.message_id,
            payload: message.payload,
            quirks: message.quirks.iter().map(|quirk| quirk.as_str()).collect(),
        };
        let Ok(mut log) = self.log.lock() else { return };
        if log.len() < LOG_BUFFER {
            log.push(row);
        } else {
            metrics::counter!("stromtor_ocpp_log_dropped_total").increment(1);
        }
    }

    fn now(&self) -> Timestamp {
        self.app.now()
    }

    fn id(&self) -> Uuid {
        self.app.clock.id()
    }
}
