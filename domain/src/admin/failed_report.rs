//! Reports of stations that could not be used; they were answered and are kept whole.

use poem_openapi::Object;
use serde::{Deserialize, Serialize};
use stromtor_schema::schema::failed_report;

use crate::{
    Timestamp,
    network::{location::LocationId, station::StationId},
    tenancy::partner::PartnerId,
};

id! {
    /// Id of a failed report.
    FailedReportId
}

/// A report that could not be used: a fault of ours, or figures beyond every range.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object, diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = failed_report, check_for_backend(diesel::pg::Pg))]
pub struct FailedReport {
    /// Id.
    pub id: FailedReportId,
    /// When it came.
    pub at: Timestamp,
    /// The station's operator.
    pub partner_id: PartnerId,
    /// The station's location.
    pub location_id: LocationId,
    /// The station.
    pub station_id: StationId,
    /// What it reported, whole.
    pub report: serde_json::Value,
    /// Why it could not be used.
    pub error: String,
}
