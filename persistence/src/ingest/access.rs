//! Who may charge: facts of a whole batch (`facts`), the decision in `domain::access::decide`, every attempt kept.

use diesel::sql_types::{Array, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use stromtor_domain::{
    access::{
        decide::{Decision, Outcome, Reason, TokenFacts, decide},
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

/// Decides about all of them, and keeps every attempt.
pub(crate) async fn decide_all(tx: &mut Tx, asked: &[Asked<'_>], rules: &Rules) -> Result<Vec<Answer>> {
    let now = tx.now();
    let (mut rows, mut answers) = (Vec::new(), Vec::new());
    for (one, (verdict, spot)) in asked.iter().zip(judge(tx, asked, rules).await?) {
        let attempt_id: Uuid = tx.id();
        let Decision { outcome, reason, .. } = verdict.decision;
        rows.push(AttemptRow::new(one, attempt_id, &verdict));
        let data = serde_json::json!({ "decision": outcome, "reason": reason, "id_tag": one.id_tag });
        tx.emit(one.from.event(EventType::AuthorizationDecided, attempt_id, data));
        let valid_until = verdict.valid_until(&spot);
        let token = verdict.token;
        answers.push(Answer {
            attempt_id,
            emp_contract_id: verdict.decision.emp_contract_id,
            token_id: token.as_ref().map(|token| token.id),
            emp_id: token.as_ref().filter(|token| token.of_emp).map(|token| token.partner_id),
            source: if token.as_ref().is_some_and(|token| token.foreign) {
                AuthSource::Emarketplace
            } else {
                source(verdict.way)
            },
            decided: Decided {
                outcome,
                valid_until,
                spelling: token.as_ref().map_or(Spelling::Exact, |token| token.spelling),
                group: token.and_then(|token| token.group_id),
            },
        });
    }
    keep(tx, now, &rows).await?;
    Ok(answers)
}

const fn source(way: AuthenticationType) -> AuthSource {
    match way {
        AuthenticationType::LocalRfid => AuthSource::LocalRfid,
        AuthenticationType::Remote => AuthSource::Remote,
        AuthenticationType::PlugAndCharge => AuthSource::PlugAndCharge,
    }
}

/// Authorize: no session yet.
pub(super) async fn authorize(tx: &mut Tx, tags: &Of<'_, String>, rules: &Rules) -> Result<Vec<(usize, Decided)>> {
    let asked: Vec<Asked<'_>> = tags.iter().map(|(_, from, id_tag)| Asked::new(*from, id_tag)).collect();
    let answers = decide_all(tx, &asked, rules).await?;
    Ok(tags.iter().zip(answers).map(|((place, ..), answer)| (*place, answer.decided)).collect())
}

/// Keeps attempts: one prepared statement, whatever their number.
async fn keep(tx: &mut Tx, now: Timestamp, rows: &[AttemptRow]) -> Result<()> {
    sql(
        "insert into authorization_attempt (id, at, operator_id, emp_id, location_id, station_id, id_tag, token_id, trigger, \
           decision, reason, session_id, charge_point_id, permission_id, emp_contract_id) \
         select i.id, $2, i.operator_id, i.emp_id, i.location_id, i.station_id, i.id_tag, i.token_id, i.trigger, i.decision, \
           i.reason, i.session_id, i.charge_point_id, i.permission_id, i.emp_contract_id \
         from unnest($1::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::text[], $8::uuid[], $9::text[], \
           $10::text[], $11::text[], $12::uuid[], $13::uuid[], $14::uuid[], $15::uuid[]) \
           i(id, operator_id, emp_id, location_id, station_id, id_tag, token_id, trigger, decision, reason, session_id, \
           charge_point_id, permission_id, emp_contract_id)",
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
    .bind::<Array<Nullable<SqlUuid>>, _>(rows.iter().map(|row| row.charge_point_id).collect::<Vec<_>>())
    .bind::<Array<Nullable<SqlUuid>>, _>(rows.iter().map(|row| row.permission_id).collect::<Vec<_>>())
    .bind::<Array<Nullable<SqlUuid>>, _>(rows.iter().map(|row| row.emp_contract_id).collect::<Vec<_>>())
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
        }
    }
}
