//! Orders of products: chosen, checked, then done as a whole or not at all. Everything is a few statements, whatever the number.

use diesel::sql_types::{Array, Bool, Text, Timestamptz, Uuid as SqlUuid};
use stromtor_domain::product::{
    assignment::ProductAssignmentId,
    order::{ProductAction, ProductOrder, ProductOrderId, ProductOrderInput, ProductOrderItem, ProductOrderState},
    product::{Product, ProductId},
};
use stromtor_schema::schema::{product_order, product_order_item};
use uuid::Uuid;

use super::{choose, product};
use crate::resource::prelude::*;

/// What a list of orders may be narrowed by.
#[derive(Debug, Clone, Default)]
pub struct ProductOrderFilter {
    /// For this partner alone.
    pub partner_id: Option<PartnerId>,
    /// Of this product.
    pub product_id: Option<ProductId>,
    /// As far as this.
    pub state: Option<ProductOrderState>,
}

listing!(ProductOrderFilter => ProductOrder);

/// One page, newest first.
pub async fn list(tx: &mut Tx, filter: &ProductOrderFilter, page: &PageRequest) -> Result<Page<ProductOrder>> {
    let limit = page.limit()?;
    let mut query = product_order::table.select(ProductOrder::as_select()).order(product_order::id.desc()).into_boxed();
    if let Some(after) = page.after::<ProductOrderId>()? {
        query = query.filter(product_order::id.lt(after));
    }
    if let Some(partner_id) = filter.partner_id {
        query = query.filter(product_order::partner_id.eq(partner_id));
    }
    if let Some(product_id) = filter.product_id {
        query = query.filter(product_order::product_id.eq(product_id));
    }
    if let Some(state) = filter.state {
        query = query.filter(product_order::state.eq(state));
    }
    let rows = query.limit(limit as i64 + 1).load(&mut **tx).await.map_err(from_diesel)?;
    Ok(Page::cut(rows, limit, |row: &ProductOrder| row.id))
}

/// What an order is for.
#[derive(Debug, Clone)]
pub struct ProductOrderItemFilter {
    /// The order.
    pub order_id: ProductOrderId,
    /// Those alone at which something speaks against it.
    pub violations: bool,
}

listing!(ProductOrderItemFilter => ProductOrderItem, items);

async fn items(tx: &mut Tx, filter: &ProductOrderItemFilter, page: &PageRequest) -> Result<Page<ProductOrderItem>> {
    get(tx, filter.order_id).await?;
    let limit = page.limit()?;
    let mut query = product_order_item::table
        .filter(product_order_item::order_id.eq(filter.order_id))
        .select(ProductOrderItem::as_select())
        .order(product_order_item::target_id)
        .into_boxed();
    if let Some(after) = page.after::<Uuid>()? {
        query = query.filter(product_order_item::target_id.gt(after));
    }
    if filter.violations {
        query = query.filter(product_order_item::violations.ne(serde_json::json!([])));
    }
    let rows = query.limit(limit as i64 + 1).load(&mut **tx).await.map_err(from_diesel)?;
    Ok(Page::cut(rows, limit, |row: &ProductOrderItem| row.station_id.map_or(row.operator_id.0, Into::into)))
}

/// One order.
pub async fn get(tx: &mut Tx, id: ProductOrderId) -> Result<ProductOrder> {
    product_order::table
        .filter(product_order::id.eq(id))
        .select(ProductOrder::as_select())
        .first(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)?
        .ok_or(Error::NotFound("product order"))
}

#[derive(diesel::QueryableByName)]
struct Locked {
    #[diesel(sql_type = Bool)]
    value: bool,
}

/// The order, locked, and its product: orders of one product are done one after the other.
async fn lock(tx: &mut Tx, id: ProductOrderId) -> Result<(ProductOrder, Product)> {
    let order: ProductOrder = product_order::table
        .filter(product_order::id.eq(id))
        .select(ProductOrder::as_select())
        .for_no_key_update()
        .first(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)?
        .ok_or(Error::NotFound("product order"))?;
    let locked: Locked = sql("select stromtor_lock_product($1) as value")
        .bind::<SqlUuid, _>(order.product_id)
        .get_result(&mut **tx)
        .await
        .map_err(from_diesel)?;
    if !locked.value {
        return Err(Error::NotFound("product"));
    }
    let product = product::get(tx, order.product_id).await?;
    Ok((order, product))
}

/// What was shown; whoever does not see all of it can do nothing with it.
async fn shown(tx: &mut Tx, order: &ProductOrder) -> Result<choose::Filled> {
    let shown = choose::filled(tx, order.id).await?;
    if shown.items == order.items { Ok(shown) } else { Err(Error::NotFound("product order")) }
}

/// Chooses and checks; nothing is assigned or ended.
pub async fn create(tx: &mut Tx, asked: Option<PartnerId>, input: ProductOrderInput) -> Result<ProductOrder> {
    let product = match product::get(tx, input.product_id).await {
        Err(Error::NotFound(_)) => return Err(Error::invalid("/product_id", "names nothing that you may refer to")),
        other => other?,
    };
    input.check(product.input.kind)?;
    let (id, now): (ProductOrderId, _) = (tx.id(), tx.now());
    if input.valid_from.is_some_and(|from| from < now) {
        return Err(Error::invalid("/valid_from", "must not be in the past"));
    }
    let customer = choose::customer(tx, asked, &input, &product).await?;
    diesel::insert_into(product_order::table)
        .values((
            product_order::id.eq(id),
            product_order::partner_id.eq(customer),
            product_order::product_id.eq(product.id),
            product_order::action.eq(input.action),
            product_order::valid_from.eq(input.valid_from),
            product_order::selection.eq(&input),
            product_order::price.eq(product.input.price),
            product_order::currency.eq(&product.input.currency),
            product_order::period.eq(product.input.period),
            product_order::state.eq(ProductOrderState::Preview),
            product_order::created_by.eq(tx.actor().name.clone()),
            product_order::created_at.eq(now),
            product_order::updated_at.eq(now),
        ))
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    let filled = choose::fill(tx, id, customer, &input, &product).await?;
    if filled.items == 0 {
        return Err(Error::invalid("/filter", "matches no station"));
    }
    let created: ProductOrder = diesel::update(product_order::table.filter(product_order::id.eq(id)))
        .set((product_order::items.eq(filled.items), product_order::violations.eq(filled.violations)))
        .returning(ProductOrder::as_returning())
        .get_result(&mut **tx)
        .await
        .map_err(from_diesel)?;
    tx.audit("create", "product_order", customer, id, None, Some(&created));
    Ok(created)
}

/// Does what was shown everywhere; refused when something speaks against it, or when it would not do that any more.
pub async fn confirm(tx: &mut Tx, id: ProductOrderId) -> Result<ProductOrder> {
    let (before, product) = lock(tx, id).await?;
    if before.state != ProductOrderState::Preview {
        return Err(Error::conflict("order_not_preview", "it was confirmed or cancelled already"));
    }
    if before.violations > 0 {
        let message = format!("something speaks against it at {} of its items", before.violations);
        return Err(Error::conflict("order_has_violations", message));
    }
    let (now, shown) = (tx.now(), shown(tx, &before).await?);
    diesel::delete(product_order_item::table.filter(product_order_item::order_id.eq(id)))
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    let found = choose::fill(tx, id, before.partner_id, &before.selection, &product).await?;
    let valid_from = before.valid_from.unwrap_or(now);
    let priced = (before.price, before.period) == (product.input.price, product.input.period);
    if found.digest != shown.digest || found.violations > 0 || !priced || valid_from < now {
        return Err(Error::conflict("order_outdated", "things have changed since it was checked; make it anew"));
    }
    match before.action {
        ProductAction::Assign => assign(tx, &before, valid_from).await?,
        ProductAction::End => end(tx, &before, &product, valid_from).await?,
    }
    let after: ProductOrder = diesel::update(product_order::table.filter(product_order::id.eq(id)))
        .set((
            product_order::state.eq(ProductOrderState::Confirmed),
            product_order::valid_from.eq(valid_from),
            product_order::confirmed_at.eq(now),
            product_order::updated_at.eq(now),
        ))
        .returning(ProductOrder::as_returning())
        .get_result(&mut **tx)
        .await
        .map_err(from_diesel)?;
    note(tx, "confirm", &before, &after);
    Ok(after)
}

/// Assignments of one statement.
const STEP: usize = 5_000;

async fn assign(tx: &mut Tx, order: &ProductOrder, valid_from: Timestamp) -> Result<()> {
    let targets: Vec<Uuid> = product_order_item::table
        .filter(product_order_item::order_id.eq(order.id))
        .select(product_order_item::target_id)
        .load(&mut **tx)
        .await
        .map_err(from_diesel)?;
    let (now, by) = (tx.now(), tx.actor().name.clone());
    for some in targets.chunks(STEP) {
        let ids: Vec<ProductAssignmentId> = some.iter().map(|_| tx.id()).collect();
        sql("insert into product_assignment (id, partner_id, product_id, station_id, location_id, valid_from, price, currency, \
               period, order_id, assigned_by, created_at, updated_at) \
             select n.id, i.operator_id, o.product_id, i.station_id, i.location_id, $4, o.price, o.currency, o.period, o.id, \
               $5, $6, $6 \
             from product_order o cross join unnest($2::uuid[], $3::uuid[]) n(id, target_id) \
             join product_order_item i on i.order_id = o.id and i.target_id = n.target_id where o.id = $1")
        .bind::<SqlUuid, _>(order.id)
        .bind::<Array<SqlUuid>, _>(ids)
        .bind::<Array<SqlUuid>, _>(some)
        .bind::<Timestamptz, _>(valid_from)
        .bind::<Text, _>(by.clone())
        .bind::<Timestamptz, _>(now)
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    }
    Ok(())
}

async fn end(tx: &mut Tx, order: &ProductOrder, product: &Product, at: Timestamp) -> Result<()> {
    let (now, by) = (tx.now(), tx.actor().name.clone());
    sql(format!(
        "update product_assignment a set valid_until = $3, ended_by = $4, ended_by_order_id = $1, updated_at = $5 \
         from product_order_item c where c.order_id = $1 and a.product_id = $2 and {} and stromtor_holds(a, $3)",
        choose::same_target(product.input.kind)
    ))
    .bind::<SqlUuid, _>(order.id)
    .bind::<SqlUuid, _>(order.product_id)
    .bind::<Timestamptz, _>(at)
    .bind::<Text, _>(by)
    .bind::<Timestamptz, _>(now)
    .execute(&mut **tx)
    .await
    .map_err(from_diesel)?;
    Ok(())
}

/// Gives an order up, or takes back what it did, before it begins.
pub async fn cancel(tx: &mut Tx, id: ProductOrderId) -> Result<ProductOrder> {
    let ((before, _), now) = (lock(tx, id).await?, tx.now());
    shown(tx, &before).await?;
    let began = before.valid_from.is_none_or(|from| from <= now);
    match (before.state, before.action) {
        (ProductOrderState::Preview, _) => {}
        (ProductOrderState::Confirmed, ProductAction::Assign) if !began => take_back(tx, id).await?,
        (ProductOrderState::Confirmed, ProductAction::End) if !began => resume(tx, id).await?,
        _ => return Err(Error::conflict("order_began", "it has begun or was cancelled; make another order instead")),
    }
    let after: ProductOrder = diesel::update(product_order::table.filter(product_order::id.eq(id)))
        .set((
            product_order::state.eq(ProductOrderState::Cancelled),
            product_order::cancelled_at.eq(now),
            product_order::updated_at.eq(now),
        ))
        .returning(ProductOrder::as_returning())
        .get_result(&mut **tx)
        .await
        .map_err(from_diesel)?;
    note(tx, "cancel", &before, &after);
    Ok(after)
}

async fn take_back(tx: &mut Tx, id: ProductOrderId) -> Result<()> {
    let (now, by) = (tx.now(), tx.actor().name.clone());
    sql("update product_assignment set cancelled_at = $2, ended_by = $3, updated_at = $2 \
         where order_id = $1 and cancelled_at is null")
    .bind::<SqlUuid, _>(id)
    .bind::<Timestamptz, _>(now)
    .bind::<Text, _>(by)
    .execute(&mut **tx)
    .await
    .map_err(from_diesel)?;
    Ok(())
}

/// What was to end goes on, unless the product was assigned anew for the time after.
async fn resume(tx: &mut Tx, id: ProductOrderId) -> Result<()> {
    let anew: Locked = sql("select exists (select from product_assignment a join product_assignment b \
           on b.product_id = a.product_id and b.partner_id = a.partner_id and b.station_id is not distinct from a.station_id \
           where a.ended_by_order_id = $1 and b.cancelled_at is null and b.valid_from >= a.valid_until and b.id <> a.id) as value")
    .bind::<SqlUuid, _>(id)
    .get_result(&mut **tx)
    .await
    .map_err(from_diesel)?;
    if anew.value {
        return Err(Error::conflict(
            "product_assigned_anew",
            "the product was assigned again for the time after its end",
        ));
    }
    let now = tx.now();
    sql(
        "update product_assignment set valid_until = null, ended_by = null, ended_by_order_id = null, updated_at = $2 \
         where ended_by_order_id = $1",
    )
    .bind::<SqlUuid, _>(id)
    .bind::<Timestamptz, _>(now)
    .execute(&mut **tx)
    .await
    .map_err(from_diesel)?;
    Ok(())
}

/// One audit entry and one event, whatever the number of stations.
fn note(tx: &mut Tx, action: &'static str, before: &ProductOrder, after: &ProductOrder) {
    tx.audit(action, "product_order", after.partner_id, after.id, Some(before), Some(after));
    if before.state == ProductOrderState::Confirmed || after.state == ProductOrderState::Confirmed {
        let data = serde_json::json!({
            "change": action, "action": after.action, "product_order_id": after.id, "items": after.items
        });
        tx.changed(EventType::ProductChanged, after.partner_id, after.product_id, data);
    }
}
