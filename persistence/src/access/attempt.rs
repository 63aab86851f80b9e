//! Reads authorisation attempts; `ingest` writes them.

use stromtor_domain::{
    access::{
        attempt::{Attempt, AttemptId},
        decide::Outcome,
        token::TokenId,
    },
    network::{location::LocationId, station::StationId},
};
use stromtor_schema::schema::authorization_attempt;

use crate::resource::prelude::*;

/// What a list of them may be narrowed by.
#[derive(Debug, Clone, Default)]
pub struct AttemptFilter {
    /// At this operator, or of this provider's drivers.
    pub partner_id: Option<PartnerId>,
    /// At this location.
    pub location_id: Option<LocationId>,
    /// At this station.
    pub station_id: Option<StationId>,
    /// By this token.
    pub token_id: Option<TokenId>,
    /// Decided so.
    pub decision: Option<Outcome>,
    /// At or after.
    pub from: Option<Timestamp>,
    /// Before.
    pub to: Option<Timestamp>,
}

listing!(AttemptFilter => Attempt);

/// One page, newest first.
pub async fn list(tx: &mut Tx, filter: &AttemptFilter, page: &PageRequest) -> Result<Page<Attempt>> {
    let limit = page.limit()?;
    let mut query =
        authorization_attempt::table.select(Attempt::as_select()).order(authorization_attempt::id.desc()).into_boxed();
    if let Some(after) = page.after::<AttemptId>()? {
        query = query.filter(authorization_attempt::id.lt(after));
    }
    if let Some(partner_id) = filter.partner_id {
        query = query.filter(
            authorization_attempt::operator_id
                .eq(partner_id)
                .or(authorization_attempt::emp_id.assume_not_null().eq(partner_id)),
        );
    }
    if let Some(location_id) = filter.location_id {
        query = query.filter(authorization_attempt::location_id.eq(location_id));
    }
    if let Some(station_id) = filter.station_id {
        query = query.filter(authorization_attempt::station_id.eq(station_id));
    }
    if let Some(token_id) = filter.token_id {
        query = query.filter(authorization_attempt::token_id.assume_not_null().eq(token_id));
    }
    if let Some(decision) = filter.decision {
        query = query.filter(authorization_attempt::decision.eq(decision));
    }
    if let Some(from) = filter.from {
        query = query.filter(authorization_attempt::at.ge(from));
    }
    if let Some(to) = filter.to {
        query = query.filter(authorization_attempt::at.lt(to));
    }
    let rows = query.limit(limit as i64 + 1).load(&mut **tx).await.map_err(from_diesel)?;
    Ok(Page::cut(rows, limit, |row: &Attempt| row.id))
}

/// One of them.
pub async fn get(tx: &mut Tx, id: AttemptId) -> Result<Attempt> {
    authorization_attempt::table
        .filter(authorization_attempt::id.eq(id))
        .select(Attempt::as_select())
        .first(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)?
        .ok_or(Error::NotFound("authorisation attempt"))
}
