//! Stations that are not known, over REST.

use poem::Request;
use poem_openapi::{OpenApi, param::Query};
use stromtor_domain::{actor::Permission, network::station::UnknownStation, page::PageRequest};
use stromtor_persistence::network::unknown_station::UnknownStationFilter;

use crate::{
    auth::Auth,
    list::{Listed, list},
    problem::Answer,
    routes::Tag,
    state::App,
};

/// Operations on unknown stations.
pub struct UnknownStationApi(pub App);

#[OpenApi(prefix_path = "/v1/unknown-stations", tag = "Tag::Stations")]
impl UnknownStationApi {
    /// List unknown stations
    ///
    /// Stations that tried to connect and are not known, the newest attempt first. The platform alone sees them; an operator adopts one by its exact identity.
    ///
    /// Permission: `station:read`
    #[oai(path = "/", method = "get", operation_id = "unknown_station_list")]
    async fn list(
        &self,
        request: &Request,
        Auth(actor): Auth,
        /// With exactly this identity.
        ocpp_identity: Query<Option<String>>,
        /// Items per page, 1 to 500; 50 when absent.
        limit: Query<Option<u32>>,
        /// Where to go on: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<UnknownStation>> {
        let filter = UnknownStationFilter { ocpp_identity: ocpp_identity.0 };
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
}
