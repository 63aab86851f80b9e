//! What is known of those who want to charge and of where they want to: three queries, whatever their number.

use std::collections::{HashMap, HashSet};

use diesel::sql_types::{Array, BigInt, Bool, Integer, Jsonb, Nullable, Numeric, Text, Timestamptz, Uuid as SqlUuid};
use stromtor_domain::{
    access::{
        decide::{ContractFacts, PermissionFacts, PlaceFacts},
        permission::{AccessPermissionId, Limits, LocalCalendar, Used, Windows},
        policy::{AccessPolicy, AuthenticationType},
        spelling::{Spelling, Wanted},
        token::TokenId,
    },
    network::{charge_point::ChargePointId, location::TimeZone},
};

use super::{access::Asked, contracts::Contracts};
use crate::resource::prelude::*;

#[derive(diesel::QueryableByName)]
pub(crate) struct Candidate {
    #[diesel(sql_type = BigInt)]
    pub place: i64,
    #[diesel(sql_type = SqlUuid)]
    pub id: TokenId,
    #[diesel(sql_type = SqlUuid)]
    pub partner_id: PartnerId,
    #[diesel(sql_type = Bool)]
    pub of_emp: bool,
    /// A provider's that is no partner above the operator.
    #[diesel(sql_type = Bool)]
    pub foreign: bool,
    /// Told of by an OCPI peer.
    #[diesel(sql_type = Bool)]
    pub of_peer: bool,
    #[diesel(sql_type = Bool)]
    pub connected: bool,
    #[diesel(sql_type = Bool)]
    pub ask_always: bool,
    #[diesel(sql_type = Bool)]
    pub emaid: bool,
    #[diesel(sql_type = Text)]
    pub spelling: Spelling,
    #[diesel(sql_type = Bool)]
    pub blocked: bool,
    #[diesel(sql_type = Bool)]
    pub charging: bool,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub valid_from: Option<Timestamp>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub valid_until: Option<Timestamp>,
    #[diesel(sql_type = Nullable<Text>)]
    pub group_id: Option<String>,
    #[diesel(sql_type = Integer)]
    #[allow(dead_code, reason = "orders the rows")]
    distance: i32,
}

/// The tokens that a tag may mean: by how it spells them, then the operator's own, those of the partners above it, providers'.
/// What begins like a cut tag is looked at up to a hundred tokens: more are not one.
const CANDIDATES: &str = "\
    with recursive asked as ( \
      select * from unnest($1::uuid[], $2::text[], $3::text[], $4::bool[], $5::bool[]) with ordinality \
        a(operator, tag, reversed, hex, cut, place)), \
    up as ( \
      select p.id as operator, p.id, p.parent_id, 0 as depth from partner p where p.id = any($1::uuid[]) \
      union all select up.operator, p.id, p.parent_id, up.depth + 1 from up join partner p on p.id = up.parent_id), \
    meant as ( \
      select a.place, a.operator, t.id, 'exact' as spelling, 0 as rank from asked a join token t on t.uid_normalised = a.tag \
      union all select a.place, a.operator, x.token_id, 'alias', 1 from asked a join token_alias x on x.uid_normalised = a.tag \
      union all select a.place, a.operator, t.id, 'hex', 2 from asked a \
        join token t on t.hex_uid = a.tag and t.hex_uid <> t.uid_normalised where a.hex \
      union all select a.place, a.operator, t.id, 'reversed', 3 from asked a join token t on t.uid_normalised = a.reversed \
      union all select a.place, a.operator, t.id, 'cut', 4 from asked a cross join lateral ( \
        select t.id, count(*) over () as many from (select t.id from token t where t.uid_normalised ~>=~ a.tag \
          and t.uid_normalised ~<~ (a.tag || '~') and t.uid_normalised <> a.tag limit 100) t) t where a.cut and t.many < 100) \
    select m.place, t.id, t.partner_id, p.kind = 'emp' as of_emp, up.id is null as foreign, v.emp_id is not null as of_peer, \
      coalesce(w.state = 'registered' and w.enabled, false) and exists (select from up u where u.operator = m.operator \
        and u.id = v.partner_id) as connected, coalesce(o.whitelist = 'NEVER', false) as ask_always, t.kind = 'emaid' as emaid, t.status = 'blocked' as blocked, m.spelling, \
      exists (select from session s where s.token_id = t.id and s.state = 'active') as charging, \
      t.valid_from, t.valid_until, t.group_id, coalesce(up.depth, 1000) as distance \
    from meant m join token t on t.id = m.id join partner p on p.id = t.partner_id \
    left join up on up.operator = m.operator and up.id = t.partner_id \
    left join ocpi_provider v on v.emp_id = t.partner_id left join ocpi_peer w on w.id = v.peer_id \
    left join ocpi_token o on o.token_id = t.id \
    where (up.id is not null or p.kind = 'emp') and t.erased_at is null \
    order by m.place, m.rank, distance, t.id";

/// The first candidate of each place, unless it had to be the only one and is not.
fn nearest(candidates: Vec<Candidate>) -> HashMap<i64, Candidate> {
    let mut first: HashMap<i64, Candidate> = HashMap::new();
    let mut ambiguous: HashSet<i64> = HashSet::new();
    for candidate in candidates {
        match first.get(&candidate.place) {
            None => {
                first.insert(candidate.place, candidate);
            }
            Some(chosen) if chosen.spelling == candidate.spelling && chosen.spelling.must_be_unique() => {
                ambiguous.insert(chosen.place);
            }
            Some(_) => {}
        }
    }
    first.retain(|place, _| !ambiguous.contains(place));
    first
}

/// The token that each of them means, by place.
pub(super) async fn tokens(tx: &mut Tx, asked: &[Asked<'_>]) -> Result<HashMap<i64, Candidate>> {
    let wanted: Vec<Wanted> = asked.iter().map(|one| Wanted::new(one.id_tag, one.from.tags)).collect();
    let candidates: Vec<Candidate> = sql(CANDIDATES)
        .bind::<Array<SqlUuid>, _>(asked.iter().map(|one| one.from.partner_id).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(wanted.iter().map(|one| one.tag.as_str()).collect::<Vec<_>>())
        .bind::<Array<Nullable<Text>>, _>(wanted.iter().map(|one| one.reversed.as_deref()).collect::<Vec<_>>())
        .bind::<Array<Bool>, _>(wanted.iter().map(|one| one.hex).collect::<Vec<_>>())
        .bind::<Array<Bool>, _>(wanted.iter().map(|one| one.cut).collect::<Vec<_>>())
        .load(&mut **tx)
        .await
        .map_err(from_diesel)?;
    Ok(nearest(candidates))
}

#[derive(diesel::QueryableByName)]
struct PlaceRow {
    #[diesel(sql_type = BigInt)]
    place: i64,
    #[diesel(sql_type = Bool)]
    remote: bool,
    #[diesel(sql_type = Bool)]
    roaming: bool,
    #[diesel(sql_type = Bool)]
    roaming_plus: bool,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    charge_point_id: Option<ChargePointId>,
    #[diesel(sql_type = Nullable<Text>)]
    access_policy: Option<AccessPolicy>,
    #[diesel(sql_type = Nullable<Array<Text>>)]
    authentication_types: Option<Vec<AuthenticationType>>,
    #[diesel(sql_type = Nullable<Text>)]
    time_zone: Option<TimeZone>,
}

/// The charge points that each of them may mean: the named one, that of the connector, or all of the station; and whether a
/// remote start asked for it.
const PLACES: &str = "\
    select i.place, c.id as charge_point_id, c.access_policy, c.authentication_types, l.time_zone, \
      exists (select from command m where m.station_id = i.station_id and m.kind = 'remote_start' \
        and m.created_at > $5 and m.state in ('sent', 'accepted') \
        and lower(coalesce(m.payload->>'idTag', m.payload->'idToken'->>'idToken')) = lower(i.id_tag)) as remote, \
      coalesce(r.roaming, false) as roaming, coalesce(q.state = 'published', false) as roaming_plus \
    from unnest($1::uuid[], $2::int[], $3::uuid[], $4::text[]) with ordinality \
      i(station_id, connector, charge_point_id, id_tag, place) \
    left join charge_point c on c.station_id = i.station_id and c.id = coalesce(i.charge_point_id, (select k.charge_point_id \
      from connector k where k.station_id = i.station_id and k.ocpp_connector_id = i.connector), c.id) \
    left join location l on l.id = c.location_id left join access_information r on r.station_id = i.station_id \
    left join roaming_publication q on q.station_id = i.station_id and q.platform = 'ocpi' \
    order by i.place, c.evse_number, c.id";

/// Where somebody wants to charge.
#[derive(Debug, Default)]
pub(super) struct Spot {
    /// Whether a remote start asked for it.
    pub remote: bool,
    /// The charge points that may be meant.
    pub places: Vec<PlaceFacts>,
}

/// Where each of them wants to charge; permissions are looked up where one is needed.
pub(super) async fn spots(tx: &mut Tx, asked: &[Asked<'_>], tokens: &HashMap<i64, Candidate>) -> Result<Vec<Spot>> {
    let now = tx.now();
    let rows: Vec<PlaceRow> = sql(PLACES)
        .bind::<Array<SqlUuid>, _>(asked.iter().map(|one| one.from.station_id).collect::<Vec<_>>())
        .bind::<Array<Integer>, _>(asked.iter().map(|one| one.connector).collect::<Vec<_>>())
        .bind::<Array<Nullable<SqlUuid>>, _>(asked.iter().map(|one| one.charge_point_id).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(asked.iter().map(|one| one.id_tag).collect::<Vec<_>>())
        .bind::<Timestamptz, _>(now - chrono::TimeDelta::minutes(10))
        .load(&mut **tx)
        .await
        .map_err(from_diesel)?;
    let mut spots: Vec<Spot> = asked.iter().map(|_| Spot::default()).collect();
    let (mut needed, mut contracts) = (Needed::default(), Contracts::default());
    for row in rows {
        let at = row.place as usize - 1;
        spots[at].remote = row.remote;
        let (Some(id), Some(policy), Some(ways), Some(zone)) =
            (row.charge_point_id, row.access_policy, row.authentication_types, row.time_zone)
        else {
            continue;
        };
        let calendar = LocalCalendar::at(&zone, asked[at].at.unwrap_or(now));
        if policy == AccessPolicy::Permitted
            && let Some(token) = tokens.get(&row.place).filter(|token| !token.foreign)
        {
            needed.push(row.place, token.id, id, calendar);
        }
        if let Some(token) = tokens.get(&row.place).filter(|token| token.foreign) {
            contracts.push(row.place, token.partner_id, id, asked[at].at.unwrap_or(now));
        }
        let (local, permissions) = (calendar.time, Vec::new());
        spots[at].places.push(PlaceFacts {
            id,
            policy,
            ways,
            local,
            permissions,
            roaming: row.roaming,
            roaming_plus: row.roaming_plus,
            contract: None,
        });
    }
    for row in contracts.find(tx).await? {
        let places = &mut spots[row.place as usize - 1].places;
        if let Some(place) = places.iter_mut().find(|place| place.id == row.charge_point_id) {
            place.contract = Some(ContractFacts { id: row.id, named: row.named });
        }
    }
    for row in needed.permissions(tx).await? {
        let places = &mut spots[row.place as usize - 1].places;
        if let Some(place) = places.iter_mut().find(|place| place.id == row.charge_point_id) {
            place.permissions.push(row.into());
        }
    }
    Ok(spots)
}

#[derive(diesel::QueryableByName)]
struct PermissionRow {
    #[diesel(sql_type = BigInt)]
    place: i64,
    #[diesel(sql_type = SqlUuid)]
    charge_point_id: ChargePointId,
    #[diesel(sql_type = SqlUuid)]
    id: AccessPermissionId,
    #[diesel(sql_type = Bool)]
    enabled: bool,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    valid_from: Option<Timestamp>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    valid_until: Option<Timestamp>,
    #[diesel(sql_type = Jsonb)]
    windows: Windows,
    #[diesel(sql_type = Jsonb)]
    limits: Limits,
    #[diesel(sql_type = BigInt)]
    sessions_day: i64,
    #[diesel(sql_type = BigInt)]
    sessions_month: i64,
    #[diesel(sql_type = Numeric)]
    wh_day: rust_decimal::Decimal,
    #[diesel(sql_type = Numeric)]
    wh_month: rust_decimal::Decimal,
}

impl From<PermissionRow> for PermissionFacts {
    fn from(row: PermissionRow) -> Self {
        Self {
            id: row.id,
            enabled: row.enabled,
            valid_from: row.valid_from,
            valid_until: row.valid_until,
            windows: row.windows,
            limits: row.limits,
            used: Used {
                sessions_day: row.sessions_day,
                sessions_month: row.sessions_month,
                kwh_day: row.wh_day / rust_decimal::Decimal::ONE_THOUSAND,
                kwh_month: row.wh_month / rust_decimal::Decimal::ONE_THOUSAND,
            },
        }
    }
}

/// Permissions that join a group of the token with one of the charge point; what sessions that they let in have taken since
/// the begin of the day and of the month is counted where a limit asks for it.
const PERMISSIONS: &str = "\
    select i.place, i.charge_point_id, p.id, p.enabled, p.valid_from, p.valid_until, p.windows, p.limits, \
      coalesce(u.sessions_day, 0) as sessions_day, coalesce(u.sessions_month, 0) as sessions_month, \
      coalesce(u.wh_day, 0) as wh_day, coalesce(u.wh_month, 0) as wh_month \
    from unnest($1::int8[], $2::uuid[], $3::uuid[], $4::timestamptz[], $5::timestamptz[]) \
      i(place, token_id, charge_point_id, day, month) \
    join charge_point_group_member c on c.charge_point_id = i.charge_point_id \
    join access_permission p on p.charge_point_group_id = c.charge_point_group_id \
    join emaid_group_member m on m.emaid_group_id = p.emaid_group_id and m.token_id = i.token_id \
    left join lateral (select count(*) filter (where a.at >= i.day) as sessions_day, count(*) as sessions_month, \
        sum(s.energy_wh) filter (where a.at >= i.day) as wh_day, sum(s.energy_wh) as wh_month \
      from authorization_attempt a join session s on s.id = a.session_id and s.authorization_id = a.id \
      where p.limits <> '[]' and a.token_id = i.token_id and a.permission_id = p.id and a.decision = 'accepted' \
        and a.at >= i.month) u on true \
    order by i.place, p.id";

/// For whom permissions are looked up, and since when limits count there.
#[derive(Default)]
struct Needed {
    places: Vec<i64>,
    tokens: Vec<TokenId>,
    charge_points: Vec<ChargePointId>,
    days: Vec<Timestamp>,
    months: Vec<Timestamp>,
}

impl Needed {
    fn push(&mut self, place: i64, token: TokenId, charge_point: ChargePointId, calendar: LocalCalendar) {
        self.places.push(place);
        self.tokens.push(token);
        self.charge_points.push(charge_point);
        self.days.push(calendar.day);
        self.months.push(calendar.month);
    }

    async fn permissions(self, tx: &mut Tx) -> Result<Vec<PermissionRow>> {
        if self.places.is_empty() {
            return Ok(Vec::new());
        }
        sql(PERMISSIONS)
            .bind::<Array<BigInt>, _>(self.places)
            .bind::<Array<SqlUuid>, _>(self.tokens)
            .bind::<Array<SqlUuid>, _>(self.charge_points)
            .bind::<Array<Timestamptz>, _>(self.days)
            .bind::<Array<Timestamptz>, _>(self.months)
            .load(&mut **tx)
            .await
            .map_err(from_diesel)
    }
}
