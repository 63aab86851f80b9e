//! Tariff assignments over REST.

use poem::Request;
use poem_openapi::{
    OpenApi,
    param::{Path, Query},
};
use stromtor_domain::{
    actor::Permission,
    network::{charge_point::ChargePointId, location::LocationId},
    page::PageRequest,
    tariff::{
        assignment::{TariffAssignment, TariffAssignmentId, TariffAssignmentInput},
        tariff::TariffId,
    },
    tenancy::partner::PartnerId,
};
use stromtor_persistence::tariff::assignment::{self, TariffAssignmentFilter};

use crate::{
    auth::Auth,
    list::{Listed, list},
    problem::Answer,
    respond::{Body, Created, Found},
    routes::Tag,
    state::App,
};

/// Operations on tariff assignments.
pub struct TariffAssignmentApi(pub App);

#[OpenApi(prefix_path = "/v1/tariff-assignments", tag = "Tag::Tariffs")]
impl TariffAssignmentApi {
    /// List tariff assignments
    ///
    /// Every assignment in your scope, oldest first, those that were taken back too.
    ///
    /// Permission: `tariff:read`
    #[oai(path = "/", method = "get", operation_id = "tariff_assignment_list")]
    async fn list(
        &self,
        request: &Request,
        Auth(actor): Auth,
        /// Of this partner alone.
        partner_id: Query<Option<PartnerId>>,
        /// At this location.
        location_id: Query<Option<LocationId>>,
        /// At this charge point.
        charge_point_id: Query<Option<ChargePointId>>,
        /// Of this tariff.
        tariff_id: Query<Option<TariffId>>,
        /// Items per page, 1 to 500; 50 when absent.
        limit: Query<Option<u32>>,
        /// Where to go on: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<TariffAssignment>> {
        let filter = TariffAssignmentFilter {
            partner_id: partner_id.0,
            location_id: location_id.0,
            charge_point_id: charge_point_id.0,
            tariff_id: tariff_id.0,
        };
        list(&self.0, request, &actor, Permission::TariffRead, filter, PageRequest { limit: limit.0, cursor: cursor.0 })
            .await
    }

    /// Create a tariff assignment
    ///
    /// The tariff holds at the charge point for sessions that begin from `valid_from` on, until the next assignment.
    ///
    /// Permission: `tariff:write`
    #[oai(path = "/", method = "post", operation_id = "tariff_assignment_create")]
    async fn create(
        &self,
        Auth(actor): Auth,
        Body(input): Body<TariffAssignmentInput>,
    ) -> Answer<Created<TariffAssignment>> {
        let mut tx = self.0.begin(&actor, Permission::TariffWrite).await?;
        let created = assignment::create(&mut tx, input).await?;
        tx.commit().await?;
        let path = format!("/v1/tariff-assignments/{}", created.id);
        Ok(Created::plain(path, created))
    }

    /// Read a tariff assignment
    ///
    /// Permission: `tariff:read`
    #[oai(path = "/:tariff_assignment_id", method = "get", operation_id = "tariff_assignment_get")]
    async fn get(
        &self,
        Auth(actor): Auth,
        tariff_assignment_id: Path<TariffAssignmentId>,
    ) -> Answer<Found<TariffAssignment>> {
        let mut tx = self.0.begin(&actor, Permission::TariffRead).await?;
        let found = assignment::get(&mut tx, tariff_assignment_id.0).await?;
        tx.commit().await?;
        Ok(Found::plain(found))
    }

    /// Take a tariff assignment back
    ///
    /// Before it begins; one that has begun is ended by assigning another tariff (`assignment_began`).
    ///
    /// Permission: `tariff:write`
    #[oai(path = "/:tariff_assignment_id/cancel", method = "post", operation_id = "tariff_assignment_cancel")]
    async fn cancel(
        &self,
        Auth(actor): Auth,
        tariff_assignment_id: Path<TariffAssignmentId>,
    ) -> Answer<Found<TariffAssignment>> {
        let mut tx = self.0.begin(&actor, Permission::TariffWrite).await?;
        let cancelled = assignment::cancel(&mut tx, tariff_assignment_id.0).await?;
        tx.commit().await?;
        Ok(Found::plain(cancelled))
    }
}
