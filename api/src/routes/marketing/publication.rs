//! What roaming platforms are to see, over REST.

use poem::Request;
use poem_openapi::{OpenApi, param::Query};
use stromtor_domain::{
    actor::Permission,
    marketing::{
        access_information::RoamingPlatform,
        publication::{Publication, PublicationState, WithdrawalReason},
    },
    network::{location::LocationId, station::StationId},
    page::PageRequest,
    tenancy::partner::PartnerId,
};
use stromtor_persistence::marketing::publication::PublicationFilter;

use crate::{
    auth::Auth,
    list::{Listed, list},
    problem::Answer,
    routes::Tag,
    state::App,
};

/// Operations on publications.
pub struct PublicationApi(pub App);

#[OpenApi(prefix_path = "/v1/publications", tag = "Tag::Marketing")]
impl PublicationApi {
    /// List publications
    ///
    /// What roaming platforms are to see of each station whose Roaming+ is or was on, by station. Data that break what a
    /// platform asks for withdraw the publication within seconds (event `publication.withdrawn`, reason `not_ready`), with what
    /// is wrong; mended, it is published again (`publication.published`).
    ///
    /// Permission: `station:read`
    #[oai(path = "/", method = "get", operation_id = "publication_list")]
    #[allow(clippy::too_many_arguments, reason = "one for each query parameter")]
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
        /// On this platform.
        platform: Query<Option<RoamingPlatform>>,
        /// Published or withdrawn.
        state: Query<Option<PublicationState>>,
        /// Withdrawn for this reason.
        reason: Query<Option<WithdrawalReason>>,
        /// Items per page, 1 to 500; 50 when absent.
        limit: Query<Option<u32>>,
        /// Where to go on: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<Publication>> {
        let filter = PublicationFilter {
            partner_id: partner_id.0,
            location_id: location_id.0,
            station_id: station_id.0,
            platform: platform.0,
            state: state.0,
            reason: reason.0,
        };
        let page = PageRequest { limit: limit.0, cursor: cursor.0 };
        list(&self.0, request, &actor, Permission::StationRead, filter, page).await
    }
}
