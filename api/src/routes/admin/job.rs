//! Jobs over REST.

use poem::Request;
use poem_openapi::{
    OpenApi,
    param::{Path, Query},
};
use stromtor_domain::{
    actor::Permission,
    admin::{
        delivery::WorkState,
        job::{Job, JobId},
    },
    page::PageRequest,
    tenancy::partner::PartnerId,
};
use stromtor_persistence::admin::job::{self, JobFilter};

use crate::{
    auth::Auth,
    list::{Listed, list},
    problem::Answer,
    respond::Found,
    routes::Tag,
    state::App,
};

/// Operations on jobs.
pub struct JobApi(pub App);

#[OpenApi(prefix_path = "/v1/jobs", tag = "Tag::Work")]
impl JobApi {
    /// List jobs
    ///
    /// Work behind the scenes, newest first.
    ///
    /// Permission: `outbox:read`
    #[oai(path = "/", method = "get", operation_id = "job_list")]
    async fn list(
        &self,
        request: &Request,
        Auth(actor): Auth,
        /// Of this partner alone.
        partner_id: Query<Option<PartnerId>>,
        /// This far; `dead` are the dead letters.
        state: Query<Option<WorkState>>,
        /// Items per page, 1 to 500; 50 when absent.
        limit: Query<Option<u32>>,
        /// Where to go on: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<Job>> {
        let filter = JobFilter { partner_id: partner_id.0, state: state.0 };
        list(&self.0, request, &actor, Permission::OutboxRead, filter, PageRequest { limit: limit.0, cursor: cursor.0 })
            .await
    }

    /// Retry a job
    ///
    /// Tries a dead one again, from the beginning.
    ///
    /// Permission: `outbox:write`
    #[oai(path = "/:job_id/retry", method = "post", operation_id = "job_retry")]
    async fn retry(&self, Auth(actor): Auth, job_id: Path<JobId>) -> Answer<Found<Job>> {
        let mut tx = self.0.begin(&actor, Permission::OutboxWrite).await?;
        let retried = job::retry(&mut tx, job_id.0).await?;
        tx.commit().await?;
        Ok(Found::plain(retried))
    }
}
