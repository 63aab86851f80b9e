//! Rows of the audit log, written by every commit that changed something.

use diesel_async::RunQueryDsl;
use serde::Serialize;
use serde_json::Value;
use stromtor_domain::{Result, Timestamp, actor::ActorKind, tenancy::partner::PartnerId};
use stromtor_schema::schema::audit_entry;
use uuid::Uuid;

use crate::{error::from_diesel, tx::Tx};

#[derive(Debug, diesel::Insertable)]
#[diesel(table_name = audit_entry)]
pub(crate) struct AuditRow {
    id: Uuid,
    at: Timestamp,
    partner_id: PartnerId,
    actor_kind: ActorKind,
    actor_id: Uuid,
    actor_name: String,
    ip: Option<String>,
    request_id: Option<Uuid>,
    action: &'static str,
    resource: &'static str,
    resource_id: Uuid,
    before: Option<Value>,
    after: Option<Value>,
}

pub(crate) fn row<T: Serialize>(
    tx: &Tx,
    action: &'static str,
    resource: &'static str,
    partner_id: PartnerId,
    resource_id: Uuid,
    before: Option<&T>,
    after: Option<&T>,
) -> AuditRow {
    let json = |value: Option<&T>| value.and_then(|value| serde_json::to_value(value).ok());
    let actor = tx.actor();
    AuditRow {
        id: tx.id(),
        at: tx.now(),
        partner_id,
        actor_kind: actor.kind,
        actor_id: actor.id,
        actor_name: actor.name.clone(),
        ip: actor.ip.map(|ip| ip.to_string()),
        request_id: actor.request_id,
        action,
        resource,
        resource_id,
        before: json(before),
        after: json(after),
    }
}

pub(crate) async fn write(tx: &mut Tx, rows: &[AuditRow]) -> Result<()> {
    diesel::insert_into(audit_entry::table).values(rows).execute(&mut **tx).await.map_err(from_diesel)?;
    Ok(())
}
