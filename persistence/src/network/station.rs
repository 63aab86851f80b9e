//! Stations.

use stromtor_domain::network::{
    location::LocationId,
    station::{InstallationStatus, Station, StationId, StationInput, StationLive},
};
use stromtor_schema::schema::{
    access_information, charge_point, charge_point_live, connector, connector_live, note, product_assignment,
    roaming_publication, station, station_alias, station_certificate, station_live,
};

use crate::{
    network::{connection, location},
    resource::{Owned as _, prelude::*},
};

resource!(station: Station, StationInput, StationId, "station", event EventType::StationChanged);

/// What a list of stations may be narrowed by.
#[derive(Debug, Clone, Default)]
pub struct StationFilter {
    /// Of this partner alone.
    pub partner_id: Option<PartnerId>,
    /// At this location.
    pub location_id: Option<LocationId>,
    /// With this OCPP identity.
    pub ocpp_identity: Option<String>,
    /// With this installation status.
    pub installation_status: Option<InstallationStatus>,
    /// With this id of the caller's.
    pub external_id: Option<String>,
    /// Changed at or after.
    pub updated_since: Option<Timestamp>,
}

listing!(StationFilter => Station);

/// One page, oldest first.
pub async fn list(tx: &mut Tx, filter: &StationFilter, page: &PageRequest) -> Result<Page<Station>> {
    let limit = page.limit()?;
    let mut query = station::table.select(Station::as_select()).order(station::id).into_boxed();
    if let Some(after) = page.after::<StationId>()? {
        query = query.filter(station::id.gt(after));
    }
    if let Some(partner_id) = filter.partner_id {
        query = query.filter(station::partner_id.eq(partner_id));
    }
    if let Some(location_id) = filter.location_id {
        query = query.filter(station::location_id.eq(location_id));
    }
    if let Some(identity) = &filter.ocpp_identity {
        query = query.filter(station::ocpp_identity.eq(identity));
    }
    if let Some(status) = filter.installation_status {
        query = query.filter(station::installation_status.eq(status));
    }
    if let Some(external_id) = &filter.external_id {
        query = query.filter(station::external_id.eq(external_id));
    }
    if let Some(since) = filter.updated_since {
        query = query.filter(station::updated_at.ge(since));
    }
    let rows = query.limit(limit as i64 + 1).load(&mut **tx).await.map_err(from_diesel)?;
    Ok(Page::cut(rows, limit, |row: &Station| row.id))
}

/// Creates a station; it belongs to its location's operator.
pub async fn create(tx: &mut Tx, input: StationInput) -> Result<Station> {
    input.check()?;
    let at = location_of(tx, input.location_id).await?;
    let (id, now): (StationId, _) = (tx.id(), tx.now());
    let location_id = input.location_id;
    let created: Station = diesel::insert_into(station::table)
        .values((
            station::id.eq(id),
            station::partner_id.eq(at),
            input,
            station::created_at.eq(now),
            station::updated_at.eq(now),
        ))
        .returning(Station::as_returning())
        .get_result(&mut **tx)
        .await
        .map_err(from_diesel)?;
    diesel::insert_into(station_live::table)
        .values((
            station_live::station_id.eq(id),
            station_live::partner_id.eq(at),
            station_live::location_id.eq(location_id),
        ))
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    note(tx, "create", None, Some(&created));
    Ok(created)
}

/// The operator of a location in scope.
async fn location_of(tx: &mut Tx, id: LocationId) -> Result<PartnerId> {
    match location::get(tx, id).await {
        Ok(location) => Ok(location.partner_id),
        Err(Error::NotFound(_)) => Err(Error::invalid("/location_id", "names nothing that you may refer to")),
        Err(error) => Err(error),
    }
}

/// Like `update`, and moves the parts along when the location changes. The new location must be the operator's own.
pub async fn change(
    tx: &mut Tx,
    id: StationId,
    revision: Option<i64>,
    change: impl FnOnce(&StationInput) -> Result<StationInput> + Send,
) -> Result<Station> {
    let before = lock(tx, id, revision).await?;
    if before.dismantled_at.is_some() {
        return Err(Error::conflict("station_dismantled", "a dismantled station is history and cannot be changed"));
    }
    let input = change(&before.input)?;
    if input.location_id != before.input.location_id && location_of(tx, input.location_id).await? != before.partner_id {
        return Err(Error::invalid("/location_id", "belongs to another operator"));
    }
    if input.security_profile < before.input.security_profile {
        let message = "a station's security profile only rises; reset it when its controller was exchanged";
        return Err(Error::conflict("security_profile_lowered", message));
    }
    let after = update(tx, id, None, |_| Ok(input)).await?;
    let (was, is) = (&before.input, &after.input);
    if (was.location_id, &was.ocpp_identity, &was.ocpp_settings, was.security_profile, &was.tolerances)
        != (is.location_id, &is.ocpp_identity, &is.ocpp_settings, is.security_profile, &is.tolerances)
    {
        connection::end(tx, id).await?;
    }
    let to = after.input.location_id;
    if to != before.input.location_id {
        macro_rules! move_along {
            ($($table:ident),+) => {$(
                diesel::update($table::table.filter($table::station_id.eq(id)))
                    .set($table::location_id.eq(to))
                    .execute(&mut **tx)
                    .await
                    .map_err(from_diesel)?;
            )+};
        }
        move_along!(
            access_information,
            roaming_publication,
            station_live,
            station_alias,
            station_certificate,
            charge_point,
            charge_point_live,
            connector,
            connector_live,
            note,
            product_assignment
        );
        sql("update charge_point_group_member m set location_id = $2 from charge_point c \
             where c.id = m.charge_point_id and c.station_id = $1")
        .bind::<diesel::sql_types::Uuid, _>(id)
        .bind::<diesel::sql_types::Uuid, _>(to)
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    }
    Ok(after)
}

/// Takes a station out of service for good. Its history stays; it can connect no more.
pub async fn dismantle(tx: &mut Tx, id: StationId) -> Result<Station> {
    let before = lock(tx, id, None).await?;
    if before.dismantled_at.is_some() {
        return Err(Error::conflict("station_dismantled", "the station is dismantled already"));
    }
    let after: Station = diesel::update(station::table.filter(station::id.eq(id)))
        .set((
            station::installation_status.eq(InstallationStatus::Dismantled),
            station::dismantled_at.eq(tx.now()),
            station::password_hmac.eq(None::<Vec<u8>>),
            station::next_password_hmac.eq(None::<Vec<u8>>),
            station::revision.eq(station::revision + 1),
            station::updated_at.eq(tx.now()),
        ))
        .returning(Station::as_returning())
        .get_result(&mut **tx)
        .await
        .map_err(from_diesel)?;
    connection::end(tx, id).await?;
    note(tx, "dismantle", Some(&before), Some(&after));
    Ok(after)
}

/// Keeps the fingerprint of a new password.
pub async fn set_password(tx: &mut Tx, id: StationId, hmac: Vec<u8>) -> Result<Station> {
    let before = lock(tx, id, None).await?;
    if before.dismantled_at.is_some() {
        return Err(Error::conflict("station_dismantled", "a dismantled station cannot connect"));
    }
    let after: Station = diesel::update(station::table.filter(station::id.eq(id)))
        .set((
            station::password_hmac.eq(hmac),
            station::next_password_hmac.eq(None::<Vec<u8>>),
            station::next_password_command_id.eq(None::<uuid::Uuid>),
            station::revision.eq(station::revision + 1),
            station::updated_at.eq(tx.now()),
        ))
        .returning(Station::as_returning())
        .get_result(&mut **tx)
        .await
        .map_err(from_diesel)?;
    connection::end(tx, id).await?;
    note(tx, "set_password", Some(&before), Some(&after));
    Ok(after)
}

/// Its connection and what it says of itself.
pub async fn live(tx: &mut Tx, id: StationId) -> Result<StationLive> {
    station_live::table
        .filter(station_live::station_id.eq(id))
        .select(StationLive::as_select())
        .first(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)?
        .ok_or(Error::NotFound("station"))
}
