//! Reports that could not be used, over REST.

use poem::Request;
use poem_openapi::{OpenApi, param::Query};
use stromtor_domain::{
    actor::Permission, admin::failed_report::FailedReport, network::station::StationId, page::PageRequest,
    tenancy::partner::PartnerId,
};
use stromtor_persistence::admin::failed_report::FailedReportFilter;

use crate::{
    auth::Auth,
    list::{Listed, list},
    problem::Answer,
    routes::Tag,
    state::App,
};

/// Operations on failed reports.
pub struct FailedReportApi(pub App);

#[OpenApi(prefix_path = "/v1/failed-reports", tag = "Tag::Work")]
impl FailedReportApi {
    /// List failed reports
    ///
    /// What stations reported and could not be used, newest first. The stations were answered; the reports are kept whole.
    ///
    /// Permission: `outbox:read`
    #[oai(path = "/", method = "get", operation_id = "failed_report_list")]
    async fn list(
        &self,
        request: &Request,
        Auth(actor): Auth,
        /// Of this operator's stations.
        partner_id: Query<Option<PartnerId>>,
        /// Of this station.
        station_id: Query<Option<StationId>>,
        /// Items per page, 1 to 500; 50 when absent.
        limit: Query<Option<u32>>,
        /// Where to go on: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<FailedReport>> {
        let filter = FailedReportFilter { partner_id: partner_id.0, station_id: station_id.0 };
        list(&self.0, request, &actor, Permission::OutboxRead, filter, PageRequest { limit: limit.0, cursor: cursor.0 })
            .await
    }
}
