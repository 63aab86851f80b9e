//! Reads charge detail records; `settle` writes them.

use stromtor_domain::{
    billing::cdr::{Cdr, CdrId, CdrState},
    network::{
        charge_point::{ChargePointId, CurrentType},
        location::LocationId,
        station::StationId,
    },
    session::session::SessionId,
};
use stromtor_schema::schema::cdr;

use crate::resource::prelude::*;

/// What a list of CDRs may be narrowed by.
#[derive(Debug, Clone, Default)]
pub struct CdrFilter {
    /// Sold or bought by this partner.
    pub partner_id: Option<PartnerId>,
    /// At this location.
    pub location_id: Option<LocationId>,
    /// At this station.
    pub station_id: Option<StationId>,
    /// At this charge point.
    pub charge_point_id: Option<ChargePointId>,
    /// Of this session.
    pub session_id: Option<SessionId>,
    /// This leg alone.
    pub leg: Option<i32>,
    /// Whether it may be billed.
    pub state: Option<CdrState>,
    /// Of this current type.
    pub current_type: Option<CurrentType>,
    /// In this currency.
    pub currency: Option<String>,
    /// Began at or after.
    pub from: Option<Timestamp>,
    /// Began before.
    pub to: Option<Timestamp>,
    /// Made at or after.
    pub created_since: Option<Timestamp>,
}

listing!(CdrFilter => Cdr);

/// One page, the newest start first.
pub async fn list(tx: &mut Tx, filter: &CdrFilter, page: &PageRequest) -> Result<Page<Cdr>> {
    let limit = page.limit()?;
    let order = (cdr::started_at.desc(), cdr::id.desc());
    let mut query = cdr::table.select(Cdr::as_select()).order(order).into_boxed();
    if let Some((at, id)) = page.after::<(Timestamp, CdrId)>()? {
        query = query.filter(cdr::started_at.lt(at).or(cdr::started_at.eq(at).and(cdr::id.lt(id))));
    }
    if let Some(partner_id) = filter.partner_id {
        query = query.filter(cdr::seller_id.eq(partner_id).or(cdr::buyer_id.eq(partner_id)));
    }
    if let Some(location_id) = filter.location_id {
        query = query.filter(cdr::location_id.eq(location_id));
    }
    if let Some(station_id) = filter.station_id {
        query = query.filter(cdr::station_id.eq(station_id));
    }
    if let Some(charge_point_id) = filter.charge_point_id {
        query = query.filter(cdr::charge_point_id.eq(charge_point_id));
    }
    if let Some(session_id) = filter.session_id {
        query = query.filter(cdr::session_id.eq(session_id));
    }
    if let Some(leg) = filter.leg {
        query = query.filter(cdr::leg.eq(leg));
    }
    if let Some(state) = filter.state {
        query = query.filter(cdr::state.eq(state));
    }
    if let Some(current_type) = filter.current_type {
        query = query.filter(cdr::current_type.eq(current_type));
    }
    if let Some(currency) = &filter.currency {
        query = query.filter(cdr::currency.eq(currency.to_ascii_uppercase()));
    }
    if let Some(from) = filter.from {
        query = query.filter(cdr::started_at.ge(from));
    }
    if let Some(to) = filter.to {
        query = query.filter(cdr::started_at.lt(to));
    }
    if let Some(since) = filter.created_since {
        query = query.filter(cdr::created_at.ge(since));
    }
    let rows = query.limit(limit as i64 + 1).load(&mut **tx).await.map_err(from_diesel)?;
    Ok(Page::cut(rows, limit, |row: &Cdr| (row.started_at, row.id)))
}

/// One CDR.
pub async fn get(tx: &mut Tx, id: CdrId) -> Result<Cdr> {
    cdr::table
        .filter(cdr::id.eq(id))
        .select(Cdr::as_select())
        .first(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)?
        .ok_or(Error::NotFound("CDR"))
}
