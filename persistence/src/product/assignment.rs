//! Who has, had and will have which product. Orders write it (`product::order`).

use diesel::sql_types::{Text, Timestamptz, Uuid as SqlUuid};
use stromtor_domain::{
    network::{location::LocationId, station::StationId},
    product::{
        assignment::{ProductAssignment, ProductAssignmentId},
        order::ProductOrderId,
        product::ProductId,
    },
};
use stromtor_schema::schema::product_assignment;

use crate::resource::prelude::*;

/// What a list of assignments may be narrowed by.
#[derive(Debug, Clone, Default)]
pub struct ProductAssignmentFilter {
    /// Of this partner and its stations.
    pub partner_id: Option<PartnerId>,
    /// At this location.
    pub location_id: Option<LocationId>,
    /// Of this station.
    pub station_id: Option<StationId>,
    /// Of this product.
    pub product_id: Option<ProductId>,
    /// Made by this order.
    pub order_id: Option<ProductOrderId>,
    /// Those that hold at this time.
    pub active_at: Option<Timestamp>,
}

listing!(ProductAssignmentFilter => ProductAssignment);

/// One page, oldest first.
pub async fn list(
    tx: &mut Tx,
    filter: &ProductAssignmentFilter,
    page: &PageRequest,
) -> Result<Page<ProductAssignment>> {
    use product_assignment as a;
    let limit = page.limit()?;
    let mut query = a::table.select(ProductAssignment::as_select()).order(a::id).into_boxed();
    if let Some(after) = page.after::<ProductAssignmentId>()? {
        query = query.filter(a::id.gt(after));
    }
    if let Some(partner_id) = filter.partner_id {
        query = query.filter(a::partner_id.eq(partner_id));
    }
    if let Some(location_id) = filter.location_id {
        query = query.filter(a::location_id.assume_not_null().eq(location_id));
    }
    if let Some(station_id) = filter.station_id {
        query = query.filter(a::station_id.assume_not_null().eq(station_id));
    }
    if let Some(product_id) = filter.product_id {
        query = query.filter(a::product_id.eq(product_id));
    }
    if let Some(order_id) = filter.order_id {
        query = query.filter(a::order_id.eq(order_id));
    }
    if let Some(at) = filter.active_at {
        let not_over = a::valid_until.is_null().or(a::valid_until.assume_not_null().gt(at));
        query = query.filter(a::cancelled_at.is_null().and(a::valid_from.le(at)).and(not_over));
    }
    let rows = query.limit(limit as i64 + 1).load(&mut **tx).await.map_err(from_diesel)?;
    Ok(Page::cut(rows, limit, |row: &ProductAssignment| row.id))
}

/// One assignment.
pub async fn get(tx: &mut Tx, id: ProductAssignmentId) -> Result<ProductAssignment> {
    product_assignment::table
        .filter(product_assignment::id.eq(id))
        .select(ProductAssignment::as_select())
        .first(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)?
        .ok_or(Error::NotFound("product assignment"))
}

/// A station goes to another operator: what the old one has for it ends, what has not begun is taken back.
pub(crate) async fn end_of_station(tx: &mut Tx, id: StationId) -> Result<()> {
    let (now, by) = (tx.now(), tx.actor().name.clone());
    sql("update product_assignment set cancelled_at = case when valid_from > $2 then $2 end, \
           valid_until = case when valid_from > $2 then valid_until else $2 end, \
           ended_by = $3, ended_by_order_id = null, updated_at = $2 \
         where station_id = $1 and cancelled_at is null and (valid_until is null or valid_until > $2)")
    .bind::<SqlUuid, _>(id)
    .bind::<Timestamptz, _>(now)
    .bind::<Text, _>(by)
    .execute(&mut **tx)
    .await
    .map_err(from_diesel)?;
    Ok(())
}
