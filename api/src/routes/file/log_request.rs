//! Log requests over REST.

use poem::Request;
use poem_openapi::{
    OpenApi,
    param::{Path, Query},
};
use stromtor_domain::{
    actor::Permission,
    file::log_request::{LogKind, LogRequest, LogRequestId, LogRequestInput, LogRequestState},
    network::{location::LocationId, station::StationId},
    page::PageRequest,
    tenancy::partner::PartnerId,
};
use stromtor_persistence::file::log_request::{self, LogRequestFilter};

use crate::{
    app::file,
    auth::Auth,
    list::{Listed, list},
    problem::Answer,
    respond::{Body, Created, Found},
    routes::Tag,
    state::App,
};

/// Operations on log requests.
pub struct LogRequestApi(pub App);

#[OpenApi(prefix_path = "/v1", tag = "Tag::StationFiles")]
impl LogRequestApi {
    /// Ask a station for a log
    ///
    /// The station uploads it here, or where `upload_url` says: GetDiagnostics or GetLog, as the station's version of OCPP
    /// knows it. What becomes of it stands at `/v1/log-requests/{id}`, the file at `/v1/station-files`.
    ///
    /// Permission: `command:execute`
    #[oai(path = "/stations/:station_id/log-requests", method = "post", operation_id = "log_request_create")]
    async fn create(
        &self,
        Auth(actor): Auth,
        station_id: Path<StationId>,
        /// Seconds that the command may wait for its station to connect, 1 to 86400; 60 when absent.
        expires_in_s: Query<Option<u32>>,
        Body(input): Body<LogRequestInput>,
    ) -> Answer<Created<LogRequest>> {
        let created = file::request_log(&self.0, &actor, station_id.0, input, expires_in_s.0).await?;
        Ok(Created::plain(format!("/v1/log-requests/{}", created.id), created))
    }

    /// List log requests
    ///
    /// Newest first.
    ///
    /// Permission: `command:read`
    #[oai(path = "/log-requests", method = "get", operation_id = "log_request_list")]
    async fn list(
        &self,
        request: &Request,
        Auth(actor): Auth,
        /// To this operator's stations.
        partner_id: Query<Option<PartnerId>>,
        /// To stations at this location.
        location_id: Query<Option<LocationId>>,
        /// To this station.
        station_id: Query<Option<StationId>>,
        /// This far.
        state: Query<Option<LogRequestState>>,
        /// For this log.
        kind: Query<Option<LogKind>>,
        /// Items per page, 1 to 500; 50 when absent.
        limit: Query<Option<u32>>,
        /// Where to go on: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<LogRequest>> {
        let filter = LogRequestFilter {
            partner_id: partner_id.0,
            location_id: location_id.0,
            station_id: station_id.0,
            state: state.0,
            kind: kind.0,
        };
        let page = PageRequest { limit: limit.0, cursor: cursor.0 };
        list(&self.0, request, &actor, Permission::CommandRead, filter, page).await
    }

    /// Read a log request
    ///
    /// Permission: `command:read`
    #[oai(path = "/log-requests/:log_request_id", method = "get", operation_id = "log_request_get")]
    async fn get(&self, Auth(actor): Auth, log_request_id: Path<LogRequestId>) -> Answer<Found<LogRequest>> {
        let mut tx = self.0.begin(&actor, Permission::CommandRead).await?;
        let found = log_request::get(&mut tx, log_request_id.0).await?;
        tx.commit().await?;
        Ok(Found::plain(found))
    }

    /// Cancel a log request
    ///
    /// OCPP knows no message for it: a station that has the request may still try, and its upload is refused. A newer
    /// request makes most stations give up the older.
    ///
    /// Permission: `command:execute`
    #[oai(path = "/log-requests/:log_request_id/cancel", method = "post", operation_id = "log_request_cancel")]
    async fn cancel(&self, Auth(actor): Auth, log_request_id: Path<LogRequestId>) -> Answer<Found<LogRequest>> {
        let mut tx = self.0.begin(&actor, Permission::CommandExecute).await?;
        let cancelled = log_request::cancel(&mut tx, log_request_id.0).await?;
        tx.commit().await?;
        self.0.commands_changed.notify_waiters();
        Ok(Found::plain(cancelled))
    }
}
