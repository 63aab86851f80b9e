//! Tariff plans over REST: choose, check, assign.

use poem::Request;
use poem_openapi::{
    OpenApi,
    param::{Path, Query},
};
use stromtor_domain::{
    Result,
    actor::{Actor, Permission},
    network::charge_point::ChargePointId,
    page::PageRequest,
    tariff::{
        assignment::ChargePointTariffs,
        plan::{TariffPlan, TariffPlanId, TariffPlanInput, TariffPlanItem, TariffPlanProgress, TariffPlanState},
        tariff::TariffId,
    },
    tenancy::partner::PartnerId,
};
use stromtor_persistence::tariff::{
    assignment,
    plan::{self, Assigning, TariffPlanFilter, TariffPlanItemFilter},
};

use crate::{
    auth::Auth,
    list::{Listed, list},
    problem::Answer,
    respond::{Body, Created, Found},
    routes::Tag,
    state::App,
};

/// Operations on tariff plans.
pub struct TariffPlanApi(pub App);

#[OpenApi(tag = "Tag::Tariffs")]
impl TariffPlanApi {
    /// List tariff plans
    ///
    /// Every plan in your scope, newest first.
    ///
    /// Permission: `tariff:read`
    #[oai(path = "/v1/tariff-plans", method = "get", operation_id = "tariff_plan_list")]
    #[allow(clippy::too_many_arguments, reason = "one for each query parameter")]
    async fn list(
        &self,
        request: &Request,
        Auth(actor): Auth,
        /// Of this partner alone.
        partner_id: Query<Option<PartnerId>>,
        /// Of this tariff.
        tariff_id: Query<Option<TariffId>>,
        /// As far as this.
        state: Query<Option<TariffPlanState>>,
        /// Items per page, 1 to 500; 50 when absent.
        limit: Query<Option<u32>>,
        /// Where to go on: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<TariffPlan>> {
        let filter = TariffPlanFilter { partner_id: partner_id.0, tariff_id: tariff_id.0, state: state.0 };
        list(&self.0, request, &actor, Permission::TariffRead, filter, PageRequest { limit: limit.0, cursor: cursor.0 })
            .await
    }

    /// Plan a tariff for many charge points
    ///
    /// Chooses the charge points, one by one or by filter, and checks each: which tariff it would replace, and what speaks
    /// against it. Nothing is assigned before the plan is confirmed. A tariff that is more than 7 % dearer than the dearest of
    /// the last 30 days needs 30 days' notice (`notice_too_short`); *dearer* is decided price by price and by reference
    /// sessions, AC and DC apart.
    ///
    /// Permission: `tariff:write`
    #[oai(path = "/v1/tariff-plans", method = "post", operation_id = "tariff_plan_create")]
    async fn create(&self, Auth(actor): Auth, Body(input): Body<TariffPlanInput>) -> Answer<Created<TariffPlan>> {
        let mut tx = self.0.begin(&actor, Permission::TariffWrite).await?;
        let created = plan::create(&mut tx, input).await?;
        tx.commit().await?;
        Ok(Created::plain(format!("/v1/tariff-plans/{}", created.id), created))
    }

    /// Read a tariff plan
    ///
    /// Permission: `tariff:read`
    #[oai(path = "/v1/tariff-plans/:tariff_plan_id", method = "get", operation_id = "tariff_plan_get")]
    async fn get(&self, Auth(actor): Auth, tariff_plan_id: Path<TariffPlanId>) -> Answer<Found<TariffPlan>> {
        let mut tx = self.0.begin(&actor, Permission::TariffRead).await?;
        let found = plan::get(&mut tx, tariff_plan_id.0).await?;
        tx.commit().await?;
        Ok(Found::plain(found))
    }

    /// List a tariff plan's charge points
    ///
    /// The tariff before at each, and what speaks against the plan there.
    ///
    /// Permission: `tariff:read`
    #[oai(path = "/v1/tariff-plans/:tariff_plan_id/items", method = "get", operation_id = "tariff_plan_item_list")]
    async fn items(
        &self,
        request: &Request,
        Auth(actor): Auth,
        tariff_plan_id: Path<TariffPlanId>,
        /// Those alone at which something speaks against it.
        violations: Query<Option<bool>>,
        /// Items per page, 1 to 500; 50 when absent.
        limit: Query<Option<u32>>,
        /// Where to go on: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<TariffPlanItem>> {
        let filter = TariffPlanItemFilter { plan_id: tariff_plan_id.0, violations: violations.0.unwrap_or_default() };
        list(&self.0, request, &actor, Permission::TariffRead, filter, PageRequest { limit: limit.0, cursor: cursor.0 })
            .await
    }

    /// Confirm a tariff plan
    ///
    /// Assigns the tariff at every charge point of the plan, or at none: refused with `plan_has_violations` while something
    /// speaks against it anywhere, and with `plan_outdated` when it would no longer do what was shown.
    ///
    /// Permission: `tariff:write`
    #[oai(path = "/v1/tariff-plans/:tariff_plan_id/confirm", method = "post", operation_id = "tariff_plan_confirm")]
    async fn confirm(&self, Auth(actor): Auth, tariff_plan_id: Path<TariffPlanId>) -> Answer<Found<TariffPlan>> {
        let mut tx = self.0.begin(&actor, Permission::TariffWrite).await?;
        let mut assigning = plan::begin(&mut tx, tariff_plan_id.0).await?;
        let mut more = true;
        while more {
            more = plan::assign(&mut tx, &mut assigning).await?;
            // Whoever cannot be told waits for the end; no reason to assign nothing.
            let _ = self.tell(&actor, &assigning).await;
        }
        let confirmed = plan::finish(&mut tx, assigning).await?;
        tx.commit().await?;
        Ok(Found::plain(confirmed))
    }

    /// Follow the confirmation of a tariff plan
    ///
    /// At how many of the plan's charge points the tariff is assigned, while the plan is being confirmed and afterwards. It counts
    /// once the plan is `confirmed`: everywhere, or nowhere.
    ///
    /// Permission: `tariff:read`
    #[oai(
        path = "/v1/tariff-plans/:tariff_plan_id/progress",
        method = "get",
        operation_id = "tariff_plan_progress_get"
    )]
    async fn progress(
        &self,
        Auth(actor): Auth,
        tariff_plan_id: Path<TariffPlanId>,
    ) -> Answer<Found<TariffPlanProgress>> {
        let mut tx = self.0.begin(&actor, Permission::TariffRead).await?;
        let found = plan::progress(&mut tx, tariff_plan_id.0).await?;
        tx.commit().await?;
        Ok(Found::plain(found))
    }

    /// Cancel a tariff plan
    ///
    /// Gives a preview up, or takes what was confirmed back everywhere, before it begins (`assignment_began` afterwards).
    ///
    /// Permission: `tariff:write`
    #[oai(path = "/v1/tariff-plans/:tariff_plan_id/cancel", method = "post", operation_id = "tariff_plan_cancel")]
    async fn cancel(&self, Auth(actor): Auth, tariff_plan_id: Path<TariffPlanId>) -> Answer<Found<TariffPlan>> {
        let mut tx = self.0.begin(&actor, Permission::TariffWrite).await?;
        let cancelled = plan::cancel(&mut tx, tariff_plan_id.0).await?;
        tx.commit().await?;
        Ok(Found::plain(cancelled))
    }

    /// Read a charge point's tariffs
    ///
    /// What holds for a session that begins now, what is planned, and what held.
    ///
    /// Permission: `tariff:read`
    #[oai(
        path = "/v1/charge-points/:charge_point_id/tariffs",
        method = "get",
        operation_id = "charge_point_tariff_get"
    )]
    async fn at(&self, Auth(actor): Auth, charge_point_id: Path<ChargePointId>) -> Answer<Found<ChargePointTariffs>> {
        let mut tx = self.0.begin(&actor, Permission::TariffRead).await?;
        let found = assignment::at(&mut tx, charge_point_id.0).await?;
        tx.commit().await?;
        Ok(Found::plain(found))
    }
}

impl TariffPlanApi {
    /// Notes the progress where others see it: in a transaction of its own.
    async fn tell(&self, actor: &Actor, assigning: &Assigning) -> Result<()> {
        let mut tx = self.0.begin(actor, Permission::TariffWrite).await?;
        plan::note_progress(&mut tx, assigning).await?;
        tx.commit().await
    }
}
