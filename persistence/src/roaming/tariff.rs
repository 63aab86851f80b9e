//! The tariffs that roaming partners see: those that hold, or will, at charge points that are published.

use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use stromtor_domain::tariff::tariff::{TariffVersion, TariffVersionId};
use stromtor_schema::schema::tariff_version;

use super::place::Window;
use crate::resource::prelude::*;

/// A tariff's version that holds now, for one kind of current, of one party.
#[derive(Debug, Clone, PartialEq)]
pub struct SeenTariff {
    /// The operator in OCPI: country and party.
    pub party: (String, String),
    /// The version.
    pub version: TariffVersion,
    /// Whether it is for DC; else for AC.
    pub dc: bool,
}

#[derive(diesel::QueryableByName)]
struct Found {
    #[diesel(sql_type = SqlUuid)]
    version_id: TariffVersionId,
    #[diesel(sql_type = Text)]
    current_type: String,
    #[diesel(sql_type = Text)]
    country_code: String,
    #[diesel(sql_type = Text)]
    party_id: String,
    #[diesel(sql_type = BigInt)]
    total: i64,
}

/// Those that the peers of a partner see, in the order of their creation; and how many match in all.
pub async fn page(tx: &mut Tx, partner_id: PartnerId, window: Window) -> Result<(Vec<SeenTariff>, i64)> {
    let now = tx.now();
    let found: Vec<Found> = sql("with recursive down as (select id from partner where id = $1 \
           union all select p.id from partner p join down on p.parent_id = down.id), \
         used as (select distinct o.country_code, o.party_id, a.tariff_id, c.current_type \
           from down join ocpi_party o on o.partner_id = down.id \
           join roaming_publication p on p.partner_id = down.id and p.platform = 'ocpi' and p.state = 'published' \
           join charge_point c on c.station_id = p.station_id \
           join tariff_assignment a on a.charge_point_id = c.id and a.partner_id = c.partner_id and a.cancelled_at is null \
           where a.valid_from > $2 or a.valid_from = (select max(b.valid_from) from tariff_assignment b \
             where b.charge_point_id = c.id and b.partner_id = c.partner_id and b.cancelled_at is null and b.valid_from <= $2)) \
         select v.id as version_id, u.current_type, u.country_code, u.party_id, count(*) over () as total \
         from used u cross join lateral (select v.id, v.created_at from tariff_version v where v.tariff_id = u.tariff_id \
           and case u.current_type when 'dc' then v.dc is not null else v.ac is not null end \
           order by v.version desc limit 1) v \
         where ($3 is null or v.created_at >= $3) and ($4 is null or v.created_at < $4) \
         order by u.tariff_id, u.current_type, u.country_code, u.party_id limit $5 offset $6")
    .bind::<SqlUuid, _>(partner_id)
    .bind::<Timestamptz, _>(now)
    .bind::<Nullable<Timestamptz>, _>(window.from)
    .bind::<Nullable<Timestamptz>, _>(window.to)
    .bind::<BigInt, _>(window.limit)
    .bind::<BigInt, _>(window.offset)
    .load(&mut **tx)
    .await
    .map_err(from_diesel)?;
    let total = match found.as_slice().first() {
        Some(one) => one.total,
        None if window.offset > 0 => {
            let first = Window { offset: 0, limit: 1, ..window };
            Box::pin(page(tx, partner_id, first)).await?.1
        }
        None => 0,
    };
    let versions: Vec<TariffVersion> = tariff_version::table
        .filter(tariff_version::id.eq_any(found.iter().map(|row| row.version_id)))
        .select(TariffVersion::as_select())
        .load(&mut **tx)
        .await
        .map_err(from_diesel)?;
    let seen = found.into_iter().filter_map(|row| {
        let version = versions.iter().find(|version| version.id == row.version_id)?.clone();
        Some(SeenTariff { party: (row.country_code, row.party_id), version, dc: row.current_type == "dc" })
    });
    Ok((seen.collect(), total))
}
