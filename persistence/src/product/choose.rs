//! What an order is for, and what speaks against it: a few statements, whatever the number of stations.

use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use stromtor_domain::{
    network::{charge_point::CurrentType, station::StationId},
    product::{
        order::{ProductOrderId, ProductOrderInput},
        product::{Product, ProductKind, ProductState},
    },
};
use stromtor_schema::schema::{partner, station};

use crate::resource::prelude::*;

/// The business partner that an order is for: the one with the debtor number; else the one asked for, the operator of the first
/// station, or the actor's own.
pub(super) async fn customer(
    tx: &mut Tx,
    asked: Option<PartnerId>,
    input: &ProductOrderInput,
    product: &Product,
) -> Result<PartnerId> {
    let (customer, pointer) = if let Some(number) = &input.debtor_number {
        if asked.is_some() {
            return Err(Error::invalid("partner_id", "goes without debtor_number"));
        }
        let found: Option<PartnerId> = partner::table
            .filter(partner::debtor_number.assume_not_null().eq(number))
            .select(partner::id)
            .first(&mut **tx)
            .await
            .optional()
            .map_err(from_diesel)?;
        let unknown = || Error::invalid("/debtor_number", "is not the number of a business partner in your scope");
        (found.ok_or_else(unknown)?, "/debtor_number")
    } else {
        let first = chosen(tx, &input.station_ids).await?;
        (tx.partner(asked.or(first)).await?, "/product_id")
    };
    if sells(tx, product.partner_id, customer).await? {
        return Ok(customer);
    }
    Err(Error::invalid(pointer, "the product is not sold to this business partner: neither it nor one above sells it"))
}

/// Every station that was chosen one by one must be there; the operator of the first.
async fn chosen(tx: &mut Tx, ids: &[StationId]) -> Result<Option<PartnerId>> {
    let found: Vec<(StationId, PartnerId)> = station::table
        .filter(station::id.eq_any(ids))
        .select((station::id, station::partner_id))
        .load(&mut **tx)
        .await
        .map_err(from_diesel)?;
    let known: std::collections::HashMap<StationId, PartnerId> = found.into_iter().collect();
    match ids.iter().position(|id| !known.contains_key(id)) {
        Some(at) => Err(Error::invalid(format!("/station_ids/{at}"), "names nothing that you may refer to")),
        None => Ok(ids.first().and_then(|id| known.get(id)).copied()),
    }
}

#[derive(diesel::QueryableByName)]
struct Answer {
    #[diesel(sql_type = Bool)]
    value: bool,
}

async fn sells(tx: &mut Tx, seller: PartnerId, customer: PartnerId) -> Result<bool> {
    let answer: Answer = sql("select exists (select from stromtor_lineage($1) where id = $2) as value")
        .bind::<SqlUuid, _>(customer)
        .bind::<SqlUuid, _>(seller)
        .get_result(&mut **tx)
        .await
        .map_err(from_diesel)?;
    Ok(answer.value)
}

/// The stations of an order. Where a product ends, a filter finds those alone that have it.
const STATIONS: &str = "select s.id as target_id, s.id as station_id, s.partner_id as operator_id, s.location_id, \
       s.installation_status = 'dismantled' as dismantled \
     from station s join location l on l.id = s.location_id \
     where case when $6 = '{}'::uuid[] then s.partner_id = $5 and case $3 \
           when 'assign' then s.installation_status <> 'dismantled' \
           else exists (select from product_assignment a where a.station_id = s.id and a.partner_id = $5 \
             and a.product_id = $2 and stromtor_holds(a, $4)) end \
         else s.id = any($6) end \
       and ($7 is null or s.location_id = $7) and ($8 is null or s.id = $8) \
       and ($9 is null or l.address->>'country' = $9) and ($10 is null or lower(l.address->>'city') = lower($10)) \
       and ($11 is null or starts_with(l.address->>'postal_code', $11)) \
       and (num_nonnulls($12, $13) = 0 or exists (select from charge_point c where c.station_id = s.id \
         and ($12 is null or c.current_type = $12) \
         and ($13 is null or $13 = (select a.tariff_id from tariff_assignment a where a.charge_point_id = c.id \
           and a.partner_id = c.partner_id and a.cancelled_at is null and a.valid_from <= $16 \
           order by a.valid_from desc limit 1))))";

/// The business partner of an order.
const PARTNER: &str = "select $5 as target_id, null::uuid as station_id, $5 as operator_id, null::uuid as location_id, \
       false as dismantled";

/// How assignments `a` belong to targets `c` of a kind.
pub(super) const fn same_target(kind: ProductKind) -> &'static str {
    match kind {
        ProductKind::Station => "a.station_id = c.target_id and a.partner_id = c.operator_id",
        ProductKind::Partner => "a.station_id is null and a.partner_id = c.operator_id",
    }
}

/// What each has is asked one by one, by index: joined, tens of thousands were badly guessed.
fn fill_sql(kind: ProductKind) -> String {
    let chosen = match kind {
        ProductKind::Station => STATIONS,
        ProductKind::Partner => PARTNER,
    };
    let same_target = same_target(kind);
    format!(
        "insert into product_order_item (order_id, target_id, partner_id, station_id, location_id, operator_id, \
           products_before, products_after, violations) \
         select $1, c.target_id, $5, c.station_id, c.location_id, c.operator_id, coalesce(h.products, '{{}}'), \
           array_remove(coalesce(h.products, '{{}}'), $2) || case $3 when 'assign' then array[$2] else '{{}}' end, \
           coalesce((select jsonb_agg(jsonb_build_object('code', v.code)) from (values \
             ($3 = 'assign' and $14, 'product_withdrawn'), \
             ($3 = 'assign' and h.not_over, 'already_assigned'), \
             ($3 = 'end' and h.holds is not true, 'not_assigned'), \
             ($3 = 'end' and h.ended, 'already_ended'), \
             ($3 = 'assign' and c.dismantled, 'station_dismantled'), \
             (c.operator_id <> $5, 'other_operator'), \
             ($3 = 'assign' and exists (select from product_assignment a where a.partner_id = $5 and a.currency <> $15 \
               and a.cancelled_at is null and (a.valid_until is null or a.valid_until > $4)), 'other_currency') \
           ) v(speaks_against, code) where v.speaks_against), '[]') \
         from ({chosen}) c cross join lateral ( \
           select array_agg(distinct a.product_id order by a.product_id) filter (where stromtor_holds(a, $4)) as products, \
             bool_or(a.product_id = $2) as not_over, \
             bool_or(a.product_id = $2 and stromtor_holds(a, $4)) as holds, \
             bool_or(a.product_id = $2 and stromtor_holds(a, $4) and a.valid_until is not null) as ended \
           from product_assignment a where {same_target} and a.cancelled_at is null \
             and (a.valid_until is null or a.valid_until > $4) \
         ) h"
    )
}

/// What an order is for, how many there are, and at how many something speaks against it.
#[derive(diesel::QueryableByName)]
pub(super) struct Filled {
    #[diesel(sql_type = BigInt)]
    pub items: i64,
    #[diesel(sql_type = BigInt)]
    pub violations: i64,
    /// What is there before: whether it is still as it was shown.
    #[diesel(sql_type = Nullable<Text>)]
    pub digest: Option<String>,
}

/// Fills an order's items.
pub(super) async fn fill(
    tx: &mut Tx,
    id: ProductOrderId,
    customer: PartnerId,
    input: &ProductOrderInput,
    product: &Product,
) -> Result<Filled> {
    let now = tx.now();
    let filter = input.filter.clone().unwrap_or_default();
    sql(fill_sql(product.input.kind))
        .bind::<SqlUuid, _>(id)
        .bind::<SqlUuid, _>(product.id)
        .bind::<Text, _>(input.action)
        .bind::<Timestamptz, _>(input.valid_from.unwrap_or(now))
        .bind::<SqlUuid, _>(customer)
        .bind::<Array<SqlUuid>, _>(input.station_ids.clone())
        .bind::<Nullable<SqlUuid>, _>(filter.location_id)
        .bind::<Nullable<SqlUuid>, _>(filter.station_id)
        .bind::<Nullable<Text>, _>(filter.country.map(|country| country.to_string()))
        .bind::<Nullable<Text>, _>(filter.city.map(|city| city.to_string()))
        .bind::<Nullable<Text>, _>(filter.postal_code.map(|code| code.to_string()))
        .bind::<Nullable<Text>, _>(filter.current_type.map(CurrentType::as_str))
        .bind::<Nullable<SqlUuid>, _>(filter.tariff_id)
        .bind::<Bool, _>(product.input.state == ProductState::Withdrawn)
        .bind::<Text, _>(product.input.currency.to_string())
        .bind::<Timestamptz, _>(now)
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    filled(tx, id).await
}

/// What an order's items say.
pub(super) async fn filled(tx: &mut Tx, id: ProductOrderId) -> Result<Filled> {
    sql("select count(*) as items, count(*) filter (where violations <> '[]') as violations, \
           md5(string_agg(target_id::text || products_before::text, ',' order by target_id)) as digest \
         from product_order_item where order_id = $1")
    .bind::<SqlUuid, _>(id)
    .get_result(&mut **tx)
    .await
    .map_err(from_diesel)
}
