//! Charge points over REST.

use poem::Request;
use poem_openapi::{
    OpenApi,
    param::{Header, Path, Query},
};
use stromtor_domain::{
    Timestamp,
    actor::{Actor, Permission},
    network::{
        charge_point::{ChargePoint, ChargePointId, ChargePointInput, ChargePointLive, CurrentType},
        location::LocationId,
        station::StationId,
    },
    page::PageRequest,
    patch::Patch,
    tenancy::partner::PartnerId,
};
use stromtor_persistence::{
    access::local_list,
    network::charge_point::{self, ChargePointFilter},
};

use crate::{
    auth::Auth,
    list::{Listed, list},
    problem::Answer,
    respond::{Body, Created, Done, Found, if_match},
    routes::Tag,
    state::App,
};

/// Operations on charge points.
pub struct ChargePointApi(pub App);

#[OpenApi(prefix_path = "/v1/charge-points", tag = "Tag::ChargePoints")]
impl ChargePointApi {
    /// List charge points
    ///
    /// Every charge point in your scope, oldest first, a page at a time.
    ///
    /// Permission: `station:read`
    #[oai(path = "/", method = "get", operation_id = "charge_point_list")]
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
        /// With this EVSE-ID.
        evse_id: Query<Option<String>>,
        /// Of this current type.
        current_type: Query<Option<CurrentType>>,
        /// With this id of yours.
        external_id: Query<Option<String>>,
        /// Changed at or after this time.
        updated_since: Query<Option<Timestamp>>,
        /// Items per page, 1 to 500; 50 when absent.
        limit: Query<Option<u32>>,
        /// Where to go on: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<ChargePoint>> {
        let filter = ChargePointFilter {
            partner_id: partner_id.0,
            location_id: location_id.0,
            station_id: station_id.0,
            evse_id: evse_id.0,
            current_type: current_type.0,
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

    /// Create a charge point
    ///
    /// It belongs to a station and to its operator. Refused with `prefix_of_another_partner` when its EVSE-ID begins with a prefix
    /// that is registered to another partner.
    ///
    /// Permission: `station:write`
    #[oai(path = "/", method = "post", operation_id = "charge_point_create")]
    async fn create(
        &self,
        Auth(actor): Auth,
        /// Its station.
        station_id: Query<StationId>,
        Body(input): Body<ChargePointInput>,
    ) -> Answer<Created<ChargePoint>> {
        let mut tx = self.0.begin(&actor, Permission::StationWrite).await?;
        let created = charge_point::create(&mut tx, station_id.0, input).await?;
        tx.commit().await?;
        Ok(Created::at(format!("/v1/charge-points/{}", created.id), created.clone(), created.revision))
    }

    /// Read a charge point
    ///
    /// Permission: `station:read`
    #[oai(path = "/:charge_point_id", method = "get", operation_id = "charge_point_get")]
    async fn get(&self, Auth(actor): Auth, charge_point_id: Path<ChargePointId>) -> Answer<Found<ChargePoint>> {
        let mut tx = self.0.begin(&actor, Permission::StationRead).await?;
        let found = charge_point::get(&mut tx, charge_point_id.0).await?;
        tx.commit().await?;
        let revision = found.revision;
        Ok(Found::versioned(found, revision))
    }

    /// Replace a charge point
    ///
    /// What is absent from the body is cleared.
    ///
    /// Permission: `station:write`
    #[oai(path = "/:charge_point_id", method = "put", operation_id = "charge_point_replace")]
    async fn replace(
        &self,
        Auth(actor): Auth,
        charge_point_id: Path<ChargePointId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
        Body(input): Body<ChargePointInput>,
    ) -> Answer<Found<ChargePoint>> {
        self.change(&actor, charge_point_id.0, if_match_header.0, move |_| Ok(input)).await
    }

    /// Change a charge point
    ///
    /// Merge patch (RFC 7396). Refused with `prefix_of_another_partner` when a new EVSE-ID begins with a prefix that is
    /// registered to a partner that is neither the operator nor above it; prefixes that nobody has registered are free.
    ///
    /// Permission: `station:write`
    #[oai(path = "/:charge_point_id", method = "patch", operation_id = "charge_point_patch")]
    async fn patch(
        &self,
        Auth(actor): Auth,
        charge_point_id: Path<ChargePointId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
        Body(patch): Body<Patch<ChargePointInput>>,
    ) -> Answer<Found<ChargePoint>> {
        self.change(&actor, charge_point_id.0, if_match_header.0, move |current| patch.apply(current)).await
    }

    /// Delete a charge point
    ///
    /// Refused with `in_use` while it has connectors.
    ///
    /// Permission: `station:write`
    #[oai(path = "/:charge_point_id", method = "delete", operation_id = "charge_point_delete")]
    async fn delete(
        &self,
        Auth(actor): Auth,
        charge_point_id: Path<ChargePointId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
    ) -> Answer<Done> {
        let mut tx = self.0.begin(&actor, Permission::StationWrite).await?;
        charge_point::delete(&mut tx, charge_point_id.0, if_match(if_match_header.0)?).await?;
        tx.commit().await?;
        Ok(Done::NoContent)
    }

    /// Read a charge point's live status
    ///
    /// Outside `ETag` and `updated_since`, for it changes all the time.
    ///
    /// Permission: `station:read`
    #[oai(path = "/:charge_point_id/live", method = "get", operation_id = "charge_point_live_get")]
    async fn live(&self, Auth(actor): Auth, charge_point_id: Path<ChargePointId>) -> Answer<Found<ChargePointLive>> {
        let mut tx = self.0.begin(&actor, Permission::StationRead).await?;
        let live = charge_point::live(&mut tx, charge_point_id.0).await?;
        tx.commit().await?;
        Ok(Found::plain(live))
    }
}

impl ChargePointApi {
    async fn change(
        &self,
        actor: &Actor,
        id: ChargePointId,
        if_match_header: Option<String>,
        change: impl FnOnce(&ChargePointInput) -> stromtor_domain::Result<ChargePointInput> + Send,
    ) -> Answer<Found<ChargePoint>> {
        let mut tx = self.0.begin(actor, Permission::StationWrite).await?;
        let changed = charge_point::change(&mut tx, id, if_match(if_match_header)?, change).await?;
        local_list::access_changed(&mut tx, &[changed.station_id]).await?;
        tx.commit().await?;
        let revision = changed.revision;
        Ok(Found::versioned(changed, revision))
    }
}
