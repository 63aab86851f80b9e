//! What the rule of `domain::tariff::notice` is judged on: the tariffs that held in the last 30 days.

use std::collections::HashMap;

use diesel::sql_types::{Array, Timestamptz, Uuid as SqlUuid};
use stromtor_domain::{
    network::charge_point::{ChargePoint, CurrentType},
    tariff::{
        notice::{self, Dearer},
        price::PowerPrice,
        tariff::{Tariff, TariffVersion, TariffVersionId},
    },
};
use stromtor_schema::schema::tariff_version;
use uuid::Uuid;

use crate::resource::prelude::*;

/// Behind a CTE `chosen(id, partner_id)`: `basis(charge_point_id, versions)`, every version that held at a charge point between
/// `$3` and `$2`. The first version of a tariff holds from ever, as it does for sessions (`ingest::start`).
pub(super) const BASIS: &str = "\
    held as ( \
      select a.charge_point_id, a.tariff_id, a.valid_from as begins, \
        coalesce(lead(a.valid_from) over (partition by a.charge_point_id order by a.valid_from), 'infinity') as ends \
      from tariff_assignment a join chosen c on c.id = a.charge_point_id and c.partner_id = a.partner_id \
      where a.cancelled_at is null), \
    known as ( \
      select v.id, v.tariff_id, case when v.version = 1 then '-infinity' else v.created_at end as begins, \
        coalesce(lead(v.created_at) over (partition by v.tariff_id order by v.version), 'infinity') as ends \
      from tariff_version v where v.tariff_id in (select h.tariff_id from held h)), \
    basis as ( \
      select h.charge_point_id, array_agg(distinct k.id order by k.id) as versions \
      from held h join known k on k.tariff_id = h.tariff_id \
      where h.begins <= $2 and h.ends > $3 and k.begins <= least(h.ends, $2) and k.ends > greatest(h.begins, $3) \
      group by h.charge_point_id)";

/// Versions by their ids.
pub(super) async fn versions(tx: &mut Tx, ids: &[Uuid]) -> Result<HashMap<Uuid, TariffVersion>> {
    let ids: Vec<TariffVersionId> = ids.iter().copied().map(TariffVersionId).collect();
    let found: Vec<TariffVersion> = tariff_version::table
        .filter(tariff_version::id.eq_any(ids))
        .select(TariffVersion::as_select())
        .load(&mut **tx)
        .await
        .map_err(from_diesel)?;
    Ok(found.into_iter().map(|version| (version.id.0, version)).collect())
}

/// A tariff that is not dearer, or late enough.
pub(super) fn refuse(dearer: &[Dearer], now: Timestamp) -> Result<()> {
    let Some(worst) = dearer.first() else { return Ok(()) };
    let figure = |amount: Option<String>| amount.unwrap_or_else(|| "none".into());
    let percent = worst.percent.map_or_else(String::new, |percent| format!(", {percent} %"));
    Err(Error::conflict(
        "notice_too_short",
        format!(
            "dearer by more than 7 % than the dearest of the last 30 days ({}: {} before, {} after{percent}); with 30 days' \
             notice it may hold from {} on",
            worst.compared.as_str(),
            worst.before,
            figure(worst.after.map(|amount| amount.to_string())),
            now + notice::NOTICE,
        ),
    ))
}

#[derive(diesel::QueryableByName)]
struct Basis {
    #[diesel(sql_type = Array<SqlUuid>)]
    versions: Vec<Uuid>,
}

/// Whether a tariff may hold at a charge point from then on.
pub(super) async fn check(tx: &mut Tx, point: &ChargePoint, tariff: &Tariff, valid_from: Timestamp) -> Result<()> {
    let now = tx.now();
    let rows: Vec<Basis> = sql(format!(
        "with chosen as (select c.id, c.partner_id from charge_point c where c.id = $1), {BASIS} select versions from basis"
    ))
    .bind::<SqlUuid, _>(point.id)
    .bind::<Timestamptz, _>(now)
    .bind::<Timestamptz, _>(now - notice::NOTICE)
    .load(&mut **tx)
    .await
    .map_err(from_diesel)?;
    let Some(basis) = rows.into_iter().next() else { return Ok(()) };
    let before = versions(tx, &basis.versions).await?;
    if before.values().any(|version| version.currency != tariff.input.currency) {
        return Err(Error::conflict("currency_mismatch", "a tariff of the last 30 days is in another currency"));
    }
    let current = point.input.current_type;
    let Some(price) = of(tariff, current) else { return Ok(()) };
    if valid_from >= now + notice::NOTICE {
        return Ok(());
    }
    let before: Vec<&PowerPrice> = before.values().filter_map(|version| version.price(current)).collect();
    refuse(&notice::dearer(current, price, &before), now)
}

/// Whether an assigned tariff may cost this from now on: its new prices hold at once wherever it does.
pub(super) async fn check_change(tx: &mut Tx, before: &Tariff, after: &Tariff) -> Result<()> {
    let now = tx.now();
    let assigned: bool = diesel::select(diesel::dsl::exists(
        stromtor_schema::schema::tariff_assignment::table.filter(
            stromtor_schema::schema::tariff_assignment::tariff_id
                .eq(before.id)
                .and(stromtor_schema::schema::tariff_assignment::cancelled_at.is_null())
                .and(stromtor_schema::schema::tariff_assignment::valid_from.lt(now + notice::NOTICE)),
        ),
    ))
    .get_result(&mut **tx)
    .await
    .map_err(from_diesel)?;
    if !assigned {
        return Ok(());
    }
    // What held at some time in the last 30 days: the version of now, and those that ended since.
    let found: Vec<TariffVersion> = tariff_version::table
        .filter(tariff_version::tariff_id.eq(before.id))
        .order(tariff_version::version.desc())
        .limit(1000)
        .select(TariffVersion::as_select())
        .load(&mut **tx)
        .await
        .map_err(from_diesel)?;
    let since = now - notice::NOTICE;
    let still = found.iter().take_while(|version| version.created_at > since).count();
    for current in [CurrentType::Ac, CurrentType::Dc] {
        let Some(price) = of(after, current) else { continue };
        let held: Vec<&PowerPrice> =
            found.iter().take(still + 1).filter_map(|version| version.price(current)).collect();
        refuse(&notice::dearer(current, price, &held), now)?;
    }
    Ok(())
}

/// A tariff's price for a kind of current.
pub(super) const fn of(tariff: &Tariff, current: CurrentType) -> Option<&PowerPrice> {
    match current {
        CurrentType::Ac => tariff.input.ac.as_ref(),
        CurrentType::Dc => tariff.input.dc.as_ref(),
    }
}
