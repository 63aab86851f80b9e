//! Stations over REST.

use poem::Request;
use poem_openapi::{
    Object, OpenApi,
    param::{Header, Path, Query},
};
use serde::Serialize;
use stromtor_domain::{
    Error, Timestamp,
    actor::{Actor, Permission},
    network::{
        location::LocationId,
        station::{
            InstallationStatus, OcppSettings, Station, StationAdoption, StationBatch, StationClone, StationId,
            StationInput, StationLive, StationPassword, StationTransfer,
        },
        tolerance::Tolerances,
    },
    page::PageRequest,
    patch::Patch,
    tenancy::partner::PartnerId,
    values::Metadata,
};
use stromtor_persistence::{
    marketing::publication,
    network::{
        connection,
        station::{self, StationFilter},
        transfer, unknown_station,
    },
};

use crate::{
    auth::Auth,
    list::{Listed, list},
    problem::Answer,
    respond::{Body, Created, Done, Found, if_match},
    routes::Tag,
    state::App,
};

/// The stations of a batch.
#[derive(Debug, Clone, Serialize, Object)]
struct StationsCreated {
    /// In the order they were sent.
    stations: Vec<Station>,
}

/// Operations on stations.
pub struct StationApi(pub App);

#[OpenApi(prefix_path = "/v1/stations", tag = "Tag::Stations")]
impl StationApi {
    /// List stations
    ///
    /// Every station in your scope, oldest first, a page at a time.
    ///
    /// Permission: `station:read`
    #[oai(path = "/", method = "get", operation_id = "station_list")]
    async fn list(
        &self,
        request: &Request,
        Auth(actor): Auth,
        /// Of this partner alone.
        partner_id: Query<Option<PartnerId>>,
        /// At this location.
        location_id: Query<Option<LocationId>>,
        /// With this OCPP identity.
        ocpp_identity: Query<Option<String>>,
        /// With this installation status.
        installation_status: Query<Option<InstallationStatus>>,
        /// With this id of yours.
        external_id: Query<Option<String>>,
        /// Changed at or after this time.
        updated_since: Query<Option<Timestamp>>,
        /// Items per page, 1 to 500; 50 when absent.
        limit: Query<Option<u32>>,
        /// Where to go on: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<Station>> {
        let filter = StationFilter {
            partner_id: partner_id.0,
            location_id: location_id.0,
            ocpp_identity: ocpp_identity.0,
            installation_status: installation_status.0,
            external_id: external_id.0,
            updated_since: updated_since.0,
        };
        list(
            &self.0,
            request,
            &actor,
            Permission::StationRead,
            filter,
            PageRequest { limit: limit.0, cursor: cursor.0 },
        )
        .await
    }

    /// Create a station
    ///
    /// It belongs to its location's operator. To let it connect, set a password.
    ///
    /// Permission: `station:write`
    #[oai(path = "/", method = "post", operation_id = "station_create")]
    async fn create(&self, Auth(actor): Auth, Body(input): Body<StationInput>) -> Answer<Created<Station>> {
        let mut tx = self.0.begin(&actor, Permission::StationWrite).await?;
        let created = station::create(&mut tx, input).await?;
        tx.commit().await?;
        Ok(Created::at(format!("/v1/stations/{}", created.id), created.clone(), created.revision))
    }

    /// Create many stations
    ///
    /// Up to 1,000 with their charge points and connectors, all or none. A wrong one is named by its place.
    ///
    /// Permission: `station:write`
    #[oai(path = "/batch", method = "post", operation_id = "station_create_batch")]
    async fn create_batch(&self, Auth(actor): Auth, Body(batch): Body<StationBatch>) -> Answer<Found<StationsCreated>> {
        let mut tx = self.0.begin(&actor, Permission::StationWrite).await?;
        let stations = transfer::create_batch(&mut tx, batch).await?;
        tx.commit().await?;
        Ok(Found::plain(StationsCreated { stations }))
    }

    /// Adopt a station
    ///
    /// One that has tried to connect, by its exact identity (404 otherwise). It becomes a station of the location's operator
    /// and may connect once it has a password.
    ///
    /// Permission: `station:write`
    #[oai(path = "/adopt", method = "post", operation_id = "station_adopt")]
    async fn adopt(&self, Auth(actor): Auth, Body(adoption): Body<StationAdoption>) -> Answer<Created<Station>> {
        let mut tx = self.0.begin(&actor, Permission::StationWrite).await?;
        let input = StationInput {
            location_id: adoption.location_id,
            ocpp_identity: adoption.ocpp_identity,
            name: adoption.name,
            model_id: None,
            serial_number: None,
            installation_status: InstallationStatus::Installed,
            installed_on: None,
            attributes: Metadata::default(),
            ocpp_settings: OcppSettings::default(),
            tolerances: Tolerances::default(),
            security_profile: StationInput::USUAL_PROFILE,
            external_id: None,
            metadata: Metadata::default(),
        };
        if !unknown_station::adopt(&mut tx, input.ocpp_identity.as_str()).await? {
            return Err(Error::NotFound("unknown station").into());
        }
        let created = station::create(&mut tx, input).await?;
        tx.commit().await?;
        Ok(Created::at(format!("/v1/stations/{}", created.id), created.clone(), created.revision))
    }

    /// Clone a station
    ///
    /// A copy with the same charge points and connectors, without what is one piece's own: serial number, EVSE-IDs, keys, your
    /// ids. It is `planned`.
    ///
    /// Permission: `station:write`
    #[oai(path = "/:station_id/clone", method = "post", operation_id = "station_clone")]
    async fn copy(
        &self,
        Auth(actor): Auth,
        station_id: Path<StationId>,
        Body(copy): Body<StationClone>,
    ) -> Answer<Created<Station>> {
        let mut tx = self.0.begin(&actor, Permission::StationWrite).await?;
        let created = transfer::clone(&mut tx, station_id.0, copy).await?;
        tx.commit().await?;
        Ok(Created::at(format!("/v1/stations/{}", created.id), created.clone(), created.revision))
    }

    /// Change a station's operator
    ///
    /// It moves to another operator's location with its charge points, connectors and live state. Sessions, CDRs,
    /// authorisations, notes and logs stay with the old operator; tariff assignments and products end. Refused while a car charges
    /// (`station_in_session`). Its connection is closed and comes back under the new operator; set a new password.
    ///
    /// Permission: `station:transfer`
    #[oai(path = "/:station_id/transfer", method = "post", operation_id = "station_transfer")]
    async fn transfer(
        &self,
        Auth(actor): Auth,
        station_id: Path<StationId>,
        Body(to): Body<StationTransfer>,
    ) -> Answer<Found<Station>> {
        let mut tx = self.0.begin(&actor, Permission::StationTransfer).await?;
        let moved = transfer::transfer(&mut tx, station_id.0, to).await?;
        tx.commit().await?;
        let revision = moved.revision;
        Ok(Found::versioned(moved, revision))
    }

    /// Read a station
    ///
    /// Permission: `station:read`
    #[oai(path = "/:station_id", method = "get", operation_id = "station_get")]
    async fn get(&self, Auth(actor): Auth, station_id: Path<StationId>) -> Answer<Found<Station>> {
        let mut tx = self.0.begin(&actor, Permission::StationRead).await?;
        let found = station::get(&mut tx, station_id.0).await?;
        tx.commit().await?;
        let revision = found.revision;
        Ok(Found::versioned(found, revision))
    }

    /// Replace a station
    ///
    /// What is absent from the body is cleared.
    ///
    /// Permission: `station:write`
    #[oai(path = "/:station_id", method = "put", operation_id = "station_replace")]
    async fn replace(
        &self,
        Auth(actor): Auth,
        station_id: Path<StationId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
        Body(input): Body<StationInput>,
    ) -> Answer<Found<Station>> {
        self.change(&actor, station_id.0, if_match_header.0, move |_| Ok(input)).await
    }

    /// Change a station
    ///
    /// Merge patch (RFC 7396).
    ///
    /// Permission: `station:write`
    #[oai(path = "/:station_id", method = "patch", operation_id = "station_patch")]
    async fn patch(
        &self,
        Auth(actor): Auth,
        station_id: Path<StationId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
        Body(patch): Body<Patch<StationInput>>,
    ) -> Answer<Found<Station>> {
        self.change(&actor, station_id.0, if_match_header.0, move |current| patch.apply(current)).await
    }

    /// Delete a station
    ///
    /// For one that was made by mistake: refused with `in_use` while it has charge points. See dismantling.
    ///
    /// Permission: `station:write`
    #[oai(path = "/:station_id", method = "delete", operation_id = "station_delete")]
    async fn delete(
        &self,
        Auth(actor): Auth,
        station_id: Path<StationId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
    ) -> Answer<Done> {
        let mut tx = self.0.begin(&actor, Permission::StationWrite).await?;
        connection::end(&mut tx, station_id.0).await?;
        publication::end(&mut tx, station_id.0).await?;
        station::delete(&mut tx, station_id.0, if_match(if_match_header.0)?).await?;
        tx.commit().await?;
        Ok(Done::NoContent)
    }

    /// Dismantle a station
    ///
    /// Out of service for good: its password ends, it is changed no more, its history stays.
    ///
    /// Permission: `station:write`
    #[oai(path = "/:station_id/dismantle", method = "post", operation_id = "station_dismantle")]
    async fn dismantle(&self, Auth(actor): Auth, station_id: Path<StationId>) -> Answer<Found<Station>> {
        let mut tx = self.0.begin(&actor, Permission::StationWrite).await?;
        let changed = station::dismantle(&mut tx, station_id.0).await?;
        tx.commit().await?;
        let revision = changed.revision;
        Ok(Found::versioned(changed, revision))
    }

    /// Set a station's password
    ///
    /// A random password for Basic authentication (OCPP security profile 1), shown this once. The old one ends, and with it a
    /// connection that came with it.
    ///
    /// Permission: `station:write`
    #[oai(path = "/:station_id/password", method = "post", operation_id = "station_set_password")]
    async fn set_password(&self, Auth(actor): Auth, station_id: Path<StationId>) -> Answer<Found<StationPassword>> {
        let mut tx = self.0.begin(&actor, Permission::StationWrite).await?;
        let password = self.0.secrets.random_station_key()?;
        let hmac = self.0.secrets.fingerprint(password.as_bytes());
        let changed = station::set_password(&mut tx, station_id.0, hmac).await?;
        tx.commit().await?;
        let ocpp_identity = changed.input.ocpp_identity;
        Ok(Found::versioned(StationPassword { station_id: changed.id, ocpp_identity, password }, changed.revision))
    }

    /// Read a station's live state
    ///
    /// Its connection and what it says of itself.
    ///
    /// Permission: `station:read`
    #[oai(path = "/:station_id/live", method = "get", operation_id = "station_live_get")]
    async fn live(&self, Auth(actor): Auth, station_id: Path<StationId>) -> Answer<Found<StationLive>> {
        let mut tx = self.0.begin(&actor, Permission::StationRead).await?;
        let live = station::live(&mut tx, station_id.0).await?;
        tx.commit().await?;
        Ok(Found::plain(live))
    }
}

impl StationApi {
    async fn change(
        &self,
        actor: &Actor,
        id: StationId,
        if_match_header: Option<String>,
        change: impl FnOnce(&StationInput) -> stromtor_domain::Result<StationInput> + Send,
    ) -> Answer<Found<Station>> {
        let mut tx = self.0.begin(actor, Permission::StationWrite).await?;
        let changed = station::change(&mut tx, id, if_match(if_match_header)?, change).await?;
        tx.commit().await?;
        let revision = changed.revision;
        Ok(Found::versioned(changed, revision))
    }
}
