//! Where it is decided whether what is wanted was bought.
//!
//! A feature needs a product as soon as a catalogue of the partner or of one above it has an active product that enables it. A
//! station then has the feature if a product of that seller with it is assigned to the station, to its operator, or to a partner
//! above; a partner has it if one is assigned to it or above. Where several sell the feature, each has its say: a partner cannot
//! give itself what the platform sells. What nobody sells needs nothing.

use diesel::sql_types::{Array, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use stromtor_domain::{
    network::{location::LocationId, station::StationId},
    product::product::Feature,
};

use crate::resource::prelude::*;

/// A feature that a station lacks.
#[derive(Debug, Clone, PartialEq, Eq, diesel::QueryableByName)]
pub struct StationLack {
    /// The station.
    #[diesel(sql_type = SqlUuid)]
    pub station_id: StationId,
    /// The feature.
    #[diesel(sql_type = Text)]
    pub feature: Feature,
    /// Codes of the products that would enable it.
    #[diesel(sql_type = Array<Text>)]
    pub products: Vec<String>,
}

/// Which of these features which of these stations in scope lack: one statement, whatever the number.
pub async fn lacks(tx: &mut Tx, ids: &[StationId], features: &[Feature]) -> Result<Vec<StationLack>> {
    sql("select station_id, feature, products from stromtor_stations_lack( \
           array(select id from station where id = any($1)), $2, $3) order by station_id, feature")
    .bind::<Array<SqlUuid>, _>(ids)
    .bind::<Array<Text>, _>(features)
    .bind::<Timestamptz, _>(tx.now())
    .load(&mut **tx)
    .await
    .map_err(from_diesel)
}

/// Refused where one of these stations in scope lacks the feature.
pub async fn require(tx: &mut Tx, ids: &[StationId], feature: Feature) -> Result<()> {
    match lacks(tx, ids, &[feature]).await?.into_iter().next() {
        Some(lack) => Err(needed(feature, lack.products)),
        None => Ok(()),
    }
}

#[derive(diesel::QueryableByName)]
struct Products {
    #[diesel(sql_type = Array<Text>)]
    products: Vec<String>,
}

/// Refused where a partner lacks the feature.
pub async fn require_partner(tx: &mut Tx, id: PartnerId, feature: Feature) -> Result<()> {
    let lacks: Vec<Products> =
        sql("select products from stromtor_partners_lack(array[$1], array[$2], $3) order by products")
            .bind::<SqlUuid, _>(id)
            .bind::<Text, _>(feature)
            .bind::<Timestamptz, _>(tx.now())
            .load(&mut **tx)
            .await
            .map_err(from_diesel)?;
    if lacks.is_empty() {
        return Ok(());
    }
    Err(needed(feature, lacks.into_iter().flat_map(|lack| lack.products).collect()))
}

const fn needed(feature: Feature, products: Vec<String>) -> Error {
    Error::ProductNeeded { feature, products, fields: Vec::new() }
}

#[derive(diesel::QueryableByName)]
struct Lacking {
    #[diesel(sql_type = SqlUuid)]
    station_id: StationId,
}

/// The stations in scope that lack the feature, of this partner, at this location: what a list over many stations leaves out.
pub async fn lacking(
    tx: &mut Tx,
    partner_id: Option<PartnerId>,
    location_id: Option<LocationId>,
    feature: Feature,
) -> Result<Vec<StationId>> {
    // Where nobody sells it, no station is looked at.
    let rows: Vec<Lacking> = sql("select station_id from stromtor_stations_lack(array(select id from station \
           where ($1 is null or partner_id = $1) and ($2 is null or location_id = $2) \
             and exists (select from product where state = 'active' and $3 = any(enables))), array[$3], $4)")
    .bind::<Nullable<SqlUuid>, _>(partner_id)
    .bind::<Nullable<SqlUuid>, _>(location_id)
    .bind::<Text, _>(feature)
    .bind::<Timestamptz, _>(tx.now())
    .load(&mut **tx)
    .await
    .map_err(from_diesel)?;
    Ok(rows.into_iter().map(|row| row.station_id).collect())
}
