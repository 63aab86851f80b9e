//! EVSE-IDs are given out: a few statements, whatever the number of charge points.
//!
//! Locks are taken in one order everywhere: charge points by id, then prefixes by id.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use diesel::sql_types::{Array, BigInt, Bool, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use stromtor_domain::{
    error::FieldError,
    network::{
        charge_point::{ChargePoint, ChargePointId},
        evse_id::{AllocatedEvseId, AllocatedEvseIds, EvseId, EvseIdAllocation, MOST_ALLOCATED},
        evse_prefix::EvsePrefixId,
    },
};

use crate::{
    network::{charge_point as points, evse_prefix},
    resource::prelude::*,
};

/// Wrong charge points that are named.
const NAMED: usize = 100;

/// A charge point that is to have an EVSE-ID, locked.
#[derive(diesel::QueryableByName)]
struct Pick {
    #[diesel(sql_type = SqlUuid)]
    id: ChargePointId,
    #[diesel(sql_type = SqlUuid)]
    partner_id: PartnerId,
    #[diesel(sql_type = Bool)]
    named: bool,
    #[diesel(sql_type = Bool)]
    dismantled: bool,
    #[diesel(sql_type = Text)]
    country: String,
}

const PICK: &str = "select c.id, c.partner_id, c.evse_id is not null as named, s.dismantled_at is not null as dismantled, \
    coalesce(l.address ->> 'country', '') as country \
    from charge_point c join station s on s.id = c.station_id join location l on l.id = c.location_id where ";

async fn pick(tx: &mut Tx, ids: &[ChargePointId]) -> Result<Vec<Pick>> {
    sql(format!("{PICK} c.id = any($1) order by c.id for update of c"))
        .bind::<Array<SqlUuid>, _>(ids)
        .load(&mut **tx)
        .await
        .map_err(from_diesel)
}

/// Gives one charge point an EVSE-ID.
pub async fn one(tx: &mut Tx, id: ChargePointId, prefix: Option<EvsePrefixId>) -> Result<ChargePoint> {
    let before = points::lock(tx, id, None).await?;
    if before.input.evse_id.is_some() {
        return Err(Error::conflict("evse_id_present", "the charge point has an EVSE-ID already"));
    }
    let chosen = pick(tx, &[id]).await?;
    let point = chosen.as_slice().first().ok_or(Error::NotFound("charge point"))?;
    if point.dismantled {
        return Err(Error::conflict("station_dismantled", "a dismantled station's charge points get no EVSE-ID"));
    }
    let evse_id = draw(tx, &chosen, prefix).await?.remove(&id);
    let evse_id = evse_id.ok_or_else(|| Error::internal("no EVSE-ID was drawn"))?;
    points::set_evse_id(tx, &before, Some(&evse_id), "allocate_evse_id").await
}

/// Gives many charge points EVSE-IDs, all or none. One audit entry per operator names them all.
pub async fn many(tx: &mut Tx, wanted: &EvseIdAllocation) -> Result<AllocatedEvseIds> {
    wanted.check()?;
    let (picked, more) = match &wanted.filter {
        Some(filter) => {
            let rest = "c.evse_id is null and s.dismantled_at is null and ($1::uuid is null or c.partner_id = $1) \
                and ($2::uuid is null or c.location_id = $2) and ($3::uuid is null or c.station_id = $3) \
                and ($4::text is null or l.address ->> 'country' = $4) order by c.id limit $5 for update of c";
            let mut picked: Vec<Pick> = sql(format!("{PICK} {rest}"))
                .bind::<Nullable<SqlUuid>, _>(filter.partner_id)
                .bind::<Nullable<SqlUuid>, _>(filter.location_id)
                .bind::<Nullable<SqlUuid>, _>(filter.station_id)
                .bind::<Nullable<Text>, _>(filter.country.as_ref())
                .bind::<BigInt, _>(MOST_ALLOCATED as i64 + 1)
                .load(&mut **tx)
                .await
                .map_err(from_diesel)?;
            let more = picked.len() > MOST_ALLOCATED;
            picked.truncate(MOST_ALLOCATED);
            (picked, more)
        }
        None => (chosen(tx, &wanted.charge_point_ids).await?, false),
    };
    let drawn = draw(tx, &picked, wanted.prefix_id).await?;
    let item = |point: &Pick| {
        let evse_id = drawn.get(&point.id).cloned().ok_or_else(|| Error::internal("no EVSE-ID was drawn"))?;
        Ok(AllocatedEvseId { charge_point_id: point.id, evse_id })
    };
    let items = picked.iter().map(item).collect::<Result<Vec<_>>>()?;
    sql("update charge_point c set evse_id = i.evse_id, revision = c.revision + 1, updated_at = $3 \
         from unnest($1::uuid[], $2::text[]) i(id, evse_id) where c.id = i.id")
    .bind::<Array<SqlUuid>, _>(items.iter().map(|item| item.charge_point_id).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(items.iter().map(|item| item.evse_id.as_str()).collect::<Vec<_>>())
    .bind::<Timestamptz, _>(tx.now())
    .execute(&mut **tx)
    .await
    .map_err(from_diesel)?;
    let mut by_operator: BTreeMap<PartnerId, Vec<&AllocatedEvseId>> = BTreeMap::new();
    for (point, item) in picked.iter().zip(&items) {
        by_operator.entry(point.partner_id).or_default().push(item);
        let change = serde_json::json!({ "change": "allocate_evse_id" });
        tx.changed(EventType::StationChanged, point.partner_id, point.id, change);
    }
    for (operator, given) in by_operator {
        if let Some(first) = given.as_slice().first() {
            let first = first.charge_point_id;
            tx.audit("allocate_evse_ids", "charge point", operator, first, None, Some(&given));
        }
    }
    Ok(AllocatedEvseIds { items, more })
}

/// The charge points of a request, locked, in its order; what is wrong with any of them is said of all.
async fn chosen(tx: &mut Tx, ids: &[ChargePointId]) -> Result<Vec<Pick>> {
    let mut found: HashMap<ChargePointId, Pick> =
        pick(tx, ids).await?.into_iter().map(|point| (point.id, point)).collect();
    let (mut picked, mut fields) = (Vec::with_capacity(ids.len()), Vec::new());
    for (at, id) in ids.iter().enumerate() {
        let wrong = match found.remove(id) {
            None => "names nothing that you may refer to",
            Some(point) if point.named => "has an EVSE-ID already",
            Some(point) if point.dismantled => "belongs to a dismantled station",
            Some(point) => {
                picked.push(point);
                continue;
            }
        };
        if fields.len() < NAMED {
            fields.push(FieldError { pointer: format!("/charge_point_ids/{at}"), message: wrong.into() });
        }
    }
    if fields.is_empty() { Ok(picked) } else { Err(Error::Invalid { fields }) }
}

diesel::define_sql_function! {
    /// Made by the migrations: the next free EVSE-IDs of a prefix.
    fn stromtor_allocate_evse_ids(chosen: SqlUuid, wanted: Integer) -> Nullable<Array<Text>>;
}

/// Takes a number for each charge point.
async fn draw(tx: &mut Tx, picked: &[Pick], prefix: Option<EvsePrefixId>) -> Result<HashMap<ChargePointId, EvseId>> {
    let prefixes = prefixes(tx, picked, prefix).await?;
    let mut by_prefix: BTreeMap<EvsePrefixId, Vec<ChargePointId>> = BTreeMap::new();
    for point in picked {
        let prefix = prefixes.get(&(point.partner_id, point.country.clone())).ok_or_else(|| {
            let message = format!(
                "neither the operator nor a partner above it has an EVSE-ID prefix of the country {}",
                point.country
            );
            Error::conflict("no_evse_prefix", message)
        })?;
        by_prefix.entry(*prefix).or_default().push(point.id);
    }
    let mut drawn = HashMap::new();
    for (prefix, points) in by_prefix {
        let wanted = i32::try_from(points.len()).map_err(Error::internal)?;
        let numbers: Option<Vec<EvseId>> = diesel::select(stromtor_allocate_evse_ids(prefix, wanted))
            .get_result(&mut **tx)
            .await
            .map_err(from_diesel)?;
        let numbers = numbers.ok_or(Error::NotFound("EVSE-ID prefix"))?;
        drawn.extend(points.into_iter().zip(numbers));
    }
    Ok(drawn)
}

#[derive(diesel::QueryableByName)]
struct Choice {
    #[diesel(sql_type = SqlUuid)]
    partner_id: PartnerId,
    #[diesel(sql_type = Text)]
    country: String,
    #[diesel(sql_type = SqlUuid)]
    id: EvsePrefixId,
}

/// The prefix for the charge points of an operator in a country: the one that is named, else the nearest above with one of
/// that country, and of those the oldest.
async fn prefixes(
    tx: &mut Tx,
    picked: &[Pick],
    named: Option<EvsePrefixId>,
) -> Result<HashMap<(PartnerId, String), EvsePrefixId>> {
    let wanted: BTreeSet<(PartnerId, String)> =
        picked.iter().map(|point| (point.partner_id, point.country.clone())).collect();
    let operators: Vec<PartnerId> = wanted.iter().map(|(operator, _)| *operator).collect();
    let Some(named) = named else {
        let countries: Vec<String> = wanted.into_iter().map(|(_, country)| country).collect();
        let found: Vec<Choice> = sql("select distinct on (w.partner_id, w.country) w.partner_id, w.country, p.id \
             from unnest($1::uuid[], $2::text[]) w(partner_id, country) \
             cross join lateral stromtor_lineage(w.partner_id) above \
             join evse_prefix p on p.partner_id = above.id and left(p.prefix, 2) = w.country \
             order by w.partner_id, w.country, above.depth, p.id")
        .bind::<Array<SqlUuid>, _>(operators)
        .bind::<Array<Text>, _>(countries)
        .load(&mut **tx)
        .await
        .map_err(from_diesel)?;
        return Ok(found.into_iter().map(|choice| ((choice.partner_id, choice.country), choice.id)).collect());
    };
    let prefix = match evse_prefix::get(tx, named).await {
        Err(Error::NotFound(_)) => {
            return Err(Error::invalid("/prefix_id", "names nothing that you may refer to"));
        }
        other => other?,
    };
    #[derive(diesel::QueryableByName)]
    struct Outside {
        #[diesel(sql_type = BigInt)]
        outside: i64,
    }
    let outside: Outside = sql("select count(*) as outside from unnest($1::uuid[]) o(id) \
         where not exists (select from stromtor_lineage(o.id) above where above.id = $2)")
    .bind::<Array<SqlUuid>, _>(operators)
    .bind::<SqlUuid, _>(prefix.partner_id)
    .get_result(&mut **tx)
    .await
    .map_err(from_diesel)?;
    if outside.outside > 0 {
        return Err(Error::invalid("/prefix_id", "belongs to a partner that is neither the operator nor above it"));
    }
    Ok(wanted.into_iter().map(|key| (key, named)).collect())
}
