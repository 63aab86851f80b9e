//! What stations have been through: boots, connections, security events, monitoring events, reports, notices.

use stromtor_domain::network::{
    history::{ChargingNoticeRow, MonitoringEvent, SecurityEvent, StationBoot, StationConnection, StationReport},
    location::LocationId,
    notice::ReportKind,
    station::StationId,
};
use stromtor_schema::schema::{
    charging_notice, monitoring_event, security_event, station_boot, station_connection, station_report,
};

use crate::resource::prelude::*;

/// What a list of any of them may be narrowed by.
#[derive(Debug, Clone, Default)]
pub struct Narrow {
    /// To this operator's stations.
    pub partner_id: Option<PartnerId>,
    /// To stations at this location.
    pub location_id: Option<LocationId>,
    /// To this station.
    pub station_id: Option<StationId>,
}

/// A list of rows by station, newest first.
macro_rules! history {
    ($(#[$meta:meta])* $Filter:ident($table:ident => $Row:ident) { $($(#[$fmeta:meta])* $field:ident: $Type:ty),* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Default)]
        pub struct $Filter {
            /// Operator, location, station.
            pub narrow: Narrow,
            $($(#[$fmeta])* pub $field: Option<$Type>,)*
        }

        impl crate::listing::Listing for $Filter {
            type Row = $Row;

            fn page<'a>(
                &'a self,
                tx: &'a mut Tx,
                page: &'a PageRequest,
            ) -> futures_util::future::BoxFuture<'a, Result<Page<$Row>>> {
                Box::pin(async move {
                    let limit = page.limit()?;
                    let mut query = $table::table.select($Row::as_select()).order($table::id.desc()).into_boxed();
                    if let Some(after) = page.after::<uuid::Uuid>()? {
                        query = query.filter($table::id.lt(after));
                    }
                    if let Some(partner_id) = self.narrow.partner_id {
                        query = query.filter($table::partner_id.eq(partner_id));
                    }
                    if let Some(location_id) = self.narrow.location_id {
                        query = query.filter($table::location_id.eq(location_id));
                    }
                    if let Some(station_id) = self.narrow.station_id {
                        query = query.filter($table::station_id.eq(station_id));
                    }
                    $(if let Some(value) = &self.$field {
                        query = query.filter($table::$field.eq(value.clone()));
                    })*
                    let rows = query.limit(limit as i64 + 1).load(&mut **tx).await.map_err(from_diesel)?;
                    Ok(Page::cut(rows, limit, |row: &$Row| row.id))
                })
            }
        }
    };
}

history!(
    /// Boots.
    BootFilter(station_boot => StationBoot) {}
);
history!(
    /// Connections.
    ConnectionFilter(station_connection => StationConnection) {}
);
history!(
    /// Security events.
    SecurityEventFilter(security_event => SecurityEvent) {
        /// Critical or not.
        critical: bool,
        /// Of this type.
        type_: String
    }
);
history!(
    /// Monitoring events.
    MonitoringEventFilter(monitoring_event => MonitoringEvent) {
        /// On this component.
        component: String
    }
);
history!(
    /// Reports.
    StationReportFilter(station_report => StationReport) {
        /// Of this kind.
        kind: ReportKind,
        /// To this request.
        request_id: i32
    }
);

/// One report with its items.
pub async fn report(tx: &mut Tx, id: uuid::Uuid) -> Result<StationReport> {
    station_report::table
        .filter(station_report::id.eq(id))
        .select(StationReport::as_select())
        .first(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)?
        .ok_or(Error::NotFound("station_report"))
}

/// The newest notices of a station about smart charging: at most some per EVSE.
pub async fn charging_notices(tx: &mut Tx, station_id: StationId) -> Result<Vec<ChargingNoticeRow>> {
    charging_notice::table
        .filter(charging_notice::station_id.eq(station_id))
        .select(ChargingNoticeRow::as_select())
        .order((charging_notice::evse, charging_notice::kind, charging_notice::source))
        .limit(500)
        .load(&mut **tx)
        .await
        .map_err(from_diesel)
}
