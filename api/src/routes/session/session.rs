//! Sessions over REST.

use poem::Request;
use poem_openapi::{
    OpenApi,
    param::{Path, Query},
};
use stromtor_domain::{
    Timestamp,
    actor::Permission,
    network::{charge_point::ChargePointId, location::LocationId, station::StationId},
    page::PageRequest,
    session::session::{Session, SessionId, SessionState},
    tenancy::partner::PartnerId,
};
use stromtor_persistence::session::session::{self, SessionFilter};

use crate::{
    auth::Auth,
    list::{Listed, list},
    problem::Answer,
    respond::Found,
    routes::Tag,
    state::App,
};

/// Operations on sessions.
pub struct SessionApi(pub App);

#[OpenApi(prefix_path = "/v1/sessions", tag = "Tag::Sessions")]
impl SessionApi {
    /// List sessions
    ///
    /// Every session at your stations, and your drivers' at others', the newest start first.
    ///
    /// Permission: `session:read`
    #[oai(path = "/", method = "get", operation_id = "session_list")]
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
        /// This far.
        state: Query<Option<SessionState>>,
        /// Began at or after this time.
        from: Query<Option<Timestamp>>,
        /// Began before this time.
        to: Query<Option<Timestamp>>,
        /// Changed at or after this time.
        updated_since: Query<Option<Timestamp>>,
        /// Items per page, 1 to 500; 50 when absent.
        limit: Query<Option<u32>>,
        /// Where to go on: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<Session>> {
        let filter = SessionFilter {
            partner_id: partner_id.0,
            location_id: location_id.0,
            station_id: station_id.0,
            charge_point_id: charge_point_id.0,
            state: state.0,
            from: from.0,
            to: to.0,
            updated_since: updated_since.0,
        };
        list(
            &self.0,
            request,
            &actor,
            Permission::SessionRead,
            filter,
            PageRequest { limit: limit.0, cursor: cursor.0 },
        )
        .await
    }

    /// Read a session
    ///
    /// Permission: `session:read`
    #[oai(path = "/:session_id", method = "get", operation_id = "session_get")]
    async fn get(&self, Auth(actor): Auth, session_id: Path<SessionId>) -> Answer<Found<Session>> {
        let mut tx = self.0.begin(&actor, Permission::SessionRead).await?;
        let found = session::get(&mut tx, session_id.0).await?;
        tx.commit().await?;
        Ok(Found::plain(found))
    }
}
