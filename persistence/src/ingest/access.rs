//! Who may charge: facts of a whole batch with one query, the decision in `domain::access::decide`, every attempt kept.

use std::collections::{HashMap, HashSet};

use diesel::sql_types::{Array, BigInt, Bool, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use stromtor_domain::access::{
    decide::{Outcome, Reason, TokenFacts, decide},
    spelling::{Spelling, Wanted},
    token::TokenId,
};
use uuid::Uuid;

use super::{Decided, From, Of, Rules};
use crate::resource::prelude::*;

/// Somebody who wants to charge.
pub(crate) struct Asked<'a> {
    pub from: From,
    pub id_tag: &'a str,
    /// `authorize`, `start`.
    pub trigger: &'static str,
    pub session_id: Option<Uuid>,
}

/// The answer, and what a session keeps of it.
pub(crate) struct Answer {
    pub decided: Decided,
    pub attempt_id: Uuid,
    pub token_id: Option<TokenId>,
    pub emp_id: Option<PartnerId>,
}

#[derive(diesel::QueryableByName)]
struct Candidate {
    #[diesel(sql_type = BigInt)]
    place: i64,
    #[diesel(sql_type = SqlUuid)]
    id: TokenId,
    #[diesel(sql_type = SqlUuid)]
    partner_id: PartnerId,
    #[diesel(sql_type = Bool)]
    of_emp: bool,
    #[diesel(sql_type = Text)]
    spelling: Spelling,
    #[diesel(sql_type = Bool)]
    blocked: bool,
    #[diesel(sql_type = Bool)]
    charging: bool,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    valid_from: Option<Timestamp>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    valid_until: Option<Timestamp>,
    #[diesel(sql_type = Nullable<Text>)]
    group_id: Option<String>,
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
    select m.place, t.id, t.partner_id, p.kind = 'emp' as of_emp, t.status = 'blocked' as blocked, m.spelling, \
      exists (select from session s where s.token_id = t.id and s.state = 'active') as charging, \
      t.valid_from, t.valid_until, t.group_id, coalesce(up.depth, 1000) as distance \
    from meant m join token t on t.id = m.id join partner p on p.id = t.partner_id \
    left join up on up.operator = m.operator and up.id = t.partner_id \
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

/// Decides about all of them, and keeps every attempt.
pub(crate) async fn decide_all(tx: &mut Tx, asked: &[Asked<'_>], rules: &Rules) -> Result<Vec<Answer>> {
    let now = tx.now();
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
    let mut nearest = nearest(candidates);
    let (mut rows, mut answers) = (Vec::new(), Vec::new());
    for (place, one) in asked.iter().enumerate() {
        let token = nearest.remove(&(place as i64 + 1));
        let facts = token.as_ref().map(|token| TokenFacts {
            blocked: token.blocked,
            valid_from: token.valid_from,
            valid_until: token.valid_until,
            charging: token.charging && rules.one_session_per_token,
        });
        let (outcome, reason) = decide(facts.as_ref(), now);
        let attempt_id: Uuid = tx.id();
        let emp_id = token.as_ref().filter(|token| token.of_emp).map(|token| token.partner_id);
        let token_id = token.as_ref().map(|token| token.id);
        rows.push(attempt(one, attempt_id, emp_id, token_id, outcome, reason));
        let data = serde_json::json!({ "decision": outcome, "reason": reason, "id_tag": one.id_tag });
        tx.emit(one.from.event(EventType::AuthorizationDecided, attempt_id, data));
        answers.push(Answer {
            decided: Decided {
                outcome,
                valid_until: token.as_ref().and_then(|token| token.valid_until),
                spelling: token.as_ref().map_or(Spelling::Exact, |token| token.spelling),
                group: token.and_then(|token| token.group_id),
            },
            attempt_id,
            token_id,
            emp_id,
        });
    }
    keep(tx, now, &rows).await?;
    Ok(answers)
}

/// Authorize: no session yet.
pub(super) async fn authorize(tx: &mut Tx, tags: &Of<'_, String>, rules: &Rules) -> Result<Vec<(usize, Decided)>> {
    let asked: Vec<Asked<'_>> = tags
        .iter()
        .map(|(_, from, id_tag)| Asked { from: *from, id_tag, trigger: "authorize", session_id: None })
        .collect();
    let answers = decide_all(tx, &asked, rules).await?;
    Ok(tags.iter().zip(answers).map(|((place, ..), answer)| (*place, answer.decided)).collect())
}

/// Keeps attempts: one prepared statement, whatever their number.
async fn keep(tx: &mut Tx, now: Timestamp, rows: &[AttemptRow]) -> Result<()> {
    sql(
        "insert into authorization_attempt (id, at, operator_id, emp_id, location_id, station_id, id_tag, token_id, trigger, \
           decision, reason, session_id) \
         select i.id, $2, i.operator_id, i.emp_id, i.location_id, i.station_id, i.id_tag, i.token_id, i.trigger, i.decision, \
           i.reason, i.session_id \
         from unnest($1::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::text[], $8::uuid[], $9::text[], \
           $10::text[], $11::text[], $12::uuid[]) \
           i(id, operator_id, emp_id, location_id, station_id, id_tag, token_id, trigger, decision, reason, session_id)",
    )
    .bind::<Array<SqlUuid>, _>(rows.iter().map(|row| row.id).collect::<Vec<_>>())
    .bind::<Timestamptz, _>(now)
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
    id_tag: String,
    token_id: Option<TokenId>,
    trigger: &'static str,
    decision: Outcome,
    reason: Reason,
    session_id: Option<Uuid>,
}

fn attempt(
    asked: &Asked<'_>,
    id: Uuid,
    emp_id: Option<PartnerId>,
    token_id: Option<TokenId>,
    decision: Outcome,
    reason: Reason,
) -> AttemptRow {
    AttemptRow {
        id,
        operator_id: asked.from.partner_id,
        emp_id,
        location_id: asked.from.location_id,
        station_id: asked.from.station_id,
        id_tag: asked.id_tag.to_owned(),
        token_id,
        trigger: asked.trigger,
        decision,
        reason,
        session_id: asked.session_id,
    }
}
