//! Reads the audit log.

use stromtor_domain::tenancy::audit::{AuditEntry, AuditEntryId};
use stromtor_schema::schema::audit_entry;
use uuid::Uuid;

use crate::resource::prelude::*;

/// What a list of entries may be narrowed by.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// Of this partner alone.
    pub partner_id: Option<PartnerId>,
    /// About this kind of resource.
    pub resource: Option<String>,
    /// About this resource.
    pub resource_id: Option<Uuid>,
    /// By this actor.
    pub actor_id: Option<Uuid>,
    /// At or after.
    pub from: Option<Timestamp>,
    /// Before.
    pub to: Option<Timestamp>,
}

listing!(AuditFilter => AuditEntry);

/// One page, newest first.
pub async fn list(tx: &mut Tx, filter: &AuditFilter, page: &PageRequest) -> Result<Page<AuditEntry>> {
    let limit = page.limit()?;
    let mut query = audit_entry::table.select(AuditEntry::as_select()).order(audit_entry::id.desc()).into_boxed();
    if let Some(after) = page.after::<AuditEntryId>()? {
        query = query.filter(audit_entry::id.lt(after));
    }
    if let Some(partner_id) = filter.partner_id {
        query = query.filter(audit_entry::partner_id.eq(partner_id));
    }
    if let Some(resource) = &filter.resource {
        query = query.filter(audit_entry::resource.eq(resource));
    }
    if let Some(resource_id) = filter.resource_id {
        query = query.filter(audit_entry::resource_id.eq(resource_id));
    }
    if let Some(actor_id) = filter.actor_id {
        query = query.filter(audit_entry::actor_id.eq(actor_id));
    }
    if let Some(from) = filter.from {
        query = query.filter(audit_entry::at.ge(from));
    }
    if let Some(to) = filter.to {
        query = query.filter(audit_entry::at.lt(to));
    }
    let rows = query.limit(limit as i64 + 1).load(&mut **tx).await.map_err(from_diesel)?;
    Ok(Page::cut(rows, limit, |row: &AuditEntry| row.id))
}
