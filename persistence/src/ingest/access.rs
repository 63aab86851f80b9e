//! Who may charge: facts of a whole batch (`facts`), the decision in `domain::access::decide`, every attempt kept.

use std::collections::{HashMap, HashSet};

use chrono::TimeDelta;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use stromtor_domain::{
    access::{
        decide::{Decision, Outcome, PeerFacts, Reason, TokenFacts, decide},
        permission::AccessPermissionId,
        policy::AuthenticationType,
        spelling::Spelling,
        token::TokenId,
    },
    marketplace::emp_contract::EmpContractId,
    network::charge_point::ChargePointId,
    session::{report::Presented, session::AuthSource},
};
use uuid::Uuid;

use super::{
    Decided, From, Of, Rules,
    facts::{self, Candidate, Spot},
};
use crate::resource::prelude::*;

/// Somebody who wants to charge.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub from: From,
    pub id_tag: &'a str,
    /// `authorize`, `start`.
    pub trigger: &'static str,
    pub session_id: Option<Uuid>,
    /// The station's number of the connector; 0 when any.
    pub connector: i32,
    /// The charge point, where it is known without the connector.
    pub charge_point_id: Option<ChargePointId>,
    /// How they made themselves known.
    pub presented: Presented,
    /// When; now when absent.
    pub at: Option<Timestamp>,
}

impl<'a> Asked<'a> {
    /// At a station's reader, which of its charge points it is about is not known.
    pub fn new(from: From, id_tag: &'a str) -> Self {
        Self {
            from,
            id_tag,
            trigger: "authorize",
            session_id: None,
            connector: 0,
            charge_point_id: None,
            presented: Presented::Local,
            at: None,
        }
    }
}

/// What is decided about somebody.
pub(crate) struct Verdict {
    pub decision: Decision,
    pub way: AuthenticationType,
    pub token: Option<Candidate>,
    /// The charge point, when only one can be meant.
    pub charge_point_id: Option<ChargePointId>,
}

impl Verdict {
    fn new(asked: &Asked<'_>, token: Option<Candidate>, spot: &Spot, now: Timestamp, rules: &Rules) -> Self {
        let facts = token.as_ref().map(|token| TokenFacts {
            blocked: token.blocked,
            valid_from: token.valid_from,
            valid_until: token.valid_until,
            charging: token.charging && rules.one_session_per_token,
            foreign: token.foreign,
            peer: token.of_peer.then_some(PeerFacts { connected: token.connected, ask_always: token.ask_always }),
        });
        // No reader reads a contract: the car has shown it.
        let contract = token.as_ref().is_some_and(|token| token.emaid);
        let way = match asked.presented {
            Presented::Car => AuthenticationType::PlugAndCharge,
            Presented::Remote => AuthenticationType::Remote,
            _ if spot.remote => AuthenticationType::Remote,
            _ if contract => AuthenticationType::PlugAndCharge,
            Presented::Local | Presented::Free => AuthenticationType::LocalRfid,
        };
        let decision = decide(facts.as_ref(), way, &spot.places, asked.at.unwrap_or(now));
        let charge_point_id = if let [place] = spot.places.as_slice() { Some(place.id) } else { None };
        Self { decision, way, token, charge_point_id }
    }

    /// Where the right to charge comes from.
    fn source(&self) -> AuthSource {
        match &self.token {
            Some(token) if token.of_peer => return AuthSource::Ocpi,
            Some(token) if token.foreign => return AuthSource::Emarketplace,
            _ => {}
        }
        match self.way {
            AuthenticationType::LocalRfid => AuthSource::LocalRfid,
            AuthenticationType::Remote => AuthSource::Remote,
            AuthenticationType::PlugAndCharge => AuthSource::PlugAndCharge,
        }
    }

    /// Until when it holds: as long as the token and the permission are valid.
    fn valid_until(&self, spot: &Spot) -> Option<Timestamp> {
        let of_token = self.token.as_ref().and_then(|token| token.valid_until);
        let permissions = spot.places.iter().flat_map(|place| &place.permissions);
        let chosen = permissions.filter(|one| Some(one.id) == self.decision.permission_id && self.decision.accepted());
        of_token.into_iter().chain(chosen.filter_map(|one| one.valid_until)).min()
    }
}

/// The answer, and what a session keeps of it.
pub(crate) struct Answer {
    pub decided: Decided,
    pub attempt_id: Uuid,
    pub token_id: Option<TokenId>,
    pub emp_id: Option<PartnerId>,
    pub source: AuthSource,
    /// The provider's contract that admitted.
    pub emp_contract_id: Option<EmpContractId>,
}

/// Decides about all of them; nothing is kept.
async fn judge(tx: &mut Tx, asked: &[Asked<'_>], rules: &Rules) -> Result<Vec<(Verdict, Spot)>> {
    let now = tx.now();
    let mut tokens = facts::tokens(tx, asked).await?;
    let spots = facts::spots(tx, asked, &tokens).await?;
    let judged = asked.iter().zip(spots).enumerate().map(|(place, (one, spot))| {
        let token = tokens.remove(&(place as i64 + 1));
        (Verdict::new(one, token, &spot, now, rules), spot)
    });
    Ok(judged.collect())
}

/// What would be decided about one of them; nothing is kept.
pub(crate) async fn try_one(tx: &mut Tx, asked: Asked<'_>, rules: &Rules) -> Result<Verdict> {
    let judged = judge(tx, &[asked], rules).await?.pop();
    judged.map(|(verdict, _)| verdict).ok_or_else(|| Error::internal("no decision"))
}

/// Decides about all of them, and keeps every attempt; a start continues the attempt that led to it.
pub(crate) async fn decide_all(tx: &mut Tx, asked: &[Asked<'_>], rules: &Rules) -> Result<Vec<Answer>> {
    let (mut rows, mut answers) = (Vec::new(), Vec::new());
    let judged = judge(tx, asked, rules).await?;
    let mut before = preceding(tx, asked, &judged).await?;
    for (place, (one, (verdict, spot))) in asked.iter().zip(judged).enumerate() {
        let continued = before.remove(&place);
        let attempt_id: Uuid = continued.unwrap_or_else(|| tx.id());
        let Decision { outcome, reason, .. } = verdict.decision;
        rows.push((continued.is_some(), AttemptRow::new(one, attempt_id, &verdict)));
        let data = serde_json::json!({ "decision": outcome, "reason": reason, "id_tag": one.id_tag });
        tx.emit(one.from.event(EventType::AuthorizationDecided, attempt_id, data));
        let valid_until = verdict.valid_until(&spot);
        let source = verdict.source();
        let token = verdict.token;
        answers.push(Answer {
            attempt_id,
            emp_contract_id: verdict.decision.emp_contract_id,
            token_id: token.as_ref().map(|token| token.id),
            emp_id: token.as_ref().filter(|token| token.of_emp).map(|token| token.partner_id),
            source,
            decided: Decided {
                outcome,
                valid_until,
                spelling: token.as_ref().map_or(Spelling::Exact, |token| token.spelling),
                group: token.and_then(|token| token.group_id),
            },
        });
    }
    let (continued, new): (Vec<_>, Vec<_>) = rows.into_iter().partition(|(continued, _)| *continued);
    go_on(tx, &continued.into_iter().map(|(_, row)| row).collect::<Vec<_>>()).await?;
    keep(tx, &new.into_iter().map(|(_, row)| row).collect::<Vec<_>>()).await?;
    Ok(answers)
}

#[derive(diesel::QueryableByName)]
struct Preceding {
    #[diesel(sql_type = BigInt)]
    place: i64,
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

/// How long a station waits for the car, at the most, after it has let somebody in.
const WAITING: TimeDelta = TimeDelta::minutes(10);

/// The attempts that led to starts, by the starts' places: the last one at the station with the same tag that was accepted and
/// has no session yet.
async fn preceding(tx: &mut Tx, asked: &[Asked<'_>], judged: &[(Verdict, Spot)]) -> Result<HashMap<usize, Uuid>> {
    let starts: Vec<(usize, &Asked<'_>)> = asked
        .iter()
        .zip(judged)
        .enumerate()
        .filter(|(_, (one, (verdict, _)))| one.session_id.is_some() && verdict.decision.accepted())
        .map(|(place, (one, _))| (place, one))
        .collect();
    if starts.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<Preceding> =
        sql("select i.place, a.id from unnest($1::uuid[], $2::text[]) with ordinality i(station_id, id_tag, place) \
         cross join lateral (select a.id from authorization_attempt a where a.station_id = i.station_id and a.id >= $3 \
           and a.decision = 'accepted' and a.session_id is null and lower(a.id_tag) = lower(i.id_tag) \
           order by a.id desc limit 1) a")
        .bind::<Array<SqlUuid>, _>(starts.iter().map(|(_, one)| one.from.station_id).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(starts.iter().map(|(_, one)| one.id_tag).collect::<Vec<_>>())
        .bind::<SqlUuid, _>((tx.now() - WAITING).first_id())
        .load(&mut **tx)
        .await
        .map_err(from_diesel)?;
    // Of two starts with one tag the first continues.
    let mut taken = HashSet::new();
    let free = rows.into_iter().filter(|row| taken.insert(row.id));
    Ok(free.map(|row| (starts[row.place as usize - 1].0, row.id)).collect())
}

/// Attempts that a start continues: what the start knows better, and its session.
async fn go_on(tx: &mut Tx, rows: &[AttemptRow]) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    sql("update authorization_attempt a set emp_id = i.emp_id, token_id = i.token_id, source = i.source, reason = i.reason, \
           session_id = i.session_id, charge_point_id = i.charge_point_id, permission_id = i.permission_id, \
           emp_contract_id = i.emp_contract_id \
         from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::uuid[], $7::uuid[], $8::uuid[], \
           $9::uuid[]) \
           i(id, emp_id, token_id, source, reason, session_id, charge_point_id, permission_id, emp_contract_id) \
         where a.id = i.id")
    .bind::<Array<SqlUuid>, _>(rows.iter().map(|row| row.id).collect::<Vec<_>>())
    .bind::<Array<Nullable<SqlUuid>>, _>(rows.iter().map(|row| row.emp_id).collect::<Vec<_>>())
    .bind::<Array<Nullable<SqlUuid>>, _>(rows.iter().map(|row| row.token_id).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(rows.iter().map(|row| row.source).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(rows.iter().map(|row| row.reason).collect::<Vec<_>>())
    .bind::<Array<Nullable<SqlUuid>>, _>(rows.iter().map(|row| row.session_id).collect::<Vec<_>>())
    .bind::<Array<Nullable<SqlUuid>>, _>(rows.iter().map(|row| row.charge_point_id).collect::<Vec<_>>())
    .bind::<Array<Nullable<SqlUuid>>, _>(rows.iter().map(|row| row.permission_id).collect::<Vec<_>>())
    .bind::<Array<Nullable<SqlUuid>>, _>(rows.iter().map(|row| row.emp_contract_id).collect::<Vec<_>>())
    .execute(&mut **tx)
    .await
    .map_err(from_diesel)?;
    Ok(())
}

/// Sessions of stations that let everybody in: nobody is asked, and that is kept.
pub(super) async fn admit_free(tx: &mut Tx, sessions: &[(From, Uuid, Option<ChargePointId>)]) -> Result<Vec<Uuid>> {
    let mut rows = Vec::new();
    for (from, session_id, charge_point_id) in sessions {
        let id: Uuid = tx.id();
        rows.push(AttemptRow {
            id,
            operator_id: from.partner_id,
            emp_id: None,
            location_id: from.location_id,
            station_id: from.station_id,
            charge_point_id: *charge_point_id,
            id_tag: String::new(),
            token_id: None,
            trigger: "start",
            decision: Outcome::Accepted,
            reason: Reason::FreeCharging,
            permission_id: None,
            emp_contract_id: None,
            session_id: Some(*session_id),
            source: AuthSource::Free,
        });
        let data = serde_json::json!({ "decision": Outcome::Accepted, "reason": Reason::FreeCharging });
        tx.emit(from.event(EventType::AuthorizationDecided, id, data));
    }
    keep(tx, &rows).await?;
    Ok(rows.iter().map(|row| row.id).collect())
}

/// Authorize: no session yet.
pub(super) async fn authorize(tx: &mut Tx, tags: &Of<'_, String>, rules: &Rules) -> Result<Vec<(usize, Decided)>> {
    let asked: Vec<Asked<'_>> = tags.iter().map(|(_, from, id_tag)| Asked::new(*from, id_tag)).collect();
    let answers = decide_all(tx, &asked, rules).await?;
    Ok(tags.iter().zip(answers).map(|((place, ..), answer)| (*place, answer.decided)).collect())
}

/// Keeps attempts: one prepared statement, whatever their number.
async fn keep(tx: &mut Tx, rows: &[AttemptRow]) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    sql(
        "insert into authorization_attempt (id, at, operator_id, emp_id, location_id, station_id, id_tag, token_id, trigger, \
           decision, reason, session_id, charge_point_id, permission_id, emp_contract_id, source) \
         select i.id, $2, i.operator_id, i.emp_id, i.location_id, i.station_id, i.id_tag, i.token_id, i.trigger, i.decision, \
           i.reason, i.session_id, i.charge_point_id, i.permission_id, i.emp_contract_id, i.source \
         from unnest($1::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::text[], $8::uuid[], $9::text[], \
           $10::text[], $11::text[], $12::uuid[], $13::uuid[], $14::uuid[], $15::uuid[], $16::text[]) \
           i(id, operator_id, emp_id, location_id, station_id, id_tag, token_id, trigger, decision, reason, session_id, \
           charge_point_id, permission_id, emp_contract_id, source)",
    )
    .bind::<Array<SqlUuid>, _>(rows.iter().map(|row| row.id).collect::<Vec<_>>())
    .bind::<Timestamptz, _>(tx.now())
    .bind::<Array<SqlUuid>, _>(rows.iter().map(|row| row.operator_id).collect::<Vec<_>>())
    .bind::<Array<Nullable<SqlUuid>>, _>(rows.iter().map(|row| row.emp_id).collect::<Vec<_>>())
    .bind::<Array<SqlUuid>, _>(rows.iter().map(|row| row.location_id).collect::<Vec<_>>())
    .bind::<Array<SqlUuid>, _>(rows.iter().map(|row| row.station_id).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(rows.iter().map(|row| row.id_tag.as_str()).collect::<Vec<_>>())
    .bind::<Array<Nullable<SqlUuid>>, _>(rows.iter().map(|row| row.token_id).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(rows.iter().map(|row| row.trigger).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(rows.iter().map(|row| row.decision).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(rows.iter().map(|row| row.reason).collect::<Vec<_>>())
    .bind::<Array<Nullable<SqlUuid>>, _>(rows.iter().map(|row| row.session_id).collect::<Vec<_>>())
    .bind::<Array<Nullable<SqlUuid>>, _>(rows.iter().map(|row| row.charge_point_id).collect::<Vec<_>>())
    .bind::<Array<Nullable<SqlUuid>>, _>(rows.iter().map(|row| row.permission_id).collect::<Vec<_>>())
    .bind::<Array<Nullable<SqlUuid>>, _>(rows.iter().map(|row| row.emp_contract_id).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(rows.iter().map(|row| row.source).collect::<Vec<_>>())
    .execute(&mut **tx)
    .await
    .map_err(from_diesel)?;
    Ok(())
}

struct AttemptRow {
    id: Uuid,
    operator_id: PartnerId,
    emp_id: Option<PartnerId>,
    location_id: stromtor_domain::network::location::LocationId,
    station_id: stromtor_domain::network::station::StationId,
    charge_point_id: Option<ChargePointId>,
    id_tag: String,
    token_id: Option<TokenId>,
    trigger: &'static str,
    decision: Outcome,
    reason: Reason,
    permission_id: Option<AccessPermissionId>,
    emp_contract_id: Option<EmpContractId>,
    session_id: Option<Uuid>,
    source: AuthSource,
}

impl AttemptRow {
    fn new(asked: &Asked<'_>, id: Uuid, verdict: &Verdict) -> Self {
        let token = verdict.token.as_ref();
        Self {
            id,
            operator_id: asked.from.partner_id,
            emp_id: token.filter(|token| token.of_emp).map(|token| token.partner_id),
            location_id: asked.from.location_id,
            station_id: asked.from.station_id,
            charge_point_id: verdict.charge_point_id,
            id_tag: asked.id_tag.to_owned(),
            token_id: token.map(|token| token.id),
            trigger: asked.trigger,
            decision: verdict.decision.outcome,
            reason: verdict.decision.reason,
            permission_id: verdict.decision.permission_id,
            emp_contract_id: verdict.decision.emp_contract_id,
            session_id: asked.session_id,
            source: verdict.source(),
        }
    }
}
