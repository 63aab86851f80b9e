//! EVSE-IDs over REST: given out, found, moved.

use poem::Request;
use poem_openapi::{
    OpenApi,
    param::{Path, Query},
};
use stromtor_domain::{
    actor::Permission,
    network::{
        charge_point::{ChargePoint, ChargePointId},
        evse_id::{AllocatedEvseIds, EvseIdAllocation, EvseIdFound, EvseIdMove, EvseIdPlace, EvseIdUse, EvseIdWish},
        location::LocationId,
        station::StationId,
    },
    page::PageRequest,
    tenancy::partner::PartnerId,
};
use stromtor_persistence::network::{
    evse_allocation,
    evse_id::{self, EvseIdFilter, EvseIdUseFilter},
};

use crate::{
    auth::Auth,
    list::{Listed, list},
    problem::Answer,
    respond::{Body, Found},
    routes::Tag,
    state::App,
};

/// Operations on EVSE-IDs.
pub struct EvseIdApi(pub App);

#[OpenApi(tag = "Tag::EvseIds")]
impl EvseIdApi {
    /// List EVSE-IDs
    ///
    /// Those that charge points in your scope have, by EVSE-ID, with the place of each.
    ///
    /// Permission: `station:read`
    #[oai(path = "/v1/evse-ids", method = "get", operation_id = "evse_id_list")]
    async fn list(
        &self,
        request: &Request,
        Auth(actor): Auth,
        /// Of this partner's charge points.
        partner_id: Query<Option<PartnerId>>,
        /// At this location.
        location_id: Query<Option<LocationId>>,
        /// Of this station.
        station_id: Query<Option<StationId>>,
        /// That contain this, whatever case and separators.
        search: Query<Option<String>>,
        /// Items per page, 1 to 500; 50 when absent.
        limit: Query<Option<u32>>,
        /// Where to go on: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<EvseIdPlace>> {
        let filter = EvseIdFilter {
            partner_id: partner_id.0,
            location_id: location_id.0,
            station_id: station_id.0,
            search: search.0,
        };
        let page = PageRequest { limit: limit.0, cursor: cursor.0 };
        list(&self.0, request, &actor, Permission::StationRead, filter, page).await
    }

    /// Give many charge points EVSE-IDs
    ///
    /// Those that are named, none of which may have one, or those that have none and meet a filter, 5000 at a time: all or none.
    /// Every charge point of those named that cannot have one is pointed at (up to 100). Without `prefix_id` each gets the next
    /// number of the nearest prefix: its operator's own, else that of the partner above it, up to the platform's; of the country
    /// of its location, the oldest where there are several. Refused with `no_evse_prefix` where there is none.
    ///
    /// Numbers that are in use, or ever were, are left out; none is given out twice, however many ask at once.
    ///
    /// Permission: `station:write`
    #[oai(path = "/v1/evse-ids/allocate", method = "post", operation_id = "evse_id_allocate")]
    async fn allocate(
        &self,
        Auth(actor): Auth,
        Body(input): Body<EvseIdAllocation>,
    ) -> Answer<Found<AllocatedEvseIds>> {
        let mut tx = self.0.begin(&actor, Permission::StationWrite).await?;
        let given = evse_allocation::many(&mut tx, &input).await?;
        tx.commit().await?;
        Ok(Found::plain(given))
    }

    /// Give a charge point an EVSE-ID
    ///
    /// The next number of `prefix_id`, or of the nearest prefix: the operator's own, else that of the partner above it, up to the
    /// platform's; of the country of its location. Refused with `evse_id_present` when it has one.
    ///
    /// Permission: `station:write`
    #[oai(
        path = "/v1/charge-points/:charge_point_id/evse-id",
        method = "post",
        operation_id = "charge_point_evse_id_allocate"
    )]
    async fn allocate_one(
        &self,
        Auth(actor): Auth,
        charge_point_id: Path<ChargePointId>,
        Body(input): Body<EvseIdWish>,
    ) -> Answer<Found<ChargePoint>> {
        let mut tx = self.0.begin(&actor, Permission::StationWrite).await?;
        let changed = evse_allocation::one(&mut tx, charge_point_id.0, input.prefix_id).await?;
        tx.commit().await?;
        let revision = changed.revision;
        Ok(Found::versioned(changed, revision))
    }

    /// Find an EVSE-ID
    ///
    /// The charge point that has it, with station and location, and which had it before. Refused with `evse_id_ambiguous` when,
    /// without separators, it stands for two.
    ///
    /// Permission: `station:read`
    #[oai(path = "/v1/evse-ids/:evse_id", method = "get", operation_id = "evse_id_get")]
    async fn get(
        &self,
        Auth(actor): Auth,
        /// The EVSE-ID, in upper or lower case, with separators or without.
        evse_id: Path<String>,
    ) -> Answer<Found<EvseIdFound>> {
        let mut tx = self.0.begin(&actor, Permission::StationRead).await?;
        let found = evse_id::find(&mut tx, &evse_id.0).await?;
        tx.commit().await?;
        Ok(Found::plain(found))
    }

    /// List an EVSE-ID's history
    ///
    /// Which charge point had it from when until when, newest first. A charge point that came to another operator or location is
    /// there once for each, and each operator sees its own time.
    ///
    /// Permission: `station:read`
    #[oai(path = "/v1/evse-ids/:evse_id/history", method = "get", operation_id = "evse_id_history_list")]
    async fn history(
        &self,
        request: &Request,
        Auth(actor): Auth,
        /// The EVSE-ID, in upper or lower case, with separators or without.
        evse_id: Path<String>,
        /// Items per page, 1 to 500; 50 when absent.
        limit: Query<Option<u32>>,
        /// Where to go on: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<EvseIdUse>> {
        let page = PageRequest { limit: limit.0, cursor: cursor.0 };
        let filter = EvseIdUseFilter { evse_id: evse_id.0 };
        list(&self.0, request, &actor, Permission::StationRead, filter, page).await
    }

    /// Move an EVSE-ID to another charge point
    ///
    /// From a charge point of a dismantled station (else `station_not_dismantled`), or from one that was deleted or gave it up, to
    /// one of the same operator that has none (else `evse_id_present`). Answers with the charge point that has it now.
    ///
    /// Permission: `station:write`
    #[oai(path = "/v1/evse-ids/:evse_id/move", method = "post", operation_id = "evse_id_move")]
    async fn relocate(
        &self,
        Auth(actor): Auth,
        /// The EVSE-ID, in upper or lower case, with separators or without.
        evse_id: Path<String>,
        Body(input): Body<EvseIdMove>,
    ) -> Answer<Found<ChargePoint>> {
        let mut tx = self.0.begin(&actor, Permission::StationWrite).await?;
        let changed = evse_id::relocate(&mut tx, &evse_id.0, input.charge_point_id).await?;
        tx.commit().await?;
        let revision = changed.revision;
        Ok(Found::versioned(changed, revision))
    }
}
