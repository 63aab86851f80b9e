//! Which tariff holds at a charge point, and from when.

use stromtor_domain::{
    network::{charge_point::ChargePointId, location::LocationId},
    tariff::{
        assignment::{TariffAssignment, TariffAssignmentId, TariffAssignmentInput},
        tariff::TariffId,
    },
};
use stromtor_schema::schema::tariff_assignment;

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

/// Assigns a tariff of the charge point's operator.
pub async fn create(tx: &mut Tx, input: TariffAssignmentInput) -> Result<TariffAssignment> {
    let refers = |found: Result<PartnerId>, pointer: &'static str| match found {
        Err(Error::NotFound(_)) => Err(Error::invalid(pointer, "names nothing that you may refer to")),
        other => other,
    };
    let point = charge_point::get(tx, input.charge_point_id).await;
    let location_id = point.as_ref().map(|point| point.location_id).ok();
    let owner = refers(point.map(|point| point.partner_id), "/charge_point_id")?;
    let seller = refers(tariff::get(tx, input.tariff_id).await.map(|tariff| tariff.partner_id), "/tariff_id")?;
    if owner != seller {
        return Err(Error::invalid("/tariff_id", "is not a tariff of the charge point's operator"));
    }
    let (id, now): (TariffAssignmentId, _) = (tx.id(), tx.now());
    let valid_from = input.valid_from.unwrap_or(now);
    if valid_from < now {
        return Err(Error::invalid("/valid_from", "must not be in the past"));
    }
    let created: TariffAssignment = diesel::insert_into(tariff_assignment::table)
        .values((
            tariff_assignment::id.eq(id),
            tariff_assignment::partner_id.eq(owner),
            tariff_assignment::location_id.eq(location_id.unwrap_or(LocationId(uuid::Uuid::nil()))),
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
