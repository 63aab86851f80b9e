//! Stations that tried to connect and are not known.

use stromtor_domain::network::station::UnknownStation;
use stromtor_schema::schema::unknown_station;

use crate::resource::prelude::*;

/// What a list of unknown stations may be narrowed by.
#[derive(Debug, Clone, Default)]
pub struct UnknownStationFilter {
    /// With this identity.
    pub ocpp_identity: Option<String>,
}

listing!(UnknownStationFilter => UnknownStation);

/// One page, the newest attempt first. Row-level security shows the list to the platform alone: its sender cannot be trusted.
pub async fn list(tx: &mut Tx, filter: &UnknownStationFilter, page: &PageRequest) -> Result<Page<UnknownStation>> {
    let limit = page.limit()?;
    let order = (unknown_station::last_seen_at.desc(), unknown_station::ocpp_identity.asc());
    let mut query = unknown_station::table.select(UnknownStation::as_select()).order(order).into_boxed();
    if let Some((at, identity)) = page.after::<(Timestamp, String)>()? {
        let same = unknown_station::last_seen_at.eq(at).and(unknown_station::ocpp_identity.gt(identity));
        query = query.filter(unknown_station::last_seen_at.lt(at).or(same));
    }
    if let Some(identity) = &filter.ocpp_identity {
        query = query.filter(unknown_station::ocpp_identity.eq(identity));
    }
    let rows = query.limit(limit as i64 + 1).load(&mut **tx).await.map_err(from_diesel)?;
    Ok(Page::cut(rows, limit, |row: &UnknownStation| (row.last_seen_at, row.ocpp_identity.clone())))
}

/// Whether a station with exactly this identity has tried to connect; it is forgotten with that.
pub async fn adopt(tx: &mut Tx, identity: &str) -> Result<bool> {
    diesel::select(stromtor_adopt(identity)).get_result(&mut **tx).await.map_err(from_diesel)
}

diesel::define_sql_function! {
    /// Made by the migrations: looks for one exact identity with rights of its own.
    fn stromtor_adopt(identity: diesel::sql_types::Text) -> diesel::sql_types::Bool;
}
