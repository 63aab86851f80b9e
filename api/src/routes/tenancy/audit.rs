//! The audit log over REST.

use poem::Request;
use poem_openapi::{OpenApi, param::Query};
use stromtor_domain::{
    Timestamp,
    actor::Permission,
    page::PageRequest,
    tenancy::{audit::AuditEntry, partner::PartnerId},
};
use stromtor_persistence::tenancy::audit::AuditFilter;
use uuid::Uuid;

use crate::{
    auth::Auth,
    list::{Listed, list},
    problem::Answer,
    routes::Tag,
    state::App,
};

/// Operations on the audit log.
pub struct AuditApi(pub App);

#[OpenApi(prefix_path = "/v1/audit-entries", tag = "Tag::Audit")]
impl AuditApi {
    /// List audit entries
    ///
    /// Every change, log-in and command in your scope, newest first: who, when, from where, what before and after.
    ///
    /// Permission: `audit:read`
    #[oai(path = "/", method = "get", operation_id = "audit_entry_list")]
    async fn list(
        &self,
        request: &Request,
        Auth(actor): Auth,
        /// About resources of this partner.
        partner_id: Query<Option<PartnerId>>,
        /// About this kind of resource, for example `location`.
        resource: Query<Option<String>>,
        /// About this resource.
        resource_id: Query<Option<Uuid>>,
        /// By this user or API client.
        actor_id: Query<Option<Uuid>>,
        /// At or after this time.
        from: Query<Option<Timestamp>>,
        /// Before this time.
        to: Query<Option<Timestamp>>,
        /// Items per page, 1 to 500; 50 when absent.
        limit: Query<Option<u32>>,
        /// Where to go on: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<AuditEntry>> {
        let filter = AuditFilter {
            partner_id: partner_id.0,
            resource: resource.0,
            resource_id: resource_id.0,
            actor_id: actor_id.0,
            from: from.0,
            to: to.0,
        };
        list(&self.0, request, &actor, Permission::AuditRead, filter, PageRequest { limit: limit.0, cursor: cursor.0 })
            .await
    }
}
