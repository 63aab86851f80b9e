//! Reads authorisations with what became of them; `ingest` writes them.

use std::collections::HashMap;

use diesel::{
    dsl::sql as part,
    sql_types::{BigInt, Bool, Text, Timestamptz, Uuid as SqlUuid},
};
use stromtor_domain::{
    access::{
        authorization::{Authorization, AuthorizationId, AuthorizationStatus, Progress},
        decide::{Outcome, Reason},
        token::TokenId,
    },
    event::EventId,
    network::{charge_point::ChargePointId, location::LocationId, station::StationId},
    session::session::AuthSource,
};
use stromtor_schema::schema::authorization_monitor as monitor;

use crate::{explain::explain, resource::prelude::*};

/// What a list of them may be narrowed by.
#[derive(Debug, Clone, Default)]
pub struct AuthorizationFilter {
    /// At this operator, or of this provider's drivers.
    pub partner_id: Option<PartnerId>,
    /// At this location.
    pub location_id: Option<LocationId>,
    /// At this station.
    pub station_id: Option<StationId>,
    /// At this charge point.
    pub charge_point_id: Option<ChargePointId>,
    /// By this token.
    pub token_id: Option<TokenId>,
    /// From this source.
    pub source: Option<AuthSource>,
    /// Decided so.
    pub decision: Option<Outcome>,
    /// By this rule.
    pub reason: Option<Reason>,
    /// This far.
    pub progress: Option<Progress>,
    /// This far, in detail.
    pub status: Option<AuthorizationStatus>,
    /// In this country.
    pub country: Option<String>,
    /// In this town, or where the postal code begins so.
    pub town: Option<String>,
    /// In a street whose name has this in it.
    pub street: Option<String>,
    /// At or after.
    pub from: Option<Timestamp>,
    /// Before.
    pub to: Option<Timestamp>,
}

listing!(AuthorizationFilter => Authorization);

type Query<'a> = monitor::BoxedQuery<'a, diesel::pg::Pg>;

impl AuthorizationFilter {
    fn narrow<'a>(&self, mut query: Query<'a>) -> Query<'a> {
        macro_rules! equal {
            ($($field:ident: $column:expr),+) => {$(
                if let Some(value) = self.$field {
                    query = query.filter($column.eq(value));
                }
            )+};
        }
        equal!(
            location_id: monitor::location_id,
            station_id: monitor::station_id,
            charge_point_id: monitor::charge_point_id.assume_not_null(),
            token_id: monitor::token_id.assume_not_null(),
            source: monitor::source,
            decision: monitor::decision,
            reason: monitor::reason,
            progress: monitor::progress,
            status: monitor::status
        );
        if let Some(partner_id) = self.partner_id {
            query =
                query.filter(monitor::operator_id.eq(partner_id).or(monitor::emp_id.assume_not_null().eq(partner_id)));
        }
        if let Some(country) = &self.country {
            query = query.filter(
                part::<Bool>("location_id in (select l.id from location l where l.address->>'country' = ")
                    .bind::<Text, _>(country.to_uppercase())
                    .sql(")"),
            );
        }
        if let Some(town) = &self.town {
            query = query.filter(
                part::<Bool>("location_id in (select l.id from location l where lower(l.address->>'city') = lower(")
                    .bind::<Text, _>(town.clone())
                    .sql(") or starts_with(l.address->>'postal_code', ")
                    .bind::<Text, _>(town.clone())
                    .sql("))"),
            );
        }
        if let Some(street) = &self.street {
            query = query.filter(
                part::<Bool>(
                    "location_id in (select l.id from location l where strpos(lower(l.address->>'street'), lower(",
                )
                .bind::<Text, _>(street.clone())
                .sql(")) > 0)"),
            );
        }
        // Ids grow with time: a period is a range of the index that the page is read from.
        if let Some(from) = self.from {
            query = query.filter(monitor::id.ge(AuthorizationId(from.first_id())));
        }
        if let Some(to) = self.to {
            query = query.filter(monitor::id.lt(AuthorizationId(to.first_id())));
        }
        query
    }
}

fn page_query(filter: &AuthorizationFilter, page: &PageRequest) -> Result<Query<'static>> {
    let query = filter.narrow(monitor::table.into_boxed());
    let query = match page.after::<AuthorizationId>()? {
        Some(after) => query.filter(monitor::id.lt(after)),
        None => query,
    };
    Ok(query.order(monitor::id.desc()).limit(page.limit()? as i64 + 1))
}

/// One page, newest first.
pub async fn list(tx: &mut Tx, filter: &AuthorizationFilter, page: &PageRequest) -> Result<Page<Authorization>> {
    let query = page_query(filter, page)?.select(Authorization::as_select());
    let rows = query.load(&mut **tx).await.map_err(from_diesel)?;
    Ok(Page::cut(rows, page.limit()?, |row: &Authorization| row.id))
}

/// How PostgreSQL finds a page: a test compares it with what it is to be.
pub async fn plan(tx: &mut Tx, filter: &AuthorizationFilter, page: &PageRequest) -> Result<Vec<String>> {
    explain(tx, page_query(filter, page)?.select(Authorization::as_select())).await
}

/// One of them.
pub async fn get(tx: &mut Tx, id: AuthorizationId) -> Result<Authorization> {
    monitor::table
        .filter(monitor::id.eq(id))
        .select(Authorization::as_select())
        .first(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)?
        .ok_or(Error::NotFound("authorisation"))
}

#[derive(diesel::QueryableByName)]
struct Moved {
    #[diesel(sql_type = SqlUuid)]
    event_id: EventId,
    #[diesel(sql_type = Timestamptz)]
    at: Timestamp,
    #[diesel(sql_type = SqlUuid)]
    id: AuthorizationId,
}

/// The authorisations that events tell of.
const MOVED: &str = "\
    with news as (select e.id, e.at, e.type, e.resource_id from event e where e.id > $1 and e.type in ('authorization.decided', \
      'session.started', 'session.updated', 'session.ended', 'cdr.created', 'cdr.held', 'status.changed') order by e.id limit $2) \
    select n.id as event_id, n.at, a.id from news n cross join lateral ( \
      select n.resource_id as id where n.type = 'authorization.decided' \
      union all select s.authorization_id from session s where n.type like 'session.%' and s.id = n.resource_id \
      union all select s.authorization_id from cdr c join session s on s.id = c.session_id \
        where n.type like 'cdr.%' and c.id = n.resource_id \
      union all select s.authorization_id from (select * from session s where s.charge_point_id = n.resource_id \
        and n.type = 'status.changed' order by s.started_at desc limit 1) s where s.state = 'active') a \
    where a.id is not null order by n.id";

/// Those that moved on after an event, as they are now: one for each event, of at most `limit` events.
pub async fn since(
    tx: &mut Tx,
    filter: &AuthorizationFilter,
    after: EventId,
    limit: i64,
) -> Result<Vec<(Timestamp, EventId, Authorization)>> {
    let moved: Vec<Moved> =
        sql(MOVED).bind::<SqlUuid, _>(after).bind::<BigInt, _>(limit).load(&mut **tx).await.map_err(from_diesel)?;
    let ids: Vec<AuthorizationId> = moved.iter().map(|row| row.id).collect();
    let query = filter.narrow(monitor::table.into_boxed()).filter(monitor::id.eq_any(ids));
    let rows: Vec<Authorization> =
        query.select(Authorization::as_select()).load(&mut **tx).await.map_err(from_diesel)?;
    let rows: HashMap<AuthorizationId, Authorization> = rows.into_iter().map(|row| (row.id, row)).collect();
    let of_event = |moved: Moved| Some((moved.at, moved.event_id, rows.get(&moved.id)?.clone()));
    Ok(moved.into_iter().filter_map(of_event).collect())
}
