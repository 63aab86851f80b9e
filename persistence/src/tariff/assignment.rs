//! Which tariff holds at a charge point, and from when.

use stromtor_domain::{
    network::{charge_point::ChargePointId, location::LocationId},
    tariff::{
        assignment::{ChargePointTariffs, TariffAssignment, TariffAssignmentId, TariffAssignmentInput},
        tariff::TariffId,
    },
};
use stromtor_schema::schema::tariff_assignment;

use super::notice;
use crate::{network::charge_point, resource::prelude::*, tariff::tariff};

/// What a list of assignments may be narrowed by.
#[derive(Debug, Clone, Default)]
pub struct TariffAssignmentFilter {
    /// Of this partner alone.
    pub partner_id: Option<PartnerId>,
    /// At this location.
    pub location_id: Option<LocationId>,
    /// At this charge point.
    pub charge_point_id: Option<ChargePointId>,
    /// Of this tariff.
    pub tariff_id: Option<TariffId>,
}

listing!(TariffAssignmentFilter => TariffAssignment);

/// One page, oldest first.
pub async fn list(tx: &mut Tx, filter: &TariffAssignmentFilter, page: &PageRequest) -> Result<Page<TariffAssignment>> {
    let limit = page.limit()?;
    let mut query =
        tariff_assignment::table.select(TariffAssignment::as_select()).order(tariff_assignment::id).into_boxed();
    if let Some(after) = page.after::<TariffAssignmentId>()? {
        query = query.filter(tariff_assignment::id.gt(after));
    }
    if let Some(partner_id) = filter.partner_id {
        query = query.filter(tariff_assignment::partner_id.eq(partner_id));
    }
    if let Some(location_id) = filter.location_id {
        query = query.filter(tariff_assignment::location_id.eq(location_id));
    }
    if let Some(charge_point_id) = filter.charge_point_id {
        query = query.filter(tariff_assignment::charge_point_id.eq(charge_point_id));
    }
    if let Some(tariff_id) = filter.tariff_id {
        query = query.filter(tariff_assignment::tariff_id.eq(tariff_id));
    }
    let rows = query.limit(limit as i64 + 1).load(&mut **tx).await.map_err(from_diesel)?;
    Ok(Page::cut(rows, limit, |row: &TariffAssignment| row.id))
}

/// One assignment.
pub async fn get(tx: &mut Tx, id: TariffAssignmentId) -> Result<TariffAssignment> {
    tariff_assignment::table
        .filter(tariff_assignment::id.eq(id))
        .select(TariffAssignment::as_select())
        .first(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)?
        .ok_or(Error::NotFound("tariff assignment"))
}

/// What a reference in the input names must be in scope.
fn refers<T>(found: Result<T>, pointer: &'static str) -> Result<T> {
    match found {
        Err(Error::NotFound(_)) => Err(Error::invalid(pointer, "names nothing that you may refer to")),
        other => other,
    }
}

/// What holds at a charge point, what will, and what did.
pub async fn at(tx: &mut Tx, charge_point_id: ChargePointId) -> Result<ChargePointTariffs> {
    let (point, now) = (charge_point::get(tx, charge_point_id).await?, tx.now());
    let all = || {
        tariff_assignment::table
            .filter(
                tariff_assignment::charge_point_id.eq(point.id).and(tariff_assignment::partner_id.eq(point.partner_id)),
            )
            .select(TariffAssignment::as_select())
    };
    let planned: Vec<TariffAssignment> = all()
        .filter(tariff_assignment::cancelled_at.is_null().and(tariff_assignment::valid_from.gt(now)))
        .order(tariff_assignment::valid_from)
        .limit(100)
        .load(&mut **tx)
        .await
        .map_err(from_diesel)?;
    let mut history: Vec<TariffAssignment> = all()
        .filter(tariff_assignment::cancelled_at.is_not_null().or(tariff_assignment::valid_from.le(now)))
        .order((tariff_assignment::valid_from.desc(), tariff_assignment::id.desc()))
        .limit(101)
        .load(&mut **tx)
        .await
        .map_err(from_diesel)?;
    let active = history.iter().position(|row| row.cancelled_at.is_none() && row.valid_from <= now);
    let active = active.map(|place| history.remove(place));
    history.truncate(100);
    Ok(ChargePointTariffs { active, planned, history })
}

/// Assigns a tariff of the charge point's operator; a dearer one with notice alone (`tariff::notice`).
pub async fn create(tx: &mut Tx, input: TariffAssignmentInput) -> Result<TariffAssignment> {
    let point = charge_point::get(tx, input.charge_point_id).await;
    let point = refers(point, "/charge_point_id")?;
    let tariff = refers(tariff::get(tx, input.tariff_id).await, "/tariff_id")?;
    if point.partner_id != tariff.partner_id {
        return Err(Error::invalid("/tariff_id", "is not a tariff of the charge point's operator"));
    }
    let (id, now): (TariffAssignmentId, _) = (tx.id(), tx.now());
    let valid_from = input.valid_from.unwrap_or(now);
    if valid_from < now {
        return Err(Error::invalid("/valid_from", "must not be in the past"));
    }
    notice::check(tx, &point, &tariff, valid_from).await?;
    let created: TariffAssignment = diesel::insert_into(tariff_assignment::table)
        .values((
            tariff_assignment::id.eq(id),
            tariff_assignment::partner_id.eq(point.partner_id),
            tariff_assignment::location_id.eq(point.location_id),
            tariff_assignment::charge_point_id.eq(input.charge_point_id),
            tariff_assignment::tariff_id.eq(input.tariff_id),
            tariff_assignment::valid_from.eq(valid_from),
            tariff_assignment::created_at.eq(now),
        ))
        .returning(TariffAssignment::as_returning())
        .get_result(&mut **tx)
        .await
        .map_err(from_diesel)?;
    note(tx, "create", None, Some(&created));
    Ok(created)
}

/// Takes an assignment back that has not begun.
pub async fn cancel(tx: &mut Tx, id: TariffAssignmentId) -> Result<TariffAssignment> {
    let before = get(tx, id).await?;
    if before.cancelled_at.is_some() || before.valid_from <= tx.now() {
        return Err(Error::conflict(
            "assignment_began",
            "it has begun or was taken back; assign another tariff instead",
        ));
    }
    let after: TariffAssignment = diesel::update(tariff_assignment::table.filter(tariff_assignment::id.eq(id)))
        .set(tariff_assignment::cancelled_at.eq(tx.now()))
        .returning(TariffAssignment::as_returning())
        .get_result(&mut **tx)
        .await
        .map_err(from_diesel)?;
    note(tx, "cancel", Some(&before), Some(&after));
    Ok(after)
}

fn note(tx: &mut Tx, action: &'static str, before: Option<&TariffAssignment>, after: Option<&TariffAssignment>) {
    let Some(row) = after.or(before) else { return };
    tx.audit(action, "tariff_assignment", row.partner_id, row.id, before, after);
    let data = serde_json::json!({ "change": action, "charge_point_id": row.charge_point_id });
    tx.changed(EventType::TariffChanged, row.partner_id, row.tariff_id, data);
}
