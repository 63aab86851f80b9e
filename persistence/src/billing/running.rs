//! What sessions of OCPP 2.x have used so far and the prices that hold for them: what a station can show its driver.

use diesel::sql_types::{Array, Integer, Jsonb, Nullable, Numeric, Text, Timestamptz, Uuid as SqlUuid};
use rust_decimal::Decimal;
use stromtor_domain::{
    billing::usage::Usage,
    money::Kwh,
    network::station::StationId,
    session::{clock, session::SessionId},
    tariff::price::PowerPrice,
    values::CountryCode,
};

use crate::{ingest::From, resource::prelude::*};

/// A session, what it has used, and what that costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    /// Which.
    pub session_id: SessionId,
    /// At which station.
    pub station_id: StationId,
    /// The station's id of its transaction.
    pub transaction: String,
    /// The prices that held when it began.
    pub price: PowerPrice,
    /// What it has used.
    pub usage: Usage,
    /// The country whose VAT is due.
    pub country: CountryCode,
}

#[derive(diesel::QueryableByName)]
struct Row {
    #[diesel(sql_type = Integer)]
    place: i32,
    #[diesel(sql_type = SqlUuid)]
    id: SessionId,
    #[diesel(sql_type = SqlUuid)]
    station_id: StationId,
    #[diesel(sql_type = Text)]
    start_key: String,
    #[diesel(sql_type = Numeric)]
    energy_wh: Decimal,
    #[diesel(sql_type = Timestamptz)]
    started_at: Timestamp,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    ended_at: Option<Timestamp>,
    #[diesel(sql_type = Jsonb)]
    price: PowerPrice,
    #[diesel(sql_type = Text)]
    country: CountryCode,
    #[diesel(sql_type = Text)]
    time_zone: String,
}

impl Row {
    fn running(self, now: Timestamp) -> Option<Running> {
        Some(Running {
            session_id: self.id,
            station_id: self.station_id,
            transaction: self.start_key.strip_prefix("tx|")?.to_owned(),
            price: self.price,
            usage: Usage::even(
                self.started_at,
                self.time_zone.parse().ok()?,
                clock::seconds(self.started_at, self.ended_at.unwrap_or(now)),
                Kwh::round(self.energy_wh / Decimal::ONE_THOUSAND),
            ),
            country: self.country,
        })
    }
}

/// Sessions whose cost can be told: somebody pays, a tariff holds, the register at their start is known, and the station
/// shows no other currency.
const PRICED: &str = "\
    select s.id, s.station_id, s.start_key, s.energy_wh, s.started_at, s.ended_at, \
      case c.current_type when 'dc' then v.dc else v.ac end as price, l.address->>'country' as country, \
      l.time_zone \
    from session s join tariff_version v on v.id = s.tariff_version_id join charge_point c on c.id = s.charge_point_id \
      join location l on l.id = s.location_id \
    where s.token_id is not null and s.meter_start_known \
      and case c.current_type when 'dc' then v.dc else v.ac end is not null \
      and not exists (select from station_parameter p where p.station_id = s.station_id and p.attribute = 'Actual' \
        and p.name = 'TariffCostCtrlr/Currency' and p.value <> v.currency)";

/// Sessions of these transactions that have ended, by the transaction's place in the list.
pub(crate) async fn ended(tx: &mut Tx, of: &[(usize, From, &str)]) -> Result<Vec<(usize, Running)>> {
    let now = tx.now();
    let rows: Vec<Row> = sql(format!(
        "select i.place, r.* from unnest($1::int[], $2::uuid[], $3::text[]) i(place, station_id, start_key) \
         join lateral ({PRICED} and s.state <> 'active' and s.station_id = i.station_id and s.start_key = i.start_key \
           and not s.findings @> '[\"never_started\"]') r on true"
    ))
    .bind::<Array<Integer>, _>(of.iter().map(|(place, ..)| *place as i32).collect::<Vec<_>>())
    .bind::<Array<SqlUuid>, _>(of.iter().map(|(_, from, _)| from.station_id).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(of.iter().map(|(.., transaction)| format!("tx|{transaction}")).collect::<Vec<_>>())
    .load(&mut **tx)
    .await
    .map_err(from_diesel)?;
    Ok(rows.into_iter().filter_map(|row| Some((row.place as usize, row.running(now)?))).collect())
}

/// Up to `limit` running sessions of stations that are connected to `node`, behind `after`.
pub async fn list(tx: &mut Tx, node: uuid::Uuid, after: Option<SessionId>, limit: i64) -> Result<Vec<Running>> {
    let now = tx.now();
    let rows: Vec<Row> = sql(format!(
        "select 0 as place, r.* from ({PRICED} and s.state = 'active' and s.start_key like 'tx|%' \
           and ($2 is null or s.id > $2) \
           and exists (select from station_live n where n.station_id = s.station_id and n.connected and n.node = $1) \
         order by s.id limit $3) r order by r.id"
    ))
    .bind::<SqlUuid, _>(node)
    .bind::<Nullable<SqlUuid>, _>(after)
    .bind::<diesel::sql_types::BigInt, _>(limit)
    .load(&mut **tx)
    .await
    .map_err(from_diesel)?;
    Ok(rows.into_iter().filter_map(|row| row.running(now)).collect())
}
