//! Sessions and CDRs of a peer's drivers, with who charged where: two statements a page, whatever its size.

use std::collections::HashMap;

use diesel::sql_types::{Array, BigInt, Integer, Jsonb, Nullable, Numeric, Text, Timestamptz, Uuid as SqlUuid};
use serde_json::Value;
use stromtor_domain::{
    billing::cdr::{Cdr, CdrId},
    money::Kwh,
    network::{
        charge_point::ChargePointId,
        connector::{ConnectorFormat, ConnectorId, ConnectorStandard, PowerType},
        evse_id::EvseId,
        location::{Address, Coordinates, LocationId},
    },
    roaming::{drive::Drive, ocpi_peer::OcpiPeerId, place::PlaceConnector},
    session::session::{Session, SessionId},
};
use stromtor_schema::schema::{cdr, session};

use super::place::Window;
use crate::resource::prelude::*;

#[derive(diesel::QueryableByName)]
struct Found {
    #[diesel(sql_type = SqlUuid)]
    id: uuid::Uuid,
    #[diesel(sql_type = BigInt)]
    total: i64,
}

/// When a session last changed, its readings too.
const CHANGED: &str = "greatest(s.updated_at, coalesce(s.last_reading_at, s.updated_at))";

async fn found(tx: &mut Tx, query: &str, peer: OcpiPeerId, window: Window) -> Result<(Vec<uuid::Uuid>, i64)> {
    let rows: Vec<Found> = sql(query.to_owned())
        .bind::<SqlUuid, _>(peer)
        .bind::<Nullable<Timestamptz>, _>(window.from)
        .bind::<Nullable<Timestamptz>, _>(window.to)
        .bind::<BigInt, _>(window.limit)
        .bind::<BigInt, _>(window.offset)
        .load(&mut **tx)
        .await
        .map_err(from_diesel)?;
    if rows.is_empty() && window.offset > 0 {
        let first = Window { offset: 0, limit: 1, ..window };
        return Ok((Vec::new(), Box::pin(found(tx, query, peer, first)).await?.1));
    }
    let total = rows.as_slice().first().map_or(0, |row| row.total);
    Ok((rows.into_iter().map(|row| row.id).collect(), total))
}

/// Sessions of a peer's drivers at the parties that it is connected to, in the order of their creation; how many match in all.
pub async fn sessions(tx: &mut Tx, peer: OcpiPeerId, window: Window) -> Result<(Vec<(Session, Drive)>, i64)> {
    let query = format!(
        "select s.id, count(*) over () as total from ocpi_provider v join session s on s.emp_id = v.emp_id \
         join ocpi_party o on o.partner_id = s.operator_id where v.peer_id = $1 and s.token_id is not null \
           and ($2 is null or {CHANGED} >= $2) and ($3 is null or {CHANGED} < $3) order by s.id limit $4 offset $5"
    );
    let (ids, total) = found(tx, &query, peer, window).await?;
    let rows: Vec<Session> = session::table
        .filter(session::id.eq_any(&ids))
        .order(session::id)
        .select(Session::as_select())
        .load(&mut **tx)
        .await
        .map_err(from_diesel)?;
    let mut drives = drives(tx, rows.iter().map(|row| row.id).collect()).await?;
    Ok((rows.into_iter().filter_map(|row| drives.remove(&row.id).map(|drive| (row, drive))).collect(), total))
}

/// Final CDRs that a peer's providers are to pay, in the order of their creation; how many match in all.
pub async fn cdrs(tx: &mut Tx, peer: OcpiPeerId, window: Window) -> Result<(Vec<(Cdr, Drive)>, i64)> {
    let query = "select c.id, count(*) over () as total from ocpi_provider v join cdr c on c.buyer_id = v.emp_id \
         join ocpi_party o on o.partner_id = c.operator_id where v.peer_id = $1 and c.state = 'final' \
           and ($2 is null or c.created_at >= $2) and ($3 is null or c.created_at < $3) order by c.id limit $4 offset $5";
    let (ids, total) = found(tx, query, peer, window).await?;
    let ids: Vec<CdrId> = ids.into_iter().map(Into::into).collect();
    let rows: Vec<Cdr> = cdr::table
        .filter(cdr::id.eq_any(&ids))
        .order(cdr::id)
        .select(Cdr::as_select())
        .load(&mut **tx)
        .await
        .map_err(from_diesel)?;
    let drives = drives(tx, rows.iter().map(|row| row.session_id).collect()).await?;
    let with = |row: Cdr| drives.get(&row.session_id).cloned().map(|drive| (row, drive));
    Ok((rows.into_iter().filter_map(with).collect(), total))
}

#[derive(diesel::QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    session_id: SessionId,
    #[diesel(sql_type = Text)]
    country_code: String,
    #[diesel(sql_type = Text)]
    party_id: String,
    #[diesel(sql_type = Text)]
    provider_country: String,
    #[diesel(sql_type = Text)]
    provider_party: String,
    #[diesel(sql_type = Nullable<Jsonb>)]
    token: Option<Value>,
    #[diesel(sql_type = SqlUuid)]
    location_id: LocationId,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Jsonb)]
    address: Address,
    #[diesel(sql_type = Nullable<Jsonb>)]
    coordinates: Option<Coordinates>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    charge_point_id: Option<ChargePointId>,
    #[diesel(sql_type = Nullable<Text>)]
    evse_id: Option<EvseId>,
    #[diesel(sql_type = Nullable<Text>)]
    currency: Option<String>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    connector_id: Option<ConnectorId>,
    #[diesel(sql_type = Nullable<Text>)]
    standard: Option<ConnectorStandard>,
    #[diesel(sql_type = Nullable<Text>)]
    format: Option<ConnectorFormat>,
    #[diesel(sql_type = Nullable<Text>)]
    power_type: Option<PowerType>,
    #[diesel(sql_type = Nullable<Integer>)]
    max_voltage_v: Option<i32>,
    #[diesel(sql_type = Nullable<Integer>)]
    max_current_a: Option<i32>,
    #[diesel(sql_type = Nullable<Numeric>)]
    max_power_kw: Option<Kwh>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    connector_updated_at: Option<Timestamp>,
}

impl Row {
    fn connector(&self) -> Option<PlaceConnector> {
        Some(PlaceConnector {
            id: self.connector_id?,
            standard: self.standard?,
            format: self.format?,
            power_type: self.power_type?,
            max_voltage_v: self.max_voltage_v?,
            max_current_a: self.max_current_a?,
            max_power_kw: self.max_power_kw,
            last_updated: self.connector_updated_at?,
        })
    }
}

async fn drives(tx: &mut Tx, sessions: Vec<SessionId>) -> Result<HashMap<SessionId, Drive>> {
    let rows: Vec<Row> = sql("select s.id as session_id, o.country_code, o.party_id, v.country_code as provider_country, \
           v.party_id as provider_party, t.object as token, s.location_id, l.name, l.address, l.coordinates, s.charge_point_id, \
           c.evse_id, w.currency, k.id as connector_id, k.standard, k.format, k.power_type, k.max_voltage_v, k.max_current_a, \
           k.max_power_kw, k.updated_at as connector_updated_at \
         from session s join ocpi_party o on o.partner_id = s.operator_id join ocpi_provider v on v.emp_id = s.emp_id \
         join location l on l.id = s.location_id left join ocpi_token t on t.token_id = s.token_id \
         left join charge_point c on c.id = s.charge_point_id left join tariff_version w on w.id = s.tariff_version_id \
         left join connector k on k.station_id = s.station_id and k.ocpp_connector_id = s.ocpp_connector_id \
         where s.id = any($1)")
    .bind::<Array<SqlUuid>, _>(sessions)
    .load(&mut **tx)
    .await
    .map_err(from_diesel)?;
    let drive = |row: Row| {
        let drive = Drive {
            session_id: row.session_id,
            connector: row.connector(),
            party: (row.country_code, row.party_id),
            token: row.token,
            provider: (row.provider_country, row.provider_party),
            location_id: row.location_id,
            name: row.name,
            address: row.address,
            coordinates: row.coordinates,
            charge_point_id: row.charge_point_id,
            evse_id: row.evse_id,
            currency: row.currency,
        };
        (drive.session_id, drive)
    };
    Ok(rows.into_iter().map(drive).collect())
}
