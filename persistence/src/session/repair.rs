//! Puts right what a station's reports left wrong: sessions without a start or an end.

use diesel::sql_types::{Bool, Nullable, Timestamptz, Uuid as SqlUuid};
use stromtor_domain::{
    access::decide::Outcome,
    network::charge_point::ChargePointId,
    session::{
        finding::Finding,
        session::{Session, SessionId, SessionRepair, SessionState},
    },
    tariff::tariff::TariffVersionId,
};
use stromtor_schema::schema::{connector, session};

use crate::{
    ingest::{From, Rules, access, stop::ask_for_settlement},
    resource::prelude::*,
};

#[derive(diesel::QueryableByName)]
struct Facts {
    #[diesel(sql_type = Bool)]
    billed: bool,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    tariff_version_id: Option<TariffVersionId>,
}

const FACTS: &str = "\
    select exists (select from cdr where session_id = $1 and state = 'final') as billed, \
      (select v.id from tariff_assignment a join tariff_version v on v.tariff_id = a.tariff_id \
        where a.charge_point_id = $2 and a.cancelled_at is null and a.valid_from <= $3 \
        order by a.valid_from desc, (v.created_at <= $3) desc, \
          case when v.created_at <= $3 then v.version else -v.version end desc limit 1) as tariff_version_id";

/// Changes what is known of a session that has ended, and has it priced again; refused once it was billed.
pub async fn repair(tx: &mut Tx, id: SessionId, repair: &SessionRepair, rules: &Rules) -> Result<Session> {
    let before: Session = session::table
        .filter(session::id.eq(id))
        .select(Session::as_select())
        .for_update()
        .first(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)?
        .ok_or(Error::NotFound("session"))?;
    if before.state == SessionState::Active {
        return Err(Error::conflict("session_active", "a session that runs is not repaired"));
    }
    let mut after = before.clone();
    repair.apply(&mut after)?;
    if repair.connector.is_some() {
        after.charge_point_id = connector::table
            .filter(connector::station_id.eq(after.station_id))
            .filter(connector::ocpp_connector_id.eq(after.ocpp_connector_id))
            .select(connector::charge_point_id)
            .first::<ChargePointId>(&mut **tx)
            .await
            .optional()
            .map_err(from_diesel)?;
        if after.charge_point_id.is_none() {
            return Err(Error::invalid("/connector", "is none of the station's connectors"));
        }
    }
    let facts: Facts = sql(FACTS)
        .bind::<SqlUuid, _>(id)
        .bind::<Nullable<SqlUuid>, _>(after.charge_point_id)
        .bind::<Timestamptz, _>(after.started_at)
        .get_result(&mut **tx)
        .await
        .map_err(from_diesel)?;
    if facts.billed {
        return Err(Error::conflict("session_billed", "the session has a final CDR"));
    }
    after.tariff_version_id = after.tariff_version_id.or(facts.tariff_version_id);
    if let Some(id_tag) = repair.id_tag.as_deref() {
        let from = From::new(after.station_id, after.operator_id, after.location_id);
        let asked = access::Asked {
            trigger: "start",
            session_id: Some(id.0),
            connector: after.ocpp_connector_id,
            at: Some(after.started_at),
            ..access::Asked::new(from, id_tag)
        };
        let answer = access::decide_all(tx, &[asked], rules).await?.into_iter().next();
        let accepted = answer.filter(|answer| answer.decided.outcome == Outcome::Accepted);
        after.token_id = accepted.as_ref().and_then(|answer| answer.token_id);
        after.emp_id = accepted.and_then(|answer| answer.emp_id);
    }
    after.findings.0.retain(|finding| !matches!(finding, Finding::NeverStarted | Finding::NeverStopped));
    after.findings.note(Finding::Repaired);
    let now = tx.now();
    let after: Session = diesel::update(session::table.filter(session::id.eq(id)))
        .set((
            session::state.eq(SessionState::Ended),
            session::orphan.eq(false),
            session::ocpp_connector_id.eq(after.ocpp_connector_id),
            session::charge_point_id.eq(after.charge_point_id),
            session::id_tag.eq(after.id_tag),
            session::token_id.eq(after.token_id),
            session::emp_id.eq(after.emp_id),
            session::tariff_version_id.eq(after.tariff_version_id),
            session::started_at.eq(after.started_at),
            session::ended_at.eq(after.ended_at),
            session::meter_start_wh.eq(after.meter_start_wh),
            session::meter_stop_wh.eq(after.meter_stop_wh),
            session::findings.eq(after.findings),
            session::updated_at.eq(now),
        ))
        .returning(Session::as_returning())
        .get_result(&mut **tx)
        .await
        .map_err(from_diesel)?;
    tx.audit("repair", "session", after.operator_id, id, Some(&before), Some(&after));
    ask_for_settlement(tx, &[(id.0, after.operator_id)], now).await?;
    Ok(after)
}

/// Legs that a session has already: their numbers and ids. New ones correct them.
pub async fn legs(tx: &mut Tx, id: SessionId) -> Result<Vec<(i32, stromtor_domain::billing::cdr::CdrId)>> {
    use stromtor_schema::schema::cdr;
    cdr::table
        .filter(cdr::session_id.eq(id))
        .order(cdr::leg)
        .select((cdr::leg, cdr::id))
        .load(&mut **tx)
        .await
        .map_err(from_diesel)
}
