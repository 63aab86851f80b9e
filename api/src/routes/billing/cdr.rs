//! Charge detail records over REST.

use poem::Request;
use poem_openapi::{
    OpenApi,
    param::{Path, Query},
};
use stromtor_domain::{
    Timestamp,
    actor::Permission,
    billing::cdr::{Cdr, CdrId, CdrState},
    network::{
        charge_point::{ChargePointId, CurrentType},
        location::LocationId,
        station::StationId,
    },
    page::PageRequest,
    session::session::SessionId,
    tenancy::partner::PartnerId,
};
use stromtor_persistence::billing::cdr::{self, CdrFilter};

use crate::{
    auth::Auth,
    list::{Listed, list},
    problem::Answer,
    respond::Found,
    routes::Tag,
    state::App,
};

/// Operations on charge detail records.
pub struct CdrApi(pub App);

#[OpenApi(prefix_path = "/v1/cdrs", tag = "Tag::Cdrs")]
impl CdrApi {
    /// List charge detail records
    ///
    /// Every CDR that you sold or bought, the newest start first.
    ///
    /// Permission: `cdr:read`
    #[oai(path = "/", method = "get", operation_id = "cdr_list")]
    async fn list(
        &self,
        request: &Request,
        Auth(actor): Auth,
        /// Sold or bought by this partner.
        partner_id: Query<Option<PartnerId>>,
        /// At this location.
        location_id: Query<Option<LocationId>>,
        /// At this station.
        station_id: Query<Option<StationId>>,
        /// At this charge point.
        charge_point_id: Query<Option<ChargePointId>>,
        /// Of this session.
        session_id: Query<Option<SessionId>>,
        /// This leg alone: 1 is operator to platform, 2 platform to provider.
        leg: Query<Option<i32>>,
        /// Whether it may be billed.
        state: Query<Option<CdrState>>,
        /// Of this current type.
        current_type: Query<Option<CurrentType>>,
        /// In this currency.
        currency: Query<Option<String>>,
        /// Began at or after this time.
        from: Query<Option<Timestamp>>,
        /// Began before this time.
        to: Query<Option<Timestamp>>,
        /// Made at or after this time.
        created_since: Query<Option<Timestamp>>,
        /// Items per page, 1 to 500; 50 when absent.
        limit: Query<Option<u32>>,
        /// Where to go on: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<Cdr>> {
        let filter = CdrFilter {
            partner_id: partner_id.0,
            location_id: location_id.0,
            station_id: station_id.0,
            charge_point_id: charge_point_id.0,
            session_id: session_id.0,
            leg: leg.0,
            state: state.0,
            current_type: current_type.0,
            currency: currency.0,
            from: from.0,
            to: to.0,
            created_since: created_since.0,
        };
        list(&self.0, request, &actor, Permission::CdrRead, filter, PageRequest { limit: limit.0, cursor: cursor.0 })
            .await
    }

    /// Read a charge detail record
    ///
    /// Permission: `cdr:read`
    #[oai(path = "/:cdr_id", method = "get", operation_id = "cdr_get")]
    async fn get(&self, Auth(actor): Auth, cdr_id: Path<CdrId>) -> Answer<Found<Cdr>> {
        let mut tx = self.0.begin(&actor, Permission::CdrRead).await?;
        let found = cdr::get(&mut tx, cdr_id.0).await?;
        tx.commit().await?;
        Ok(Found::plain(found))
    }
}
