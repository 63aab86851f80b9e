//! Locations: the example to follow when a resource is added.

use stromtor_domain::network::location::{Location, LocationId, LocationInput};
use stromtor_schema::schema::location;

use crate::resource::{Owned as _, prelude::*};

resource!(location: Location, LocationInput, LocationId, "location", event EventType::LocationChanged; create);

/// What a list of locations may be narrowed by.
#[derive(Debug, Clone, Default)]
pub struct LocationFilter {
    /// Of this partner alone.
    pub partner_id: Option<PartnerId>,
    /// With this id of the caller's.
    pub external_id: Option<String>,
    /// Changed at or after.
    pub updated_since: Option<Timestamp>,
}

listing!(LocationFilter => Location);

/// One page, oldest first.
pub async fn list(tx: &mut Tx, filter: &LocationFilter, page: &PageRequest) -> Result<Page<Location>> {
    let limit = page.limit()?;
    let mut query = location::table.select(Location::as_select()).order(location::id).into_boxed();
    if let Some(after) = page.after::<LocationId>()? {
        query = query.filter(location::id.gt(after));
    }
    if let Some(partner_id) = filter.partner_id {
        query = query.filter(location::partner_id.eq(partner_id));
    }
    if let Some(external_id) = &filter.external_id {
        query = query.filter(location::external_id.eq(external_id));
    }
    if let Some(since) = filter.updated_since {
        query = query.filter(location::updated_at.ge(since));
    }
    let rows = query.limit(limit as i64 + 1).load(&mut **tx).await.map_err(from_diesel)?;
    Ok(Page::cut(rows, limit, |row: &Location| row.id))
}
