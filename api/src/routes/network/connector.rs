//! Connectors over REST.

use poem::Request;
use poem_openapi::{
    OpenApi,
    param::{Header, Path, Query},
};
use stromtor_domain::{
    Timestamp,
    actor::{Actor, Permission},
    network::{
        charge_point::ChargePointId,
        connector::{Connector, ConnectorId, ConnectorInput},
        location::LocationId,
        station::StationId,
    },
    page::PageRequest,
    patch::Patch,
    tenancy::partner::PartnerId,
};
use stromtor_persistence::network::connector::{self, ConnectorFilter};

use crate::{
    auth::Auth,
    list::{Listed, list},
    problem::Answer,
    respond::{Body, Created, Done, Found, if_match},
    routes::Tag,
    state::App,
};

/// Operations on connectors.
pub struct ConnectorApi(pub App);

#[OpenApi(prefix_path = "/v1/connectors", tag = "Tag::Connectors")]
impl ConnectorApi {
    /// List connectors
    ///
    /// Every connector in your scope, oldest first, a page at a time.
    ///
    /// Permission: `station:read`
    #[oai(path = "/", method = "get", operation_id = "connector_list")]
    async fn list(
        &self,
        request: &Request,
        Auth(actor): Auth,
        /// Of this partner alone.
        partner_id: Query<Option<PartnerId>>,
        /// At this location.
        location_id: Query<Option<LocationId>>,
        /// Of this station.
        station_id: Query<Option<StationId>>,
        /// Of this charge point.
        charge_point_id: Query<Option<ChargePointId>>,
        /// With this id of yours.
        external_id: Query<Option<String>>,
        /// Changed at or after this time.
        updated_since: Query<Option<Timestamp>>,
        /// Items per page, 1 to 500; 50 when absent.
        limit: Query<Option<u32>>,
        /// Where to go on: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<Connector>> {
        let filter = ConnectorFilter {
            partner_id: partner_id.0,
            location_id: location_id.0,
            station_id: station_id.0,
            charge_point_id: charge_point_id.0,
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

    /// Create a connector
    ///
    /// It belongs to a charge point; `ocpp_connector_id` is the station's own number of it.
    ///
    /// Permission: `station:write`
    #[oai(path = "/", method = "post", operation_id = "connector_create")]
    async fn create(
        &self,
        Auth(actor): Auth,
        /// Its charge point.
        charge_point_id: Query<ChargePointId>,
        Body(input): Body<ConnectorInput>,
    ) -> Answer<Created<Connector>> {
        let mut tx = self.0.begin(&actor, Permission::StationWrite).await?;
        let created = connector::create(&mut tx, charge_point_id.0, input).await?;
        tx.commit().await?;
        Ok(Created::at(format!("/v1/connectors/{}", created.id), created.clone(), created.revision))
    }

    /// Read a connector
    ///
    /// Permission: `station:read`
    #[oai(path = "/:connector_id", method = "get", operation_id = "connector_get")]
    async fn get(&self, Auth(actor): Auth, connector_id: Path<ConnectorId>) -> Answer<Found<Connector>> {
        let mut tx = self.0.begin(&actor, Permission::StationRead).await?;
        let found = connector::get(&mut tx, connector_id.0).await?;
        tx.commit().await?;
        let revision = found.revision;
        Ok(Found::versioned(found, revision))
    }

    /// Replace a connector
    ///
    /// What is absent from the body is cleared.
    ///
    /// Permission: `station:write`
    #[oai(path = "/:connector_id", method = "put", operation_id = "connector_replace")]
    async fn replace(
        &self,
        Auth(actor): Auth,
        connector_id: Path<ConnectorId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
        Body(input): Body<ConnectorInput>,
    ) -> Answer<Found<Connector>> {
        self.change(&actor, connector_id.0, if_match_header.0, move |_| Ok(input)).await
    }

    /// Change a connector
    ///
    /// Merge patch (RFC 7396).
    ///
    /// Permission: `station:write`
    #[oai(path = "/:connector_id", method = "patch", operation_id = "connector_patch")]
    async fn patch(
        &self,
        Auth(actor): Auth,
        connector_id: Path<ConnectorId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
        Body(patch): Body<Patch<ConnectorInput>>,
    ) -> Answer<Found<Connector>> {
        self.change(&actor, connector_id.0, if_match_header.0, move |current| patch.apply(current)).await
    }

    /// Delete a connector
    ///
    /// Its sessions stay.
    ///
    /// Permission: `station:write`
    #[oai(path = "/:connector_id", method = "delete", operation_id = "connector_delete")]
    async fn delete(
        &self,
        Auth(actor): Auth,
        connector_id: Path<ConnectorId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
    ) -> Answer<Done> {
        let mut tx = self.0.begin(&actor, Permission::StationWrite).await?;
        connector::delete(&mut tx, connector_id.0, if_match(if_match_header.0)?).await?;
        tx.commit().await?;
        Ok(Done::NoContent)
    }
}

impl ConnectorApi {
    async fn change(
        &self,
        actor: &Actor,
        id: ConnectorId,
        if_match_header: Option<String>,
        change: impl FnOnce(&ConnectorInput) -> stromtor_domain::Result<ConnectorInput> + Send,
    ) -> Answer<Found<Connector>> {
        let mut tx = self.0.begin(actor, Permission::StationWrite).await?;
        let changed = connector::update(&mut tx, id, if_match(if_match_header)?, change).await?;
        tx.commit().await?;
        let revision = changed.revision;
        Ok(Found::versioned(changed, revision))
    }
}
