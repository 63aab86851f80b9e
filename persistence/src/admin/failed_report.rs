//! Reads reports that could not be used; `ingest` keeps them.

use stromtor_domain::{
    admin::failed_report::{FailedReport, FailedReportId},
    network::station::StationId,
};
use stromtor_schema::schema::failed_report;

use crate::resource::prelude::*;

/// What a list of them may be narrowed by.
#[derive(Debug, Clone, Default)]
pub struct FailedReportFilter {
    /// Of this operator's stations.
    pub partner_id: Option<PartnerId>,
    /// Of this station.
    pub station_id: Option<StationId>,
}

listing!(FailedReportFilter => FailedReport);

/// One page, newest first.
pub async fn list(tx: &mut Tx, filter: &FailedReportFilter, page: &PageRequest) -> Result<Page<FailedReport>> {
    let limit = page.limit()?;
    let mut query = failed_report::table.select(FailedReport::as_select()).order(failed_report::id.desc()).into_boxed();
    if let Some(after) = page.after::<FailedReportId>()? {
        query = query.filter(failed_report::id.lt(after));
    }
    if let Some(partner_id) = filter.partner_id {
        query = query.filter(failed_report::partner_id.eq(partner_id));
    }
    if let Some(station_id) = filter.station_id {
        query = query.filter(failed_report::station_id.eq(station_id));
    }
    let rows = query.limit(limit as i64 + 1).load(&mut **tx).await.map_err(from_diesel)?;
    Ok(Page::cut(rows, limit, |row: &FailedReport| row.id))
}
