//! What stations have been through: boots, connections, security events, monitoring events, reports, notices.

use poem_openapi::Object;
use serde::{Deserialize, Serialize};
use stromtor_schema::schema::{
    charging_notice, monitoring_event, security_event, station_boot, station_connection, station_report,
};
use uuid::Uuid;

use crate::{
    Timestamp,
    network::{
        location::LocationId,
        notice::{ChargingNoticeKind, ReportKind},
        station::StationId,
    },
    session::report::BootReport,
    tenancy::partner::PartnerId,
};

/// A boot of a station.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object, diesel::Queryable, diesel::Selectable)]
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = station_boot, check_for_backend(diesel::pg::Pg))]
pub struct StationBoot {
    /// Id.
    pub id: Uuid,
    /// Its operator then.
    pub partner_id: PartnerId,
    /// Its location then.
    pub location_id: LocationId,
    /// The station.
    pub station_id: StationId,
    /// When it said so.
    pub at: Timestamp,
    /// Version it spoke, for example `ocpp2.0.1`.
    pub ocpp_version: String,
    /// Why it booted (OCPP 2.x), for example `PowerUp`.
    pub reason: Option<String>,
    /// What it said of itself.
    pub boot: BootReport,
}

/// A connection of a station.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object, diesel::Queryable, diesel::Selectable)]
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = station_connection, check_for_backend(diesel::pg::Pg))]
pub struct StationConnection {
    /// Id.
    pub id: Uuid,
    /// Its operator then.
    pub partner_id: PartnerId,
    /// Its location then.
    pub location_id: LocationId,
    /// The station.
    pub station_id: StationId,
    /// Counts the station's connections.
    pub epoch: i64,
    /// The process that held it.
    pub node: Uuid,
    /// Version spoken.
    pub ocpp_version: String,
    /// Where it came from.
    pub remote_address: String,
    /// When it began.
    pub connected_at: Timestamp,
    /// When it ended.
    pub disconnected_at: Option<Timestamp>,
    /// Why it ended: `closed_by_station`, `lost`, `silent`, `replaced` by a newer one, `changed` (the station's operator,
    /// location, password, settings), `server_stopped`, `frame_too_large`, `protocol_error`, `node_lost`, `given_up`.
    pub reason: Option<String>,
}

/// A security event (OCPP 1.6 security whitepaper, OCPP 2.0.1 block A).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object, diesel::Queryable, diesel::Selectable)]
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = security_event, check_for_backend(diesel::pg::Pg))]
pub struct SecurityEvent {
    /// Id.
    pub id: Uuid,
    /// The station's operator then.
    pub partner_id: PartnerId,
    /// The station's location then.
    pub location_id: LocationId,
    /// The station.
    pub station_id: StationId,
    /// What happened, for example `TamperDetectionActivated`.
    #[diesel(column_name = type_)]
    #[oai(rename = "type")]
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether the standard calls it critical.
    pub critical: bool,
    /// More, for technicians.
    pub tech_info: Option<String>,
    /// When, by the station's clock where that can be.
    pub at: Timestamp,
    /// When it was received.
    pub received_at: Timestamp,
}

/// Something that a monitor on a station saw (OCPP 2.0.1 NotifyEvent).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object, diesel::Queryable, diesel::Selectable)]
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = monitoring_event, check_for_backend(diesel::pg::Pg))]
pub struct MonitoringEvent {
    /// Id.
    pub id: Uuid,
    /// The station's operator then.
    pub partner_id: PartnerId,
    /// The station's location then.
    pub location_id: LocationId,
    /// The station.
    pub station_id: StationId,
    /// The station's own number of it.
    pub event_id: i64,
    /// When, by the station's clock where that can be.
    pub at: Timestamp,
    /// When it was received.
    pub received_at: Timestamp,
    /// `Alerting`, `Delta` or `Periodic`.
    pub trigger: String,
    /// Component, `Name[instance]@evse.connector`.
    pub component: String,
    /// Variable, `Name[instance]`.
    pub variable: String,
    /// Value that caused it.
    pub actual_value: String,
    /// Whether the cause is gone.
    pub cleared: Option<bool>,
    /// The monitor.
    pub monitoring_id: Option<i64>,
    /// The station's id of the transaction it happened in.
    pub transaction_ref: Option<String>,
    /// `HardWiredNotification`, `HardWiredMonitor`, `PreconfiguredMonitor`, `CustomMonitor`.
    pub notification_type: Option<String>,
    /// Technical code.
    pub tech_code: Option<String>,
    /// More, for technicians.
    pub tech_info: Option<String>,
}

/// A report that a station sends in parts: device model, monitors, charging profiles, display messages, customer data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object, diesel::Queryable, diesel::Selectable)]
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = station_report, check_for_backend(diesel::pg::Pg))]
pub struct StationReport {
    /// Id.
    pub id: Uuid,
    /// The station's operator then.
    pub partner_id: PartnerId,
    /// The station's location then.
    pub location_id: LocationId,
    /// The station.
    pub station_id: StationId,
    /// What it is about.
    pub kind: ReportKind,
    /// The request it answers: `requestId` in the command's payload.
    pub request_id: i32,
    /// Its parts by number, each a list of items as the station sent them (secrets masked).
    pub parts: serde_json::Value,
    /// Number of the last part, once it came.
    pub last_part: Option<i32>,
    /// Whether every part is there.
    pub complete: bool,
    /// When its first part came.
    pub created_at: Timestamp,
    /// When its newest part came.
    pub updated_at: Timestamp,
}

/// The newest notice about smart charging of one kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object, diesel::Queryable, diesel::Selectable)]
#[oai(rename = "ChargingNotice")]
#[diesel(table_name = charging_notice, check_for_backend(diesel::pg::Pg))]
pub struct ChargingNoticeRow {
    /// The station.
    pub station_id: StationId,
    /// The EVSE; 0 is the station.
    pub evse: i32,
    /// What it says.
    pub kind: ChargingNoticeKind,
    /// Who limits: `EMS`, `CSO`, `SO`, `Other`; empty for the other kinds.
    pub source: String,
    /// The content as the station sent it.
    pub content: serde_json::Value,
    /// When it was received.
    pub received_at: Timestamp,
}
