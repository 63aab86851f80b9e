//! Authorisations over REST: the monitor.

use chrono::TimeDelta;
use futures_util::{StreamExt as _, stream::BoxStream};
use poem::Request;
use poem_openapi::{
    OpenApi,
    param::{Path, Query},
};
use stromtor_domain::{
    Timestamp,
    access::{
        authorization::{Authorization, AuthorizationId, AuthorizationStatus, Progress},
        decide::{Outcome, Reason},
        token::TokenId,
    },
    actor::Permission,
    network::{charge_point::ChargePointId, location::LocationId, station::StationId},
    page::PageRequest,
    session::session::AuthSource,
    tenancy::partner::PartnerId,
};
use stromtor_persistence::access::authorization::{self, AuthorizationFilter};

use crate::{
    auth::Auth,
    list::{Listed, list},
    live::{self, StreamAuth, Streamed},
    problem::Answer,
    respond::Found,
    routes::Tag,
    state::App,
};

/// Operations on authorisations.
pub struct AuthorizationApi(pub App);

#[OpenApi(prefix_path = "/v1/authorizations", tag = "Tag::Tokens")]
impl AuthorizationApi {
    /// List authorisations
    ///
    /// Who wanted to charge where, what was decided and by which rule, and what became of it, newest first: the authorisation
    /// monitor. Without `from` those of the last 24 hours, before `to` where it is given. A station's Authorize and the start
    /// that follows it are one.
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
        /// At this charge point.
        charge_point_id: Query<Option<ChargePointId>>,
        /// By this token.
        token_id: Query<Option<TokenId>>,
        /// Where the right to charge comes from.
        source: Query<Option<AuthSource>>,
        /// Decided so.
        decision: Query<Option<Outcome>>,
        /// By this rule.
        reason: Query<Option<Reason>>,
        /// This far.
        progress: Query<Option<Progress>>,
        /// This far, in detail.
        status: Query<Option<AuthorizationStatus>>,
        /// In this country: ISO 3166-1, two letters.
        country: Query<Option<String>>,
        /// In the town of this name, or where the postal code begins so.
        town: Query<Option<String>>,
        /// In a street whose name has this in it, whatever its case.
        street: Query<Option<String>>,
        /// At or after this time; 24 hours before `to` or now when absent.
        from: Query<Option<Timestamp>>,
        /// Before this time.
        to: Query<Option<Timestamp>>,
        /// Items per page, 1 to 500; 50 when absent.
        limit: Query<Option<u32>>,
        /// Where to go on: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<Authorization>> {
        let from = from.0.unwrap_or_else(|| to.0.unwrap_or_else(|| self.0.now()) - TimeDelta::hours(24));
        let filter = AuthorizationFilter {
            partner_id: partner_id.0,
            location_id: location_id.0,
            station_id: station_id.0,
            charge_point_id: charge_point_id.0,
            token_id: token_id.0,
            source: source.0,
            decision: decision.0,
            reason: reason.0,
            progress: progress.0,
            status: status.0,
            country: country.0,
            town: town.0,
            street: street.0,
            from: Some(from),
            to: to.0,
        };
        list(&self.0, request, &actor, Permission::AccessRead, filter, PageRequest { limit: limit.0, cursor: cursor.0 })
            .await
    }

    /// Follow authorisations
    ///
    /// Server-sent events: each authorisation at the operators in your scope as it is decided and whenever it moves on, within
    /// seconds. In a browser use a stream ticket.
    ///
    /// Permission: `access:read`
    #[oai(path = "/stream", method = "get", operation_id = "authorization_stream")]
    async fn stream(
        &self,
        auth: StreamAuth,
        /// At this operator, or of this provider's drivers.
        partner_id: Query<Option<PartnerId>>,
        /// At this location.
        location_id: Query<Option<LocationId>>,
        /// At this station.
        station_id: Query<Option<StationId>>,
        /// Where the right to charge comes from.
        source: Query<Option<AuthSource>>,
    ) -> Answer<Streamed<BoxStream<'static, Authorization>, Authorization>> {
        let actor = auth.actor();
        self.0.begin(&actor, Permission::AccessRead).await?.commit().await?;
        let filter = AuthorizationFilter {
            partner_id: partner_id.0,
            location_id: location_id.0,
            station_id: station_id.0,
            source: source.0,
            ..AuthorizationFilter::default()
        };
        Ok(Streamed::of(live::authorizations(self.0.clone(), actor, filter).boxed()))
    }

    /// Read an authorisation
    ///
    /// Permission: `access:read`
    #[oai(path = "/:authorization_id", method = "get", operation_id = "authorization_get")]
    async fn get(&self, Auth(actor): Auth, authorization_id: Path<AuthorizationId>) -> Answer<Found<Authorization>> {
        let mut tx = self.0.begin(&actor, Permission::AccessRead).await?;
        let found = authorization::get(&mut tx, authorization_id.0).await?;
        tx.commit().await?;
        Ok(Found::plain(found))
    }
}
