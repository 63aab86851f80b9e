//! What stations have been through, over REST.

use poem::Request;
use poem_openapi::{
    OpenApi,
    param::{Path, Query},
};
use stromtor_domain::{
    actor::Permission,
    network::{
        history::{ChargingNoticeRow, MonitoringEvent, SecurityEvent, StationBoot, StationConnection, StationReport},
        location::LocationId,
        notice::ReportKind,
        station::StationId,
    },
    page::{Page, PageRequest},
    tenancy::partner::PartnerId,
};
use stromtor_persistence::network::{
    history::{
        self, BootFilter, ConnectionFilter, MonitoringEventFilter, Narrow, SecurityEventFilter, StationReportFilter,
    },
    station,
};
use uuid::Uuid;

use crate::{
    auth::Auth,
    list::{Listed, list},
    problem::Answer,
    respond::Found,
    routes::Tag,
    state::App,
};

/// Operations on stations' histories.
pub struct HistoryApi(pub App);

#[OpenApi(prefix_path = "/v1", tag = "Tag::StationHistory")]
impl HistoryApi {
    /// List boots
    ///
    /// One row for each time a station introduced itself, newest first.
    ///
    /// Permission: `station:read`
    #[oai(path = "/station-boots", method = "get", operation_id = "station_boot_list")]
    async fn boots(
        &self,
        request: &Request,
        Auth(actor): Auth,
        /// To this operator's stations.
        partner_id: Query<Option<PartnerId>>,
        /// To stations at this location.
        location_id: Query<Option<LocationId>>,
        /// To this station.
        station_id: Query<Option<StationId>>,
        /// Items per page, 1 to 500; 50 when absent.
        limit: Query<Option<u32>>,
        /// Where to go on: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<StationBoot>> {
        let narrow = Narrow { partner_id: partner_id.0, location_id: location_id.0, station_id: station_id.0 };
        let page = PageRequest { limit: limit.0, cursor: cursor.0 };
        list(&self.0, request, &actor, Permission::StationRead, BootFilter { narrow }, page).await
    }

    /// List connections
    ///
    /// One row for each connection of a station, with its end and why it ended, newest first.
    ///
    /// Permission: `station:read`
    #[oai(path = "/station-connections", method = "get", operation_id = "station_connection_list")]
    async fn connections(
        &self,
        request: &Request,
        Auth(actor): Auth,
        /// To this operator's stations.
        partner_id: Query<Option<PartnerId>>,
        /// To stations at this location.
        location_id: Query<Option<LocationId>>,
        /// To this station.
        station_id: Query<Option<StationId>>,
        /// Items per page, 1 to 500; 50 when absent.
        limit: Query<Option<u32>>,
        /// Where to go on: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<StationConnection>> {
        let narrow = Narrow { partner_id: partner_id.0, location_id: location_id.0, station_id: station_id.0 };
        let page = PageRequest { limit: limit.0, cursor: cursor.0 };
        list(&self.0, request, &actor, Permission::StationRead, ConnectionFilter { narrow }, page).await
    }

    /// List security events
    ///
    /// What stations reported by SecurityEventNotification, newest first.
    ///
    /// Permission: `station:read`
    #[oai(path = "/security-events", method = "get", operation_id = "security_event_list")]
    async fn security_events(
        &self,
        request: &Request,
        Auth(actor): Auth,
        /// To this operator's stations.
        partner_id: Query<Option<PartnerId>>,
        /// To stations at this location.
        location_id: Query<Option<LocationId>>,
        /// To this station.
        station_id: Query<Option<StationId>>,
        /// Critical or not.
        critical: Query<Option<bool>>,
        /// Of this type, for example `TamperDetectionActivated`.
        #[oai(name = "type")]
        kind: Query<Option<String>>,
        /// Items per page, 1 to 500; 50 when absent.
        limit: Query<Option<u32>>,
        /// Where to go on: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<SecurityEvent>> {
        let narrow = Narrow { partner_id: partner_id.0, location_id: location_id.0, station_id: station_id.0 };
        let filter = SecurityEventFilter { narrow, critical: critical.0, type_: kind.0 };
        let page = PageRequest { limit: limit.0, cursor: cursor.0 };
        list(&self.0, request, &actor, Permission::StationRead, filter, page).await
    }

    /// List monitoring events
    ///
    /// What monitors on stations reported (OCPP 2.x NotifyEvent), newest first.
    ///
    /// Permission: `station:read`
    #[oai(path = "/monitoring-events", method = "get", operation_id = "monitoring_event_list")]
    async fn monitoring_events(
        &self,
        request: &Request,
        Auth(actor): Auth,
        /// To this operator's stations.
        partner_id: Query<Option<PartnerId>>,
        /// To stations at this location.
        location_id: Query<Option<LocationId>>,
        /// To this station.
        station_id: Query<Option<StationId>>,
        /// On this component.
        component: Query<Option<String>>,
        /// Items per page, 1 to 500; 50 when absent.
        limit: Query<Option<u32>>,
        /// Where to go on: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<MonitoringEvent>> {
        let narrow = Narrow { partner_id: partner_id.0, location_id: location_id.0, station_id: station_id.0 };
        let filter = MonitoringEventFilter { narrow, component: component.0 };
        let page = PageRequest { limit: limit.0, cursor: cursor.0 };
        list(&self.0, request, &actor, Permission::StationRead, filter, page).await
    }

    /// List station reports
    ///
    /// What stations sent in parts: device model, monitors, charging profiles, display messages, customer data. Newest
    /// first.
    ///
    /// Permission: `station:read`
    #[oai(path = "/station-reports", method = "get", operation_id = "station_report_list")]
    async fn reports(
        &self,
        request: &Request,
        Auth(actor): Auth,
        /// To this operator's stations.
        partner_id: Query<Option<PartnerId>>,
        /// To stations at this location.
        location_id: Query<Option<LocationId>>,
        /// To this station.
        station_id: Query<Option<StationId>>,
        /// Of this kind.
        kind: Query<Option<ReportKind>>,
        /// To this request: `requestId` in the command's payload.
        request_id: Query<Option<i32>>,
        /// Items per page, 1 to 500; 50 when absent.
        limit: Query<Option<u32>>,
        /// Where to go on: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<StationReport>> {
        let narrow = Narrow { partner_id: partner_id.0, location_id: location_id.0, station_id: station_id.0 };
        let filter = StationReportFilter { narrow, kind: kind.0, request_id: request_id.0 };
        let page = PageRequest { limit: limit.0, cursor: cursor.0 };
        list(&self.0, request, &actor, Permission::StationRead, filter, page).await
    }

    /// Read a station report
    ///
    /// Permission: `station:read`
    #[oai(path = "/station-reports/:station_report_id", method = "get", operation_id = "station_report_get")]
    async fn report(&self, Auth(actor): Auth, station_report_id: Path<Uuid>) -> Answer<Found<StationReport>> {
        let mut tx = self.0.begin(&actor, Permission::StationRead).await?;
        let found = history::report(&mut tx, station_report_id.0).await?;
        tx.commit().await?;
        Ok(Found::plain(found))
    }

    /// List charging notices
    ///
    /// The newest that a station said about smart charging: what cars need and plan, what others limit (OCPP 2.x).
    ///
    /// Permission: `station:read`
    #[oai(path = "/stations/:station_id/charging-notices", method = "get", operation_id = "charging_notice_list")]
    async fn charging_notices(
        &self,
        Auth(actor): Auth,
        station_id: Path<StationId>,
    ) -> Answer<Listed<ChargingNoticeRow>> {
        let mut tx = self.0.begin(&actor, Permission::StationRead).await?;
        station::get(&mut tx, station_id.0).await?;
        let items = history::charging_notices(&mut tx, station_id.0).await?;
        tx.commit().await?;
        Ok(Listed::Page(Page { items, next_cursor: None }, None))
    }
}
