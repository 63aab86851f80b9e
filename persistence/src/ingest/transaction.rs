//! Events of transactions that stations number themselves (OCPP 2.x): late, repeated, in any order. Each is taken apart into
//! what OCPP 1.6 says with a message of its own: start, readings, end.

use std::collections::HashMap;

use diesel::sql_types::{Array, BigInt, Bool, Integer, Jsonb, Nullable, Numeric, Text, Timestamptz, Uuid as SqlUuid};
use rust_decimal::Decimal;
use stromtor_domain::{
    access::{
        decide::{Outcome, normalise_uid},
        spelling::Spelling,
    },
    session::{
        clock,
        finding::{Finding, Findings},
        register,
        report::{MeterReport, Phase, Presented, StartReport, StatusReport, StopReport, TransactionReport},
    },
};
use uuid::Uuid;

use super::{
    Decided, From, Of, Rules,
    access::{Answer, Asked, decide_all},
    live::{self, ids, places, quieten},
    meter,
    start::{start, transaction_key},
    stop,
};
use crate::{
    billing::running::{self, Running},
    resource::prelude::*,
};

#[derive(Debug, diesel::QueryableByName)]
struct Known {
    #[diesel(sql_type = BigInt)]
    place: i64,
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Integer)]
    ocpp_transaction_id: i32,
    #[diesel(sql_type = Integer)]
    ocpp_connector_id: i32,
    #[diesel(sql_type = Nullable<Text>)]
    id_tag: Option<String>,
    #[diesel(sql_type = Bool)]
    accepted: bool,
    #[diesel(sql_type = Nullable<Text>)]
    decision: Option<String>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    valid_until: Option<Timestamp>,
    #[diesel(sql_type = Nullable<Text>)]
    group_id: Option<String>,
    #[diesel(sql_type = Jsonb)]
    findings: Findings,
}

async fn known(tx: &mut Tx, reports: &Of<'_, TransactionReport>) -> Result<HashMap<usize, Known>> {
    let rows: Vec<Known> = sql(
        "select i.place, s.id, s.ocpp_transaction_id, s.ocpp_connector_id, s.id_tag, s.token_id is not null as accepted, \
           a.decision, t.valid_until, t.group_id, s.findings \
         from unnest($1::uuid[], $2::text[]) with ordinality i(station_id, start_key, place) \
         join session s on s.station_id = i.station_id and s.start_key = i.start_key \
         left join authorization_attempt a on a.id = s.authorization_id left join token t on t.id = s.token_id",
    )
    .bind::<Array<SqlUuid>, _>(ids(reports, |from| from.station_id))
    .bind::<Array<Text>, _>(
        reports.iter().map(|(.., report)| transaction_key(&report.transaction)).collect::<Vec<_>>(),
    )
    .load(&mut **tx)
    .await
    .map_err(from_diesel)?;
    Ok(rows.into_iter().map(|row| (row.place as usize - 1, row)).collect())
}

/// The register in the samples of one context; failing that the earliest or the latest.
fn register(report: &TransactionReport, context: &str, latest: bool) -> Option<Decimal> {
    let mut found: Vec<(bool, Option<Timestamp>, Decimal)> = Vec::new();
    for set in &report.samples {
        if let Some(value) = register::register_wh(&set.values) {
            found.push((set.values.iter().any(|sample| sample.context == context), set.at, value));
        }
    }
    let named = found.iter().find(|(named, ..)| *named).map(|(.., value)| *value);
    found.sort_by_key(|(_, at, _)| *at);
    let at = if latest { found.len().checked_sub(1) } else { Some(0) };
    named.or(at.and_then(|at| found.get(at)).map(|(.., value)| *value))
}

/// Takes events: the decision for each that names a token.
pub(super) async fn transaction(
    tx: &mut Tx,
    reports: &Of<'_, TransactionReport>,
    rules: &Rules,
) -> Result<Vec<(usize, Option<Decided>)>> {
    let connectors = places(tx, reports, |report| match report.evse {
        Some(evse) => (Some(evse), report.connector.unwrap_or(1)),
        None => (None, 0),
    })
    .await?;
    let known = known(tx, reports).await?;
    let begun = begin(tx, reports, &connectors, &known, rules).await?;
    let mut numbers = Vec::new();
    let mut answers: Vec<Option<Decided>> = Vec::new();
    for (at, connector) in connectors.iter().enumerate() {
        match (known.get(&at), begun.get(&at)) {
            (Some(known), _) => {
                numbers.push((known.ocpp_transaction_id, known.ocpp_connector_id.max(*connector)));
                answers.push(None);
            }
            (None, Some((number, decided))) => {
                numbers.push((*number, *connector));
                answers.push(decided.clone());
            }
            (None, None) => return Err(Error::internal("a transaction without a session")),
        }
    }
    for (at, decided) in identify(tx, reports, &known, rules).await? {
        answers[at] = Some(decided);
    }
    for (answer, (.., report)) in answers.iter_mut().zip(reports) {
        // The operator has set its station so that nobody is asked (NoAuthorization): whoever comes may charge.
        if report.presented == Presented::Free && report.id_tag.is_none() {
            *answer =
                Some(Decided { outcome: Outcome::Accepted, valid_until: None, group: None, spelling: Spelling::Exact });
        }
    }
    touch(tx, reports, &known, &connectors, rules).await?;
    readings(tx, reports, &numbers, rules).await?;
    states(tx, reports, &numbers, rules).await?;
    end(tx, reports, &numbers, rules).await?;
    Ok(reports.iter().zip(answers).map(|((place, ..), decided)| (*place, decided)).collect())
}

/// Sessions of transactions not heard of before, whichever of their events comes first.
async fn begin(
    tx: &mut Tx,
    reports: &Of<'_, TransactionReport>,
    connectors: &[i32],
    known: &HashMap<usize, Known>,
    rules: &Rules,
) -> Result<HashMap<usize, (i32, Option<Decided>)>> {
    let starts: Vec<(usize, From, StartReport)> = reports
        .iter()
        .enumerate()
        .filter(|(at, _)| !known.contains_key(at))
        .map(|(at, (_, from, report))| {
            let start = StartReport {
                connector: connectors[at],
                id_tag: report.id_tag.clone(),
                presented: report.presented,
                meter_start: register(report, "Transaction.Begin", false),
                at: report.at,
                at_raw: report.at_raw.clone(),
                reservation_id: report.reservation_id,
                transaction: Some(report.transaction.clone()),
                start_missing: report.phase != Phase::Started,
            };
            (at, *from, start)
        })
        .collect();
    if starts.is_empty() {
        return Ok(HashMap::new());
    }
    let starts: Of<'_, StartReport> = starts.iter().map(|(at, from, report)| (*at, *from, report)).collect();
    let begun = start(tx, &starts, rules).await?;
    Ok(begun.into_iter().map(|(at, number, decided)| (at, (number, decided))).collect())
}

/// Who charges, where an event says so after the first: the answer, and the session's token.
async fn identify(
    tx: &mut Tx,
    reports: &Of<'_, TransactionReport>,
    known: &HashMap<usize, Known>,
    rules: &Rules,
) -> Result<Vec<(usize, Decided)>> {
    let (mut answers, mut open) = (Vec::new(), Vec::new());
    for (at, (_, from, report)) in reports.iter().enumerate() {
        let (Some(id_tag), Some(session)) = (&report.id_tag, known.get(&at)) else { continue };
        let same = session.id_tag.as_deref().map(normalise_uid) == Some(normalise_uid(id_tag));
        if same {
            let fallback = if session.accepted { Outcome::Accepted } else { Outcome::Invalid };
            let outcome = session.decision.as_deref().and_then(Outcome::parse).unwrap_or(fallback);
            let decided = Decided {
                outcome,
                valid_until: session.valid_until,
                group: session.group_id.clone(),
                spelling: Spelling::Exact,
            };
            answers.push((at, decided));
        } else {
            // Whoever ends a session that another pays for is let in or not, and pays nothing.
            let takes = !session.accepted && report.phase != Phase::Ended;
            open.push((at, *from, *report, id_tag.as_str(), takes.then_some(session.id)));
        }
    }
    let asked: Vec<Asked<'_>> = open
        .iter()
        .map(|(at, from, report, id_tag, session_id)| Asked {
            trigger: if session_id.is_some() { "start" } else { "authorize" },
            session_id: *session_id,
            connector: known.get(at).map_or(0, |session| session.ocpp_connector_id),
            presented: report.presented,
            ..Asked::new(*from, id_tag)
        })
        .collect();
    if asked.is_empty() {
        return Ok(answers);
    }
    let decided = decide_all(tx, &asked, rules).await?;
    for ((at, _, _, id_tag, session_id), answer) in open.iter().zip(decided) {
        if let Some(session_id) = session_id {
            take_over(tx, *session_id, id_tag, &answer).await?;
        }
        answers.push((*at, answer.decided));
    }
    Ok(answers)
}

async fn take_over(tx: &mut Tx, session_id: Uuid, id_tag: &str, answer: &Answer) -> Result<()> {
    use stromtor_schema::schema::session;
    let accepted = answer.decided.outcome == Outcome::Accepted;
    diesel::update(session::table.filter(session::id.eq(session_id).and(session::token_id.is_null())))
        .set((
            session::id_tag.eq(id_tag),
            session::token_id.eq(answer.token_id.filter(|_| accepted)),
            session::emp_id.eq(answer.emp_id),
            session::authorization_id.eq(answer.attempt_id),
            session::auth_source.eq(answer.source),
            session::updated_at.eq(tx.now()),
        ))
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    if let Some(contract_id) = answer.emp_contract_id {
        sql("update session s set tariff_version_id = (select v.id from tariff_version v where v.tariff_id = k.tariff_id \
               order by (v.created_at <= s.started_at) desc, \
                 case when v.created_at <= s.started_at then v.version else -v.version end desc limit 1) \
             from emp_contract k where s.id = $1 and k.id = $2 and k.tariff_id is not null")
        .bind::<SqlUuid, _>(session_id)
        .bind::<SqlUuid, _>(contract_id)
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    }
    Ok(())
}

/// What sessions learn from any of their events: connector, charging state; from a late first event their true begin.
async fn touch(
    tx: &mut Tx,
    reports: &Of<'_, TransactionReport>,
    known: &HashMap<usize, Known>,
    connectors: &[i32],
    rules: &Rules,
) -> Result<()> {
    let now = tx.now();
    let mut rows = Vec::new();
    for (at, (_, from, report)) in reports.iter().enumerate() {
        let Some(session) = known.get(&at) else { continue };
        let late_start = report.phase == Phase::Started && session.findings.has(Finding::NeverStarted);
        let began =
            late_start.then(|| clock::believed(report.at, now, rules.clock_tolerance, &mut Findings::default()));
        let register = if late_start { self::register(report, "Transaction.Begin", false) } else { None };
        let mut findings = session.findings.clone();
        if late_start {
            findings.0.retain(|finding| *finding != Finding::NeverStarted);
        }
        rows.push((
            session.id,
            from.station_id,
            connectors[at],
            report.charging_state.clone(),
            began,
            register,
            findings,
        ));
    }
    if rows.is_empty() {
        return Ok(());
    }
    sql("update session s set charging_state = coalesce(i.charging_state, s.charging_state), \
           ocpp_connector_id = case when s.ocpp_connector_id = 0 then i.connector else s.ocpp_connector_id end, \
           charge_point_id = coalesce(s.charge_point_id, c.charge_point_id), \
           started_at = least(s.started_at, i.began), findings = i.findings, \
           meter_start_wh = coalesce(i.register, s.meter_start_wh), \
           meter_start_known = s.meter_start_known or i.register is not null, updated_at = $8 \
         from unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[], $5::timestamptz[], $6::numeric[], $7::jsonb[]) \
           i(id, station_id, connector, charging_state, began, register, findings) \
         left join connector c on c.station_id = i.station_id and c.ocpp_connector_id = i.connector \
         where s.id = i.id and s.state <> 'settled'")
    .bind::<Array<SqlUuid>, _>(rows.iter().map(|row| row.0).collect::<Vec<_>>())
    .bind::<Array<SqlUuid>, _>(rows.iter().map(|row| row.1).collect::<Vec<_>>())
    .bind::<Array<Integer>, _>(rows.iter().map(|row| row.2).collect::<Vec<_>>())
    .bind::<Array<Nullable<Text>>, _>(rows.iter().map(|row| row.3.clone()).collect::<Vec<_>>())
    .bind::<Array<Nullable<Timestamptz>>, _>(rows.iter().map(|row| row.4).collect::<Vec<_>>())
    .bind::<Array<Nullable<Numeric>>, _>(rows.iter().map(|row| row.5).collect::<Vec<_>>())
    .bind::<Array<Jsonb>, _>(
        rows.iter().map(|row| serde_json::to_value(&row.6).unwrap_or_default()).collect::<Vec<_>>(),
    )
    .bind::<Timestamptz, _>(now)
    .execute(&mut **tx)
    .await
    .map_err(from_diesel)?;
    Ok(())
}

async fn readings(
    tx: &mut Tx,
    reports: &Of<'_, TransactionReport>,
    numbers: &[(i32, i32)],
    rules: &Rules,
) -> Result<()> {
    let meters: Vec<(usize, From, MeterReport)> = reports
        .iter()
        .zip(numbers)
        .filter(|((.., report), _)| !report.samples.is_empty())
        .map(|((place, from, report), (number, connector))| {
            let meter = MeterReport {
                connector: *connector,
                is_evse: false,
                transaction_id: Some((*number).into()),
                samples: report.samples.clone(),
            };
            (*place, *from, meter)
        })
        .collect();
    let meters: Of<'_, MeterReport> = meters.iter().map(|(place, from, meter)| (*place, *from, meter)).collect();
    if meters.is_empty() { Ok(()) } else { meter::meter(tx, &meters, rules).await }
}

/// What the car does shows at its connector.
async fn states(tx: &mut Tx, reports: &Of<'_, TransactionReport>, numbers: &[(i32, i32)], rules: &Rules) -> Result<()> {
    let words: Vec<(usize, From, StatusReport)> = reports
        .iter()
        .zip(numbers)
        .filter(|((.., report), (_, connector))| *connector > 0 && report.phase != Phase::Ended && !report.offline)
        .filter_map(|((place, from, report), (_, connector))| {
            let word = match report.charging_state.as_deref()? {
                "Charging" => "Charging",
                "EVConnected" => "Preparing",
                "SuspendedEV" => "SuspendedEV",
                "SuspendedEVSE" => "SuspendedEVSE",
                _ => return None,
            };
            let status = StatusReport {
                connector: *connector,
                evse: None,
                status: word.into(),
                error_code: None,
                info: None,
                vendor_id: None,
                vendor_error_code: None,
                at: report.at,
            };
            Some((*place, *from, status))
        })
        .collect();
    let words: Of<'_, StatusReport> = words.iter().map(|(place, from, word)| (*place, *from, word)).collect();
    if words.is_empty() { Ok(()) } else { live::status(tx, &words, rules).await }
}

async fn end(tx: &mut Tx, reports: &Of<'_, TransactionReport>, numbers: &[(i32, i32)], rules: &Rules) -> Result<()> {
    let ended = || reports.iter().zip(numbers).filter(|((.., report), _)| report.phase == Phase::Ended);
    let stops: Vec<(usize, From, StopReport)> = ended()
        .map(|((place, from, report), (number, _))| {
            let stop = StopReport {
                transaction_id: (*number).into(),
                id_tag: report.id_tag.clone(),
                meter_stop: register(report, "Transaction.End", true),
                at: report.at,
                at_raw: report.at_raw.clone(),
                reason: report.stopped_reason.clone().unwrap_or_else(|| "Local".into()),
                // They are kept already.
                samples: Vec::new(),
            };
            (*place, *from, stop)
        })
        .collect();
    if stops.is_empty() {
        return Ok(());
    }
    let connectors: Vec<_> = ended().map(|((_, from, _), (_, connector))| (from.station_id, *connector)).collect();
    let stops: Of<'_, StopReport> = stops.iter().map(|(place, from, stop)| (*place, *from, stop)).collect();
    stop::stop(tx, &stops, rules).await?;
    quieten(tx, &connectors).await
}

/// What those that end have used, by their places in the batch.
pub(super) async fn ended(tx: &mut Tx, reports: &Of<'_, TransactionReport>) -> Result<Vec<(usize, Running)>> {
    let ended: Vec<(usize, From, &str)> = reports
        .iter()
        .filter(|(.., report)| report.phase == Phase::Ended)
        .map(|(place, from, report)| (*place, *from, report.transaction.as_str()))
        .collect();
    if ended.is_empty() { Ok(Vec::new()) } else { running::ended(tx, &ended).await }
}
