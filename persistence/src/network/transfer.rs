//! Stations by the dozen, copies of them, and their change to another operator.

use diesel::sql_types::Text;
use stromtor_domain::{
    error::FieldError,
    network::{
        charge_point::{ChargePoint, ChargePointId},
        connector::{Connector, ConnectorId},
        location::LocationId,
        station::{
            InstallationStatus, NewChargePoint, NewStation, Station, StationBatch, StationClone, StationId,
            StationInput, StationTransfer,
        },
    },
};
use stromtor_schema::schema::{
    charge_point, charge_point_group_member, charge_point_live, connector, location, session, station, station_live,
    tariff_assignment,
};

use crate::{marketing::access_information, network, product::assignment, resource::prelude::*};

/// Creates many stations with their parts, all or none. One audit entry names them all.
pub async fn create_batch(tx: &mut Tx, batch: StationBatch) -> Result<Vec<Station>> {
    batch.check()?;
    let places: Vec<LocationId> = batch.stations.iter().map(|new| new.station.location_id).collect();
    let owners: Vec<(LocationId, PartnerId)> = location::table
        .filter(location::id.eq_any(&places))
        .select((location::id, location::partner_id))
        .load(&mut **tx)
        .await
        .map_err(from_diesel)?;
    let identities: Vec<String> =
        batch.stations.iter().map(|new| new.station.ocpp_identity.as_str().to_owned()).collect();
    let taken: Vec<String> =
        diesel::select(stromtor_taken_identities(&identities)).get_result(&mut **tx).await.map_err(from_diesel)?;
    let wrong = identities.iter().enumerate().filter(|(_, identity)| taken.contains(identity));
    let fields: Vec<FieldError> = wrong
        .map(|(at, _)| FieldError {
            pointer: format!("/stations/{at}/station/ocpp_identity"),
            message: "is taken by another station".into(),
        })
        .collect();
    if !fields.is_empty() {
        return Err(Error::Invalid { fields });
    }
    admit_evse_ids(tx, &batch, &owners).await?;
    let now = tx.now();
    let (mut stations, mut points, mut connectors) = (Vec::new(), Vec::new(), Vec::new());
    let (mut live, mut points_live) = (Vec::new(), Vec::new());
    for (at, NewStation { station: input, charge_points }) in batch.stations.into_iter().enumerate() {
        let place = input.location_id;
        let owner = owners.iter().find(|(id, _)| *id == place).map(|(_, owner)| *owner).ok_or_else(|| {
            let pointer = format!("/stations/{at}/station/location_id");
            Error::invalid(pointer, "names nothing that you may refer to")
        })?;
        let id: StationId = tx.id();
        stations.push((
            station::id.eq(id),
            station::partner_id.eq(owner),
            input,
            station::created_at.eq(now),
            station::updated_at.eq(now),
        ));
        live.push((
            station_live::station_id.eq(id),
            station_live::partner_id.eq(owner),
            station_live::location_id.eq(place),
        ));
        for NewChargePoint { charge_point: input, connectors: plugs } in charge_points {
            let point: ChargePointId = tx.id();
            points.push((
                charge_point::id.eq(point),
                charge_point::partner_id.eq(owner),
                charge_point::location_id.eq(place),
                charge_point::station_id.eq(id),
                input,
                charge_point::created_at.eq(now),
                charge_point::updated_at.eq(now),
            ));
            points_live.push((
                charge_point_live::charge_point_id.eq(point),
                charge_point_live::partner_id.eq(owner),
                charge_point_live::location_id.eq(place),
                charge_point_live::station_id.eq(id),
            ));
            for input in plugs {
                connectors.push((
                    connector::id.eq(tx.id::<ConnectorId>()),
                    connector::partner_id.eq(owner),
                    connector::location_id.eq(place),
                    connector::station_id.eq(id),
                    connector::charge_point_id.eq(point),
                    input,
                    connector::created_at.eq(now),
                    connector::updated_at.eq(now),
                ));
            }
        }
    }
    let created: Vec<Station> = diesel::insert_into(station::table)
        .values(stations)
        .returning(Station::as_returning())
        .get_results(&mut **tx)
        .await
        .map_err(from_diesel)?;
    // A statement takes 65,535 parameters.
    macro_rules! insert {
        ($($table:ident: $rows:expr),+) => {$(
            let mut rows = $rows;
            while !rows.is_empty() {
                let some: Vec<_> = rows.drain(..rows.len().min(2000)).collect();
                diesel::insert_into($table::table).values(some).execute(&mut **tx).await.map_err(from_diesel)?;
            }
        )+};
    }
    insert!(station_live: live, charge_point: points, charge_point_live: points_live, connector: connectors);
    if let Some(first) = created.as_slice().first() {
        let report: Vec<_> = created.iter().map(|row| (row.id, &row.input.ocpp_identity)).collect();
        tx.audit("create_batch", "station", first.partner_id, first.id, None, Some(&serde_json::json!(report)));
    }
    for row in &created {
        changed(tx, row, row.partner_id, "create");
    }
    Ok(created)
}

/// The EVSE-IDs of new charge points must not be other partners'.
async fn admit_evse_ids(tx: &mut Tx, batch: &StationBatch, owners: &[(LocationId, PartnerId)]) -> Result<()> {
    let named = batch.stations.iter().flat_map(|new| {
        let owner = owners.iter().find(|(id, _)| *id == new.station.location_id).map(|(_, owner)| *owner);
        new.charge_points.iter().filter_map(move |point| owner.zip(point.charge_point.evse_id.as_ref()))
    });
    let named: Vec<_> = named.collect();
    network::evse_prefix::admit(tx, &named).await
}

fn changed(tx: &mut Tx, row: &Station, partner_id: PartnerId, change: &str) {
    tx.changed(EventType::StationChanged, partner_id, row.id, serde_json::json!({ "change": change }));
}

diesel::define_sql_function! {
    /// Made by the migrations: which of these identities are taken, by whomever.
    fn stromtor_taken_identities(
        identities: diesel::sql_types::Array<diesel::sql_types::Text>,
    ) -> diesel::sql_types::Array<diesel::sql_types::Text>;
}

/// Copies a station with its charge points and connectors, without what is one piece's own: serial number, EVSE-IDs, keys,
/// the caller's ids.
pub async fn clone(tx: &mut Tx, id: StationId, copy: StationClone) -> Result<Station> {
    let original = network::station::get(tx, id).await?;
    let points: Vec<ChargePoint> = charge_point::table
        .filter(charge_point::station_id.eq(id))
        .order(charge_point::evse_number)
        .select(ChargePoint::as_select())
        .load(&mut **tx)
        .await
        .map_err(from_diesel)?;
    let plugs: Vec<Connector> = connector::table
        .filter(connector::station_id.eq(id))
        .order(connector::ocpp_connector_id)
        .select(Connector::as_select())
        .load(&mut **tx)
        .await
        .map_err(from_diesel)?;
    let mut charge_points = Vec::new();
    for point in points {
        let code = format!("{}-{}", copy.ocpp_identity, point.input.evse_number);
        let mut input = point.input;
        input.code = code.try_into().map_err(|message: String| Error::invalid("/ocpp_identity", message))?;
        (input.evse_id, input.external_id, input.meter_public_key) = (None, None, None);
        let own = plugs.iter().filter(|plug| plug.charge_point_id == point.id);
        let connectors = own.map(|plug| {
            let mut input = plug.input.clone();
            input.external_id = None;
            input
        });
        charge_points.push(NewChargePoint { charge_point: input, connectors: connectors.collect() });
    }
    let station = StationInput {
        ocpp_identity: copy.ocpp_identity,
        name: copy.name,
        serial_number: None,
        installation_status: InstallationStatus::Planned,
        installed_on: None,
        external_id: None,
        // A certificate is one station's own; the copy has none yet.
        security_profile: original.input.security_profile.min(2),
        ..original.input
    };
    let batch = StationBatch { stations: vec![NewStation { station, charge_points }] };
    create_batch(tx, batch).await?.pop().ok_or_else(|| Error::internal("the copy was not made"))
}

/// Another operator takes a station over: it moves with its charge points, connectors and live state. Sessions, CDRs,
/// authorisations, notes and logs stay with the old one; tariff assignments and products end, it leaves the old one's groups, and
/// what it was offered and published as is withdrawn.
pub async fn transfer(tx: &mut Tx, id: StationId, to: StationTransfer) -> Result<Station> {
    let before = network::station::lock(tx, id, None).await?;
    if before.dismantled_at.is_some() {
        return Err(Error::conflict("station_dismantled", "a dismantled station is history and cannot be moved"));
    }
    let target = match network::location::get(tx, to.location_id).await {
        Err(Error::NotFound(_)) => {
            return Err(Error::invalid("/location_id", "names nothing that you may refer to"));
        }
        other => other?,
    };
    if target.partner_id == before.partner_id {
        return Err(Error::invalid("/location_id", "is the operator's own; change the station's location instead"));
    }
    let running: i64 = session::table
        .filter(session::station_id.eq(id).and(session::state.eq("active")))
        .count()
        .get_result(&mut **tx)
        .await
        .map_err(from_diesel)?;
    if running > 0 {
        return Err(Error::conflict("station_in_session", "a car is charging there; try again when it has ended"));
    }
    let now = tx.now();
    sql("set constraints all deferred").execute(&mut **tx).await.map_err(from_diesel)?;
    let points: Vec<ChargePointId> = charge_point::table
        .filter(charge_point::station_id.eq(id))
        .select(charge_point::id)
        .load(&mut **tx)
        .await
        .map_err(from_diesel)?;
    access_information::forget(tx, id).await?;
    assignment::end_of_station(tx, id).await?;
    let not_begun = tariff_assignment::charge_point_id
        .eq_any(&points)
        .and(tariff_assignment::cancelled_at.is_null())
        .and(tariff_assignment::valid_from.gt(now));
    diesel::update(tariff_assignment::table.filter(not_begun))
        .set(tariff_assignment::cancelled_at.eq(now))
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    diesel::delete(charge_point_group_member::table.filter(charge_point_group_member::charge_point_id.eq_any(&points)))
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    let after: Station = diesel::update(station::table.filter(station::id.eq(id)))
        .set((
            station::partner_id.eq(target.partner_id),
            station::location_id.eq(target.id),
            station::revision.eq(station::revision + 1),
            station::updated_at.eq(now),
        ))
        .returning(Station::as_returning())
        .get_result(&mut **tx)
        .await
        .map_err(from_diesel)?;
    network::connection::end(tx, id).await?;
    for table in [
        "station_live",
        "station_alias",
        "station_certificate",
        "charge_point",
        "charge_point_live",
        "connector",
        "connector_live",
    ] {
        sql(format!("update {table} set partner_id = $2::uuid, location_id = $3::uuid where station_id = $1::uuid"))
            .bind::<Text, _>(id.to_string())
            .bind::<Text, _>(target.partner_id.to_string())
            .bind::<Text, _>(target.id.to_string())
            .execute(&mut **tx)
            .await
            .map_err(from_diesel)?;
    }
    // Both sides see in their audit log that it went and came.
    tx.audit("transfer_out", "station", before.partner_id, id, Some(&before), None::<&Station>);
    tx.audit("transfer_in", "station", after.partner_id, id, None::<&Station>, Some(&after));
    changed(tx, &after, before.partner_id, "transfer_out");
    changed(tx, &after, after.partner_id, "transfer_in");
    Ok(after)
}
