//! What went over the wire between OCPI peers and us.

use stromtor_domain::roaming::{
    ocpi_message::{OcpiDirection, OcpiMessage, OcpiMessageId},
    ocpi_peer::OcpiPeerId,
};
use stromtor_schema::schema::ocpi_message;

use crate::resource::prelude::*;

/// What a list of them may be narrowed by.
#[derive(Debug, Clone, Default)]
pub struct OcpiMessageFilter {
    /// Of this partner's peers alone.
    pub partner_id: Option<PartnerId>,
    /// With this peer.
    pub peer_id: Option<OcpiPeerId>,
    /// Called by them, or by us.
    pub direction: Option<OcpiDirection>,
    /// Of this module.
    pub module: Option<String>,
    /// Only those that failed, or that did not.
    pub failed: Option<bool>,
    /// At or after.
    pub from: Option<Timestamp>,
    /// Before.
    pub to: Option<Timestamp>,
}

listing!(OcpiMessageFilter => OcpiMessage);

/// One page, newest first.
pub async fn list(tx: &mut Tx, filter: &OcpiMessageFilter, page: &PageRequest) -> Result<Page<OcpiMessage>> {
    use ocpi_message as m;
    let limit = page.limit()?;
    let mut query = m::table.select(OcpiMessage::as_select()).order(m::id.desc()).into_boxed();
    if let Some(after) = page.after::<OcpiMessageId>()? {
        query = query.filter(m::id.lt(after));
    }
    if let Some(partner_id) = filter.partner_id {
        query = query.filter(m::partner_id.eq(partner_id));
    }
    if let Some(peer_id) = filter.peer_id {
        query = query.filter(m::peer_id.eq(peer_id));
    }
    if let Some(direction) = filter.direction {
        query = query.filter(m::direction.eq(direction));
    }
    if let Some(module) = &filter.module {
        query = query.filter(m::module.assume_not_null().eq(module));
    }
    if let Some(failed) = filter.failed {
        let fine = m::error.is_null().and(m::ocpi_status.assume_not_null().between(1000, 1999));
        query = if failed { query.filter(diesel::dsl::not(fine)) } else { query.filter(fine) };
    }
    if let Some(from) = filter.from {
        query = query.filter(m::id.ge(OcpiMessageId(from.first_id())));
    }
    if let Some(to) = filter.to {
        query = query.filter(m::id.lt(OcpiMessageId(to.first_id())));
    }
    let rows = query.limit(limit as i64 + 1).load(&mut **tx).await.map_err(from_diesel)?;
    Ok(Page::cut(rows, limit, |row: &OcpiMessage| row.id))
}

/// One of them.
pub async fn get(tx: &mut Tx, id: OcpiMessageId) -> Result<OcpiMessage> {
    ocpi_message::table
        .filter(ocpi_message::id.eq(id))
        .select(OcpiMessage::as_select())
        .first(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)?
        .ok_or(Error::NotFound("OCPI message"))
}

/// Keeps them.
pub async fn keep(tx: &mut Tx, messages: &[OcpiMessage]) -> Result<()> {
    diesel::insert_into(ocpi_message::table).values(messages).execute(&mut **tx).await.map_err(from_diesel)?;
    Ok(())
}
