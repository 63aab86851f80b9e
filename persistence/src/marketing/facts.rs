//! What is known of stations that are to be published: three statements, whatever the number.

use std::collections::HashMap;

use diesel::sql_types::{Array, Bool, Nullable, Text, Uuid as SqlUuid};
use stromtor_domain::{
    access::policy::AuthenticationType,
    marketing::readiness::{Lack, PointFacts, StationFacts},
    network::{charge_point::ChargePointId, location::LocationId, station::StationId},
    product::product::Feature,
};

use crate::{product::needs, resource::prelude::*};

/// What is switched on and may have to be bought.
const BOUGHT: [Feature; 4] = [Feature::Marketing, Feature::Roaming, Feature::DirectPayment, Feature::RoamingPlus];

#[derive(diesel::QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: StationId,
    #[diesel(sql_type = SqlUuid)]
    partner_id: PartnerId,
    #[diesel(sql_type = SqlUuid)]
    location_id: LocationId,
    #[diesel(sql_type = Bool)]
    dismantled: bool,
    #[diesel(sql_type = Nullable<Text>)]
    street: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    town: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    postcode: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    country: Option<String>,
    #[diesel(sql_type = Bool)]
    coordinates: bool,
    #[diesel(sql_type = Bool)]
    hotline: bool,
}

#[derive(diesel::QueryableByName)]
struct Point {
    #[diesel(sql_type = SqlUuid)]
    station_id: StationId,
    #[diesel(sql_type = SqlUuid)]
    id: ChargePointId,
    #[diesel(sql_type = Text)]
    code: String,
    #[diesel(sql_type = Bool)]
    evse_id: bool,
    #[diesel(sql_type = Array<Text>)]
    authentication_types: Vec<AuthenticationType>,
    #[diesel(sql_type = Bool)]
    connector: bool,
}

/// The facts of each station in scope.
pub async fn of(tx: &mut Tx, ids: &[StationId]) -> Result<HashMap<StationId, StationFacts>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<Row> =
        sql("select s.id, s.partner_id, s.location_id, s.installation_status = 'dismantled' as dismantled, \
           l.address->>'street' as street, l.address->>'city' as town, l.address->>'postal_code' as postcode, \
           l.address->>'country' as country, l.coordinates is not null as coordinates, \
           coalesce(l.hotline, p.hotline) is not null as hotline \
         from station s join location l on l.id = s.location_id join partner p on p.id = s.partner_id \
         where s.id = any($1)")
        .bind::<Array<SqlUuid>, _>(ids)
        .load(&mut **tx)
        .await
        .map_err(from_diesel)?;
    let points: Vec<Point> =
        sql("select c.station_id, c.id, c.code, c.evse_id is not null as evse_id, c.authentication_types, \
           exists (select from connector n where n.charge_point_id = c.id) as connector \
         from charge_point c where c.station_id = any($1) order by c.station_id, c.evse_number")
        .bind::<Array<SqlUuid>, _>(ids)
        .load(&mut **tx)
        .await
        .map_err(from_diesel)?;
    let mut facts: HashMap<StationId, StationFacts> = rows
        .into_iter()
        .map(|row| {
            let facts = StationFacts {
                station_id: row.id,
                location_id: row.location_id,
                partner_id: row.partner_id,
                dismantled: row.dismantled,
                street: row.street,
                town: row.town,
                postcode: row.postcode,
                country: row.country,
                coordinates: row.coordinates,
                hotline: row.hotline,
                points: Vec::new(),
                lacks: Vec::new(),
            };
            (row.id, facts)
        })
        .collect();
    for point in points {
        if let Some(station) = facts.get_mut(&point.station_id) {
            station.points.push(PointFacts {
                id: point.id,
                code: point.code,
                evse_id: point.evse_id,
                authentication_types: point.authentication_types,
                connector: point.connector,
            });
        }
    }
    for lack in needs::lacks(tx, ids, &BOUGHT).await? {
        if let Some(station) = facts.get_mut(&lack.station_id) {
            station.lacks.push(Lack { feature: lack.feature, products: lack.products });
        }
    }
    Ok(facts)
}

/// The facts of one station in scope.
pub async fn of_one(tx: &mut Tx, id: StationId) -> Result<StationFacts> {
    of(tx, &[id]).await?.remove(&id).ok_or(Error::NotFound("station"))
}
