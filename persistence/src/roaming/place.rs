//! What roaming partners see of locations: a few statements, whatever the number.

use std::collections::HashMap;

use diesel::sql_types::{Array, BigInt, Bool, Integer, Jsonb, Nullable, Numeric, Text, Timestamptz, Uuid as SqlUuid};
use stromtor_domain::{
    access::policy::AuthenticationType,
    money::Kwh,
    network::{
        charge_point::{ChargePointId, ChargePointStatus, CurrentType},
        connector::{ConnectorFormat, ConnectorId, ConnectorStandard, PowerType},
        evse_id::EvseId,
        location::{Address, Coordinates, EnergyMix, LocationId, OpeningHours, TimeZone},
    },
    roaming::place::{Place, PlaceConnector, PlacePoint},
    tariff::tariff::TariffId,
};

use crate::resource::prelude::*;

/// Which of them: changed in a period, of which some are left out, and no more than so many.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// Changed at or after.
    pub from: Option<Timestamp>,
    /// Changed before.
    pub to: Option<Timestamp>,
    /// How many to leave out.
    pub offset: i64,
    /// How many to give.
    pub limit: i64,
}

#[derive(diesel::QueryableByName)]
struct Found {
    #[diesel(sql_type = SqlUuid)]
    id: LocationId,
    #[diesel(sql_type = BigInt)]
    total: i64,
}

#[derive(diesel::QueryableByName)]
struct Site {
    #[diesel(sql_type = SqlUuid)]
    id: LocationId,
    #[diesel(sql_type = Text)]
    country_code: String,
    #[diesel(sql_type = Text)]
    party_id: String,
    #[diesel(sql_type = Text)]
    operator: String,
    #[diesel(sql_type = Nullable<Text>)]
    website: Option<String>,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Jsonb)]
    address: Address,
    #[diesel(sql_type = Nullable<Jsonb>)]
    coordinates: Option<Coordinates>,
    #[diesel(sql_type = Text)]
    time_zone: TimeZone,
    #[diesel(sql_type = Nullable<Jsonb>)]
    opening_hours: Option<OpeningHours>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    energy_mix: Option<EnergyMix>,
    #[diesel(sql_type = Nullable<Text>)]
    directions: Option<String>,
    #[diesel(sql_type = Timestamptz)]
    last_updated: Timestamp,
}

#[derive(diesel::QueryableByName)]
struct Point {
    #[diesel(sql_type = SqlUuid)]
    id: ChargePointId,
    #[diesel(sql_type = SqlUuid)]
    location_id: LocationId,
    #[diesel(sql_type = Nullable<Text>)]
    evse_id: Option<EvseId>,
    #[diesel(sql_type = Text)]
    code: String,
    #[diesel(sql_type = Text)]
    current_type: CurrentType,
    #[diesel(sql_type = Text)]
    status: ChargePointStatus,
    #[diesel(sql_type = Bool)]
    published: bool,
    #[diesel(sql_type = Bool)]
    show_as_poi: bool,
    #[diesel(sql_type = Array<Text>)]
    authentication_types: Vec<AuthenticationType>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    tariff_id: Option<TariffId>,
    #[diesel(sql_type = Timestamptz)]
    last_updated: Timestamp,
}

#[derive(diesel::QueryableByName)]
struct Plug {
    #[diesel(sql_type = SqlUuid)]
    id: ConnectorId,
    #[diesel(sql_type = SqlUuid)]
    charge_point_id: ChargePointId,
    #[diesel(sql_type = Text)]
    standard: ConnectorStandard,
    #[diesel(sql_type = Text)]
    format: ConnectorFormat,
    #[diesel(sql_type = Text)]
    power_type: PowerType,
    #[diesel(sql_type = Integer)]
    max_voltage_v: i32,
    #[diesel(sql_type = Integer)]
    max_current_a: i32,
    #[diesel(sql_type = Nullable<Numeric>)]
    max_power_kw: Option<Kwh>,
    #[diesel(sql_type = Timestamptz)]
    updated_at: Timestamp,
}

/// Those that the peers of a partner see, in the order of their creation; and how many match in all.
pub async fn page(tx: &mut Tx, partner_id: PartnerId, window: Window) -> Result<(Vec<Place>, i64)> {
    let now = tx.now();
    let found: Vec<Found> = sql("select id, count(*) over () as total from stromtor_ocpi_locations($1, $2) \
         where ($3 is null or last_updated >= $3) and ($4 is null or last_updated < $4) order by id limit $5 offset $6")
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
        // Behind the last page nothing says how many there are.
        None if window.offset > 0 => {
            let first = Window { offset: 0, limit: 1, ..window };
            Box::pin(page(tx, partner_id, first)).await?.1
        }
        None => 0,
    };
    let ids: Vec<LocationId> = found.into_iter().map(|row| row.id).collect();
    Ok((of(tx, partner_id, &ids).await?, total))
}

/// These locations, as far as the peers of a partner see them, in their order.
pub async fn of(tx: &mut Tx, partner_id: PartnerId, ids: &[LocationId]) -> Result<Vec<Place>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let now = tx.now();
    let sites: Vec<Site> =
        sql("select l.id, o.country_code, o.party_id, coalesce(o.name, p.name) as operator, o.website, l.name, \
           l.address, l.coordinates, l.time_zone, l.opening_hours, l.energy_mix, l.directions, s.last_updated \
         from stromtor_ocpi_locations($1, $2) s join location l on l.id = s.id join partner p on p.id = l.partner_id \
         join ocpi_party o on o.partner_id = l.partner_id where s.id = any($3) order by s.id")
        .bind::<SqlUuid, _>(partner_id)
        .bind::<Timestamptz, _>(now)
        .bind::<Array<SqlUuid>, _>(ids)
        .load(&mut **tx)
        .await
        .map_err(from_diesel)?;
    let points: Vec<Point> = sql("select c.id, c.location_id, c.evse_id, c.code, c.current_type, \
           coalesce(v.status, 'unknown') as status, p.state = 'published' as published, \
           coalesce(i.show_as_poi, false) as show_as_poi, c.authentication_types, a.tariff_id, \
           greatest(c.updated_at, p.updated_at, v.status_at, a.valid_from, \
             (select max(k.updated_at) from connector k where k.charge_point_id = c.id)) as last_updated \
         from charge_point c join roaming_publication p on p.station_id = c.station_id and p.platform = 'ocpi' \
         left join access_information i on i.station_id = c.station_id \
         left join charge_point_live v on v.charge_point_id = c.id \
         left join lateral (select a.tariff_id, a.valid_from from tariff_assignment a where a.charge_point_id = c.id \
           and a.partner_id = c.partner_id and a.cancelled_at is null and a.valid_from <= $2 \
           order by a.valid_from desc limit 1) a on true \
         where c.location_id = any($1) order by c.location_id, c.station_id, c.evse_number")
    .bind::<Array<SqlUuid>, _>(ids)
    .bind::<Timestamptz, _>(now)
    .load(&mut **tx)
    .await
    .map_err(from_diesel)?;
    let plugs: Vec<Plug> = sql("select id, charge_point_id, standard, format, power_type, max_voltage_v, max_current_a, \
           max_power_kw, updated_at from connector where charge_point_id = any($1) order by charge_point_id, ocpp_connector_id")
    .bind::<Array<SqlUuid>, _>(points.iter().map(|point| point.id).collect::<Vec<_>>())
    .load(&mut **tx)
    .await
    .map_err(from_diesel)?;
    let mut connectors: HashMap<ChargePointId, Vec<PlaceConnector>> = HashMap::new();
    for plug in plugs {
        connectors.entry(plug.charge_point_id).or_default().push(PlaceConnector {
            id: plug.id,
            standard: plug.standard,
            format: plug.format,
            power_type: plug.power_type,
            max_voltage_v: plug.max_voltage_v,
            max_current_a: plug.max_current_a,
            max_power_kw: plug.max_power_kw,
            last_updated: plug.updated_at,
        });
    }
    let mut at: HashMap<LocationId, Vec<PlacePoint>> = HashMap::new();
    for point in points {
        at.entry(point.location_id).or_default().push(PlacePoint {
            id: point.id,
            evse_id: point.evse_id,
            code: point.code,
            current_type: point.current_type,
            status: point.status,
            published: point.published,
            show_as_poi: point.show_as_poi,
            ways: point.authentication_types,
            tariff_id: point.tariff_id,
            connectors: connectors.remove(&point.id).unwrap_or_default(),
            last_updated: point.last_updated,
        });
    }
    let place = |site: Site| {
        // What lost its position since is withdrawn; it stays where the sea is.
        let nowhere = Coordinates { latitude: 0.0, longitude: 0.0 };
        Place {
            points: at.remove(&site.id).unwrap_or_default(),
            id: site.id,
            party: (site.country_code, site.party_id),
            operator: site.operator,
            website: site.website,
            name: site.name,
            address: site.address,
            coordinates: site.coordinates.unwrap_or(nowhere),
            time_zone: site.time_zone,
            opening_hours: site.opening_hours,
            energy_mix: site.energy_mix,
            directions: site.directions,
            last_updated: site.last_updated,
        }
    };
    Ok(sites.into_iter().map(place).collect())
}
