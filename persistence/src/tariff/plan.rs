//! A tariff for many charge points: chosen, checked, assigned. Everything is a few statements, whatever the number.

use diesel::sql_types::{Array, BigInt, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use stromtor_domain::{
    network::charge_point::{ChargePointId, CurrentType},
    tariff::{
        assignment::TariffAssignmentId,
        notice,
        plan::{
            TariffPlan, TariffPlanId, TariffPlanInput, TariffPlanItem, TariffPlanProgress, TariffPlanState, Violation,
            ViolationCode, Violations,
        },
        price::PowerPrice,
        tariff::{Tariff, TariffId},
    },
};
use stromtor_schema::schema::{charge_point, tariff_assignment, tariff_plan, tariff_plan_item, tariff_plan_progress};
use uuid::Uuid;

use super::notice::{BASIS, of, versions};
use crate::{resource::prelude::*, tariff::tariff};

/// What a list of plans may be narrowed by.
#[derive(Debug, Clone, Default)]
pub struct TariffPlanFilter {
    /// Of this partner alone.
    pub partner_id: Option<PartnerId>,
    /// Of this tariff.
    pub tariff_id: Option<TariffId>,
    /// As far as this.
    pub state: Option<TariffPlanState>,
}

listing!(TariffPlanFilter => TariffPlan);

/// One page, newest first.
pub async fn list(tx: &mut Tx, filter: &TariffPlanFilter, page: &PageRequest) -> Result<Page<TariffPlan>> {
    let limit = page.limit()?;
    let mut query = tariff_plan::table.select(TariffPlan::as_select()).order(tariff_plan::id.desc()).into_boxed();
    if let Some(after) = page.after::<TariffPlanId>()? {
        query = query.filter(tariff_plan::id.lt(after));
    }
    if let Some(partner_id) = filter.partner_id {
        query = query.filter(tariff_plan::partner_id.eq(partner_id));
    }
    if let Some(tariff_id) = filter.tariff_id {
        query = query.filter(tariff_plan::tariff_id.eq(tariff_id));
    }
    if let Some(state) = filter.state {
        query = query.filter(tariff_plan::state.eq(state));
    }
    let rows = query.limit(limit as i64 + 1).load(&mut **tx).await.map_err(from_diesel)?;
    Ok(Page::cut(rows, limit, |row: &TariffPlan| row.id))
}

/// The charge points of a plan.
#[derive(Debug, Clone)]
pub struct TariffPlanItemFilter {
    /// The plan.
    pub plan_id: TariffPlanId,
    /// Those alone at which something speaks against it.
    pub violations: bool,
}

impl crate::listing::Listing for TariffPlanItemFilter {
    type Row = TariffPlanItem;

    fn page<'a>(
        &'a self,
        tx: &'a mut Tx,
        page: &'a PageRequest,
    ) -> futures_util::future::BoxFuture<'a, Result<Page<TariffPlanItem>>> {
        Box::pin(async move {
            get(tx, self.plan_id).await?;
            let limit = page.limit()?;
            let mut query = tariff_plan_item::table
                .filter(tariff_plan_item::plan_id.eq(self.plan_id))
                .select(TariffPlanItem::as_select())
                .order(tariff_plan_item::charge_point_id)
                .into_boxed();
            if let Some(after) = page.after::<ChargePointId>()? {
                query = query.filter(tariff_plan_item::charge_point_id.gt(after));
            }
            if self.violations {
                query = query.filter(tariff_plan_item::violations.ne(serde_json::json!([])));
            }
            let rows = query.limit(limit as i64 + 1).load(&mut **tx).await.map_err(from_diesel)?;
            Ok(Page::cut(rows, limit, |row: &TariffPlanItem| row.charge_point_id))
        })
    }
}

/// One plan.
pub async fn get(tx: &mut Tx, id: TariffPlanId) -> Result<TariffPlan> {
    tariff_plan::table
        .filter(tariff_plan::id.eq(id))
        .select(TariffPlan::as_select())
        .first(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)?
        .ok_or(Error::NotFound("tariff plan"))
}

/// How far the confirmation of a plan is; nothing of it before it began.
pub async fn progress(tx: &mut Tx, id: TariffPlanId) -> Result<TariffPlanProgress> {
    let plan = get(tx, id).await?;
    let found = tariff_plan_progress::table
        .filter(tariff_plan_progress::plan_id.eq(id))
        .select(TariffPlanProgress::as_select())
        .first(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)?;
    let none = TariffPlanProgress { plan_id: id, done: 0, total: plan.charge_points, updated_at: plan.updated_at };
    Ok(found.unwrap_or(none))
}

/// Notes how far it is, in a transaction beside the one that assigns.
pub async fn note_progress(tx: &mut Tx, assigning: &Assigning) -> Result<()> {
    let (done, now) = (assigning.done as i64, tx.now());
    diesel::insert_into(tariff_plan_progress::table)
        .values((
            tariff_plan_progress::plan_id.eq(assigning.plan.id),
            tariff_plan_progress::partner_id.eq(assigning.plan.partner_id),
            tariff_plan_progress::done.eq(done),
            tariff_plan_progress::total.eq(assigning.points.len() as i64),
            tariff_plan_progress::updated_at.eq(now),
        ))
        .on_conflict(tariff_plan_progress::plan_id)
        .do_update()
        .set((tariff_plan_progress::done.eq(done), tariff_plan_progress::updated_at.eq(now)))
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    Ok(())
}

/// Locked, but not against the foreign key of its progress.
async fn lock(tx: &mut Tx, id: TariffPlanId) -> Result<TariffPlan> {
    tariff_plan::table
        .filter(tariff_plan::id.eq(id))
        .select(TariffPlan::as_select())
        .for_no_key_update()
        .first(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)?
        .ok_or(Error::NotFound("tariff plan"))
}

/// Chooses and checks; nothing is assigned.
pub async fn create(tx: &mut Tx, input: TariffPlanInput) -> Result<TariffPlan> {
    input.check()?;
    let tariff = match tariff::get(tx, input.tariff_id).await {
        Err(Error::NotFound(_)) => return Err(Error::invalid("/tariff_id", "names nothing that you may refer to")),
        other => other?,
    };
    let (id, now): (TariffPlanId, _) = (tx.id(), tx.now());
    if input.valid_from.is_some_and(|from| from < now) {
        return Err(Error::invalid("/valid_from", "must not be in the past"));
    }
    check_chosen(tx, &input.charge_point_ids).await?;
    diesel::insert_into(tariff_plan::table)
        .values((
            tariff_plan::id.eq(id),
            tariff_plan::partner_id.eq(tariff.partner_id),
            tariff_plan::tariff_id.eq(tariff.id),
            tariff_plan::version_id.eq(tariff.version_id),
            tariff_plan::valid_from.eq(input.valid_from),
            tariff_plan::selection.eq(&input),
            tariff_plan::state.eq(TariffPlanState::Preview),
            tariff_plan::created_at.eq(now),
            tariff_plan::updated_at.eq(now),
        ))
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    let (points, violations) = fill(tx, id, &input, &tariff).await?;
    if points == 0 {
        return Err(Error::invalid("/filter", "matches no charge point"));
    }
    let created: TariffPlan = diesel::update(tariff_plan::table.filter(tariff_plan::id.eq(id)))
        .set((tariff_plan::charge_points.eq(points), tariff_plan::violations.eq(violations)))
        .returning(TariffPlan::as_returning())
        .get_result(&mut **tx)
        .await
        .map_err(from_diesel)?;
    tx.audit("create", "tariff_plan", created.partner_id, created.id, None, Some(&created));
    Ok(created)
}

/// Every charge point that was chosen one by one must be there.
async fn check_chosen(tx: &mut Tx, chosen: &[ChargePointId]) -> Result<()> {
    let found: Vec<ChargePointId> = charge_point::table
        .filter(charge_point::id.eq_any(chosen))
        .select(charge_point::id)
        .load(&mut **tx)
        .await
        .map_err(from_diesel)?;
    let found: std::collections::HashSet<Uuid> = found.into_iter().map(|id| id.0).collect();
    match chosen.iter().position(|id| !found.contains(&id.0)) {
        Some(at) => Err(Error::invalid(format!("/charge_point_ids/{at}"), "names nothing that you may refer to")),
        None => Ok(()),
    }
}

/// Chosen charge points, what held and will hold there, and what the database alone can say against the tariff.
fn fill_sql() -> String {
    format!(
        "with chosen as ( \
           select c.id, c.partner_id, c.location_id, c.current_type from charge_point c \
           join station s on s.id = c.station_id join location l on l.id = c.location_id \
           where case when $6 = '{{}}'::uuid[] then c.partner_id = $5 and s.installation_status <> 'dismantled' \
               else c.id = any($6) end \
             and ($7 is null or c.location_id = $7) and ($8 is null or c.station_id = $8) \
             and ($9 is null or l.address->>'country' = $9) and ($10 is null or lower(l.address->>'city') = lower($10)) \
             and ($11 is null or starts_with(l.address->>'postal_code', $11)) and ($12 is null or c.current_type = $12) \
             and ($13 is null or $13 = (select a.tariff_id from tariff_assignment a where a.charge_point_id = c.id \
               and a.partner_id = c.partner_id and a.cancelled_at is null and a.valid_from <= $2 \
               order by a.valid_from desc limit 1))), \
         {BASIS} \
         insert into tariff_plan_item (plan_id, charge_point_id, partner_id, operator_id, location_id, current_type, before_id, \
           basis, violations) \
         select $1, c.id, $5, c.partner_id, c.location_id, c.current_type, \
           (select a.tariff_id from tariff_assignment a where a.charge_point_id = c.id and a.partner_id = c.partner_id \
             and a.cancelled_at is null and a.valid_from <= $4 order by a.valid_from desc limit 1), \
           coalesce(b.versions, '{{}}'), \
           case when c.partner_id <> $5 then '[{{\"code\":\"other_operator\"}}]'::jsonb else '[]' end \
           || case when exists (select from tariff_assignment a where a.charge_point_id = c.id and a.partner_id = c.partner_id \
                and a.cancelled_at is null and a.valid_from > $2 and a.valid_from >= $4) \
              then '[{{\"code\":\"overlapping_plan\"}}]'::jsonb else '[]' end \
         from chosen c left join basis b on b.charge_point_id = c.id"
    )
}

#[derive(diesel::QueryableByName)]
struct Group {
    #[diesel(sql_type = Text)]
    current_type: CurrentType,
    #[diesel(sql_type = Array<SqlUuid>)]
    basis: Vec<Uuid>,
}

#[derive(diesel::QueryableByName)]
struct Counted {
    #[diesel(sql_type = BigInt)]
    points: i64,
    #[diesel(sql_type = BigInt)]
    violations: i64,
}

/// Fills a plan's items; how many there are, and how many something speaks against.
async fn fill(tx: &mut Tx, id: TariffPlanId, input: &TariffPlanInput, tariff: &Tariff) -> Result<(i64, i64)> {
    let now = tx.now();
    let valid_from = input.valid_from.unwrap_or(now);
    let filter = input.filter.clone().unwrap_or_default();
    sql(fill_sql())
        .bind::<SqlUuid, _>(id)
        .bind::<Timestamptz, _>(now)
        .bind::<Timestamptz, _>(now - notice::NOTICE)
        .bind::<Timestamptz, _>(valid_from)
        .bind::<SqlUuid, _>(tariff.partner_id)
        .bind::<Array<SqlUuid>, _>(input.charge_point_ids.clone())
        .bind::<Nullable<SqlUuid>, _>(filter.location_id)
        .bind::<Nullable<SqlUuid>, _>(filter.station_id)
        .bind::<Nullable<Text>, _>(filter.country.map(|country| country.to_string()))
        .bind::<Nullable<Text>, _>(filter.city.map(|city| city.to_string()))
        .bind::<Nullable<Text>, _>(filter.postal_code.map(|code| code.to_string()))
        .bind::<Nullable<Text>, _>(filter.current_type.map(CurrentType::as_str))
        .bind::<Nullable<SqlUuid>, _>(filter.tariff_id)
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    // Few different histories, however many charge points.
    let groups: Vec<Group> = sql(
        "select distinct current_type, basis from tariff_plan_item where plan_id = $1 order by current_type, basis",
    )
    .bind::<SqlUuid, _>(id)
    .load(&mut **tx)
    .await
    .map_err(from_diesel)?;
    let mut ids: Vec<Uuid> = groups.iter().flat_map(|group| group.basis.clone()).collect();
    ids.sort_unstable();
    ids.dedup();
    let known = versions(tx, &ids).await?;
    for group in groups {
        let held: Vec<_> = group.basis.iter().filter_map(|id| known.get(id)).collect();
        let mut found = Vec::new();
        if held.iter().any(|version| version.currency != tariff.input.currency) {
            found.push(Violation::plain(ViolationCode::CurrencyMismatch));
        }
        match of(tariff, group.current_type) {
            None => found.push(Violation::plain(ViolationCode::PriceMissing)),
            Some(price) if found.is_empty() && valid_from < now + notice::NOTICE => {
                let before: Vec<&PowerPrice> =
                    held.iter().filter_map(|version| version.price(group.current_type)).collect();
                let dearer = notice::dearer(group.current_type, price, &before);
                if !dearer.is_empty() {
                    let earliest = Some(now + notice::NOTICE);
                    found.push(Violation { code: ViolationCode::NoticeTooShort, dearer, earliest });
                }
            }
            Some(_) => {}
        }
        if !found.is_empty() {
            sql("update tariff_plan_item set violations = violations || $4 \
                 where plan_id = $1 and current_type = $2 and basis = $3")
            .bind::<SqlUuid, _>(id)
            .bind::<Text, _>(group.current_type)
            .bind::<Array<SqlUuid>, _>(group.basis)
            .bind::<Jsonb, _>(Violations(found))
            .execute(&mut **tx)
            .await
            .map_err(from_diesel)?;
        }
    }
    let counted: Counted = sql(
        "select count(*) as points, count(*) filter (where violations <> '[]') as violations from tariff_plan_item \
         where plan_id = $1",
    )
    .bind::<SqlUuid, _>(id)
    .get_result(&mut **tx)
    .await
    .map_err(from_diesel)?;
    Ok((counted.points, counted.violations))
}

#[derive(diesel::QueryableByName)]
struct Digest {
    #[diesel(sql_type = Nullable<Text>)]
    digest: Option<String>,
    #[diesel(sql_type = BigInt)]
    points: i64,
}

/// What was shown: where, and what held there.
async fn digest(tx: &mut Tx, id: TariffPlanId) -> Result<Digest> {
    sql("select md5(string_agg(charge_point_id::text || coalesce(before_id::text, ''), ',' order by charge_point_id)) as digest, \
           count(*) as points from tariff_plan_item where plan_id = $1")
    .bind::<SqlUuid, _>(id)
    .get_result(&mut **tx)
    .await
    .map_err(from_diesel)
}

/// A plan that is being confirmed.
#[derive(Debug)]
pub struct Assigning {
    plan: TariffPlan,
    valid_from: Timestamp,
    points: Vec<ChargePointId>,
    done: usize,
}

/// Looks whether a plan still does what was shown; refused when something speaks against it, or when it does not.
pub async fn begin(tx: &mut Tx, id: TariffPlanId) -> Result<Assigning> {
    let before = lock(tx, id).await?;
    if before.state != TariffPlanState::Preview {
        return Err(Error::conflict("plan_not_preview", "it was confirmed or cancelled already"));
    }
    if before.violations > 0 {
        let message = format!("something speaks against it at {} charge points; see its items", before.violations);
        return Err(Error::conflict("plan_has_violations", message));
    }
    let outdated = || Err(Error::conflict("plan_outdated", "things have changed since it was checked; make it anew"));
    let (now, tariff) = (tx.now(), tariff::lock(tx, before.tariff_id, None).await?);
    let valid_from = before.valid_from.unwrap_or(now);
    let shown = digest(tx, id).await?;
    // Whoever does not see all of it cannot confirm it.
    if shown.points != before.charge_points {
        return Err(Error::NotFound("tariff plan"));
    }
    diesel::delete(tariff_plan_item::table.filter(tariff_plan_item::plan_id.eq(id)))
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    let (_, violations) = fill(tx, id, &before.selection, &tariff).await?;
    let same = digest(tx, id).await?.digest == shown.digest;
    if !same || violations > 0 || tariff.version_id != before.version_id || valid_from < now {
        return outdated();
    }
    let points = tariff_plan_item::table
        .filter(tariff_plan_item::plan_id.eq(id))
        .select(tariff_plan_item::charge_point_id)
        .load(&mut **tx)
        .await
        .map_err(from_diesel)?;
    Ok(Assigning { plan: before, valid_from, points, done: 0 })
}

/// Charge points of one statement: between two the progress is told.
const STEP: usize = 5_000;

/// Assigns the next charge points; whether there are more.
pub async fn assign(tx: &mut Tx, assigning: &mut Assigning) -> Result<bool> {
    let Assigning { plan, valid_from, points, done } = assigning;
    let points: Vec<ChargePointId> = points.iter().skip(*done).take(STEP).copied().collect();
    *done += points.len();
    let ids: Vec<TariffAssignmentId> = points.iter().map(|_| tx.id()).collect();
    sql("insert into tariff_assignment (id, partner_id, location_id, charge_point_id, tariff_id, valid_from, created_at, plan_id) \
         select n.id, i.partner_id, i.location_id, i.charge_point_id, $4, $5, $6, $1 \
         from unnest($2::uuid[], $3::uuid[]) n(id, charge_point_id) \
         join tariff_plan_item i on i.plan_id = $1 and i.charge_point_id = n.charge_point_id")
    .bind::<SqlUuid, _>(plan.id)
    .bind::<Array<SqlUuid>, _>(ids)
    .bind::<Array<SqlUuid>, _>(points)
    .bind::<SqlUuid, _>(plan.tariff_id)
    .bind::<Timestamptz, _>(*valid_from)
    .bind::<Timestamptz, _>(tx.now())
    .execute(&mut **tx)
    .await
    .map_err(from_diesel)?;
    Ok(assigning.done < assigning.points.len())
}

/// Confirms what was assigned.
pub async fn finish(tx: &mut Tx, assigning: Assigning) -> Result<TariffPlan> {
    let (before, now) = (assigning.plan, tx.now());
    let after: TariffPlan = diesel::update(tariff_plan::table.filter(tariff_plan::id.eq(before.id)))
        .set((
            tariff_plan::state.eq(TariffPlanState::Confirmed),
            tariff_plan::valid_from.eq(assigning.valid_from),
            tariff_plan::confirmed_at.eq(now),
            tariff_plan::updated_at.eq(now),
        ))
        .returning(TariffPlan::as_returning())
        .get_result(&mut **tx)
        .await
        .map_err(from_diesel)?;
    note(tx, "confirm", &before, &after);
    Ok(after)
}

/// Gives a plan up, or takes its assignments back before they begin.
pub async fn cancel(tx: &mut Tx, id: TariffPlanId) -> Result<TariffPlan> {
    let (before, now) = (lock(tx, id).await?, tx.now());
    let began = before.valid_from.is_none_or(|from| from <= now);
    match before.state {
        TariffPlanState::Preview => {}
        TariffPlanState::Confirmed if !began => {
            diesel::update(
                tariff_assignment::table
                    .filter(tariff_assignment::plan_id.eq(id).and(tariff_assignment::cancelled_at.is_null())),
            )
            .set(tariff_assignment::cancelled_at.eq(now))
            .execute(&mut **tx)
            .await
            .map_err(from_diesel)?;
        }
        TariffPlanState::Confirmed | TariffPlanState::Cancelled => {
            return Err(Error::conflict(
                "assignment_began",
                "it has begun or was cancelled; assign another tariff instead",
            ));
        }
    }
    let after: TariffPlan = diesel::update(tariff_plan::table.filter(tariff_plan::id.eq(id)))
        .set((
            tariff_plan::state.eq(TariffPlanState::Cancelled),
            tariff_plan::cancelled_at.eq(now),
            tariff_plan::updated_at.eq(now),
        ))
        .returning(TariffPlan::as_returning())
        .get_result(&mut **tx)
        .await
        .map_err(from_diesel)?;
    note(tx, "cancel", &before, &after);
    Ok(after)
}

/// One audit entry and one event, whatever the number of charge points.
fn note(tx: &mut Tx, action: &'static str, before: &TariffPlan, after: &TariffPlan) {
    tx.audit(action, "tariff_plan", after.partner_id, after.id, Some(before), Some(after));
    if before.state == TariffPlanState::Confirmed || after.state == TariffPlanState::Confirmed {
        let data = serde_json::json!({ "change": action, "plan_id": after.id, "charge_points": after.charge_points });
        tx.changed(EventType::TariffChanged, after.partner_id, after.tariff_id, data);
    }
}
