//! The audit log: who changed what, when, from where; what it was before and after.

use poem_openapi::Object;
use serde::{Deserialize, Serialize};
use stromtor_schema::schema::audit_entry;
use uuid::Uuid;

use crate::{Timestamp, actor::ActorKind, tenancy::partner::PartnerId};

id! {
    /// Id of an audit entry.
    AuditEntryId
}

/// One change or command.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object, diesel::Queryable, diesel::Selectable)]
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = audit_entry, check_for_backend(diesel::pg::Pg))]
pub struct AuditEntry {
    /// Id.
    pub id: AuditEntryId,
    /// When.
    pub at: Timestamp,
    /// The partner whose resource it was.
    pub partner_id: PartnerId,
    /// Kind of actor.
    pub actor_kind: ActorKind,
    /// The actor's id; nil for the system.
    pub actor_id: Uuid,
    /// The actor's name then.
    pub actor_name: String,
    /// The address it came from.
    pub ip: Option<String>,
    /// The request, as in `X-Request-Id`.
    pub request_id: Option<Uuid>,
    /// What was done: `create`, `update`, `delete`, `login`, …
    pub action: String,
    /// Kind of resource, in the singular.
    pub resource: String,
    /// The resource.
    pub resource_id: Uuid,
    /// What it was before; secrets masked.
    pub before: Option<serde_json::Value>,
    /// What it was after; secrets masked.
    pub after: Option<serde_json::Value>,
}
