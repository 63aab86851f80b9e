//! Authorisation attempts over REST.

use poem::Request;
use poem_openapi::{
    OpenApi,
    param::{Path, Query},
};
use stromtor_domain::{
    Timestamp,
    access::{
        attempt::{Attempt, AttemptId},
        decide::Outcome,
        token::TokenId,
    },
    actor::Permission,
    network::{location::LocationId, station::StationId},
    page::PageRequest,
    tenancy::partner::PartnerId,
};
use stromtor_persistence::access::attempt::{self, AttemptFilter};

use crate::{
    auth::Auth,
    list::{Listed, list},
    problem::Answer,
    respond::Found,
    routes::Tag,
    state::App,
};

/// Operations on authorisation attempts.
pub struct AttemptApi(pub App);

#[OpenApi(prefix_path = "/v1/authorizations", tag = "Tag::Tokens")]
impl AttemptApi {
    /// List authorisation attempts
    ///
    /// Who wanted to charge where, what was decided and by which rule, newest first.
    ///
    /// Permission: `access:read`
    #[oai(path = "/", method = "get", operation_id = "authorization_list")]
    async fn list(
        &self,
        request: &Request,
        Auth(actor): Auth,
        /// At this operator, or of this provider's drivers.
        partner_id: Query<Option<PartnerId>>,
        /// At this location.
        location_id: Query<Option<LocationId>>,
        /// At this station.
        station_id: Query<Option<StationId>>,
        /// By this token.
        token_id: Query<Option<TokenId>>,
        /// Decided so.
        decision: Query<Option<Outcome>>,
        /// At or after this time.
        from: Query<Option<Timestamp>>,
        /// Before this time.
        to: Query<Option<Timestamp>>,
        /// Items per page, 1 to 500; 50 when absent.
        limit: Query<Option<u32>>,
        /// Where to go on: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<Attempt>> {
        let filter = AttemptFilter {
            partner_id: partner_id.0,
            location_id: location_id.0,
            station_id: station_id.0,
            token_id: token_id.0,
            decision: decision.0,
            from: from.0,
            to: to.0,
        };
        list(&self.0, request, &actor, Permission::AccessRead, filter, PageRequest { limit: limit.0, cursor: cursor.0 })
            .await
    }

    /// Read an authorisation attempt
    ///
    /// Permission: `access:read`
    #[oai(path = "/:authorization_id", method = "get", operation_id = "authorization_get")]
    async fn get(&self, Auth(actor): Auth, authorization_id: Path<AttemptId>) -> Answer<Found<Attempt>> {
        let mut tx = self.0.begin(&actor, Permission::AccessRead).await?;
        let found = attempt::get(&mut tx, authorization_id.0).await?;
        tx.commit().await?;
        Ok(Found::plain(found))
    }
}
