//! Jobs: work to be done once, later.

use poem_openapi::Object;
use serde::{Deserialize, Serialize};
use stromtor_schema::schema::job;

use crate::{Timestamp, admin::delivery::WorkState, tenancy::partner::PartnerId};

id! {
    /// Id of a job.
    JobId
}

choice! {
    /// What a job does.
    pub enum JobKind {
        /// Prices an ended session. Payload: `{"session_id": …}`.
        SettleSession = "settle_session",
        /// Deletes a file whose row is gone from the object store. Payload: `{"key": …}`.
        DeleteObject = "delete_object",
        /// Signs a certificate that a station asked for. Payload: `{"certificate_request_id": …}`.
        SignCertificate = "sign_certificate",
        /// Has every local list looked at, for a provider's tokens changed. Payload: `{}`.
        MarkLocalLists = "mark_local_lists",
    }
}

/// One job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object, diesel::Queryable, diesel::Selectable)]
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = job, check_for_backend(diesel::pg::Pg))]
pub struct Job {
    /// Id.
    pub id: JobId,
    /// The partner it is done for.
    pub partner_id: PartnerId,
    /// What it does.
    pub kind: JobKind,
    /// What it is about.
    pub payload: serde_json::Value,
    /// How far it is.
    pub state: WorkState,
    /// Attempts so far.
    pub attempts: i32,
    /// When it runs next.
    pub run_at: Timestamp,
    /// What the last failure said.
    pub last_error: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its state last changed.
    pub updated_at: Timestamp,
}
