//! What stations report, durable before it is answered. System transactions: the ingest role sees every partner's rows.
//!
//! Reports of many stations share one transaction: [`batch`] reads the facts of all with a few statements, decides in
//! memory, and writes with a few statements. A batch holds at most one report per station, so its items do not depend on one
//! another.

pub(crate) mod access;
mod contracts;
mod door;
pub(crate) mod facts;
mod live;
mod log;
mod meter;
mod notice;
mod progress;
mod start;
pub(crate) mod stop;
mod transaction;

use chrono::TimeDelta;
use stromtor_domain::{
    access::{
        decide::Outcome,
        spelling::{Spelling, TagPolicy},
    },
    event::Event,
    network::{location::LocationId, notice::Notice, station::StationId},
    session::report::{BootReport, MeterReport, Report, StartReport, StatusReport, StopReport, TransactionReport},
};
use stromtor_schema::schema::failed_report;
use uuid::Uuid;

use crate::{billing::running::Running, resource::prelude::*};

pub use door::{
    Arrival, Departure, Known, alive, connected, disconnected, end_lost, find, promote_password, quirks, refused,
    remember_unknown, seen,
};
pub use log::{MessageRow, messages};
pub use notice::parameters;
pub use progress::progress;

/// Whose report it is.
#[derive(Debug, Clone, Copy)]
pub struct From {
    /// The station.
    pub station_id: StationId,
    /// Its operator.
    pub partner_id: PartnerId,
    /// Its location.
    pub location_id: LocationId,
    /// In which other spellings its tags may name a token.
    pub tags: TagPolicy,
}

impl From {
    /// A station whose tags are spelt as they should be.
    #[must_use]
    pub fn new(station_id: StationId, partner_id: PartnerId, location_id: LocationId) -> Self {
        Self { station_id, partner_id, location_id, tags: TagPolicy::default() }
    }

    fn event(self, kind: EventType, resource_id: impl Into<Uuid>, data: serde_json::Value) -> Event {
        Event {
            kind,
            partner_id: self.partner_id.0,
            station_id: Some(self.station_id.0),
            location_id: Some(self.location_id.0),
            resource_id: resource_id.into(),
            data,
        }
    }
}

/// One report of one station.
#[derive(Debug, Clone)]
pub struct Item {
    /// Whose.
    pub from: From,
    /// What.
    pub report: Report,
}

/// What there is to configure.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Clock difference that is believed.
    pub clock_tolerance: TimeDelta,
    /// How long after its end late values still belong to a session.
    pub late_values: TimeDelta,
    /// How long the end of a session may be missing once another began.
    pub missing_stop: TimeDelta,
    /// Whether a token charges at one place at a time.
    pub one_session_per_token: bool,
}

/// Who was let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// The decision.
    pub outcome: Outcome,
    /// Until when it holds.
    pub valid_until: Option<Timestamp>,
    /// The token's group.
    pub group: Option<String>,
    /// How the tag named the token; `Exact` also where it named none, or was decided about before.
    pub spelling: Spelling,
}

impl Decided {
    /// A report that cannot be used lets nobody in.
    fn refused() -> Self {
        Self { outcome: Outcome::Invalid, valid_until: None, group: None, spelling: Spelling::Exact }
    }
}

/// What became of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    /// It is kept.
    Noted,
    /// Authorize.
    Authorized(Decided),
    /// StartTransaction.
    Started {
        /// The transaction's number.
        transaction_id: i32,
        /// Who; when the station said.
        decided: Option<Decided>,
    },
    /// TransactionEvent.
    Taken {
        /// Who; when the event said.
        decided: Option<Decided>,
        /// What it has used and at which prices; when it has ended.
        ended: Option<Box<Running>>,
    },
}

/// The reports of one kind, with their places in the batch.
type Of<'a, T> = Vec<(usize, From, &'a T)>;

/// Takes a batch of reports, each of another station. All or none: on an error the caller tries them one by one.
pub async fn batch(tx: &mut Tx, items: &[Item], rules: &Rules) -> Result<Vec<Done>> {
    let mut done = vec![Done::Noted; items.len()];
    let mut boots: Of<'_, BootReport> = Vec::new();
    let mut statuses: Of<'_, StatusReport> = Vec::new();
    let mut tags: Of<'_, String> = Vec::new();
    let mut starts: Of<'_, StartReport> = Vec::new();
    let mut meters: Of<'_, MeterReport> = Vec::new();
    let mut stops: Of<'_, StopReport> = Vec::new();
    let mut events: Of<'_, TransactionReport> = Vec::new();
    let mut notices: Of<'_, Notice> = Vec::new();
    for (place, Item { from, report }) in items.iter().enumerate() {
        match report {
            Report::Boot(report) => boots.push((place, *from, report)),
            Report::Status(report) => statuses.push((place, *from, report)),
            Report::Authorize { id_tag } => tags.push((place, *from, id_tag)),
            Report::Start(report) => starts.push((place, *from, report)),
            Report::Meter(report) => meters.push((place, *from, report)),
            Report::Stop(report) => stops.push((place, *from, report)),
            Report::Transaction(report) => events.push((place, *from, report)),
            Report::Notice(notice) => notices.push((place, *from, notice)),
        }
    }
    if !boots.is_empty() {
        live::boot(tx, &boots).await?;
    }
    if !statuses.is_empty() {
        live::status(tx, &statuses, rules).await?;
    }
    if !tags.is_empty() {
        for (place, decided) in access::authorize(tx, &tags, rules).await? {
            done[place] = Done::Authorized(decided);
        }
    }
    if !starts.is_empty() {
        for (place, transaction_id, decided) in start::start(tx, &starts, rules).await? {
            done[place] = Done::Started { transaction_id, decided };
        }
    }
    if !meters.is_empty() {
        meter::meter(tx, &meters, rules).await?;
    }
    if !stops.is_empty() {
        stop::stop(tx, &stops, rules).await?;
    }
    if !events.is_empty() {
        for (place, decided) in transaction::transaction(tx, &events, rules).await? {
            done[place] = Done::Taken { decided, ended: None };
        }
        for (place, running) in transaction::ended(tx, &events).await? {
            if let Done::Taken { ended, .. } = &mut done[place] {
                *ended = Some(Box::new(running));
            }
        }
    }
    for (_, from, notice) in notices {
        notice::notice(tx, from, notice, rules).await?;
    }
    Ok(done)
}

/// Keeps a report that could not be used, whole, and what to answer: the station must not repeat it for ever.
pub async fn keep_failed(tx: &mut Tx, item: &Item, error: &str) -> Result<Done> {
    let (id, now): (Uuid, _) = (tx.id(), tx.now());
    diesel::insert_into(failed_report::table)
        .values((
            failed_report::id.eq(id),
            failed_report::at.eq(now),
            failed_report::partner_id.eq(item.from.partner_id),
            failed_report::location_id.eq(item.from.location_id),
            failed_report::station_id.eq(item.from.station_id),
            failed_report::report.eq(serde_json::to_value(&item.report).map_err(Error::internal)?),
            failed_report::error.eq(error),
        ))
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    match &item.report {
        Report::Start(_) => {}
        Report::Transaction(report) => {
            let refused = Decided::refused();
            return Ok(Done::Taken { decided: report.id_tag.as_ref().map(|_| refused), ended: None });
        }
        _ => return Ok(Done::Noted),
    }
    let transaction_id =
        diesel::select(diesel::dsl::sql::<diesel::sql_types::Integer>("nextval('ocpp_transaction_id')::int4"))
            .get_result(&mut **tx)
            .await
            .map_err(from_diesel)?;
    let decided = Decided::refused();
    Ok(Done::Started { transaction_id, decided: Some(decided) })
}
