//! What stations tell us beside charging, in words that hold for every OCPP version.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::{Timestamp, network::station_parameter::Mutability};

choice! {
    /// What a report in parts is about.
    pub enum ReportKind {
        /// The device model (NotifyReport).
        DeviceModel = "device_model",
        /// Monitors (NotifyMonitoringReport).
        Monitoring = "monitoring",
        /// Charging profiles (ReportChargingProfiles).
        ChargingProfiles = "charging_profiles",
        /// Display messages (NotifyDisplayMessages).
        DisplayMessages = "display_messages",
        /// A customer's data (NotifyCustomerInformation).
        CustomerInformation = "customer_information",
    }
}

choice! {
    /// What a notice about smart charging says.
    pub enum ChargingNoticeKind {
        /// What the car needs (NotifyEVChargingNeeds).
        Needs = "needs",
        /// What the car plans (NotifyEVChargingSchedule).
        Schedule = "schedule",
        /// What an external system limits (NotifyChargingLimit).
        Limit = "limit",
    }
}

/// A security event (whitepaper "Improved security for OCPP 1.6-J"; OCPP 2.0.1 block A).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecurityEventReport {
    /// What happened, for example `TamperDetectionActivated`.
    pub kind: String,
    /// The station's own time.
    pub at: Option<Timestamp>,
    /// More, for technicians.
    pub tech_info: Option<String>,
}

/// A part of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportPart {
    /// What it is about.
    pub kind: ReportKind,
    /// The request it answers.
    pub request_id: i32,
    /// Number of the part, from 0.
    pub seq_no: i32,
    /// Whether more are to come.
    pub more: bool,
    /// Its items as they came.
    pub items: Vec<serde_json::Value>,
    /// The parameters among them.
    pub parameters: Vec<ParameterReport>,
}

/// A parameter as a station reports it: a configuration key of OCPP 1.6, an attribute of a variable of OCPP 2.x.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParameterReport {
    /// Key, or `Component[.instance][@evse[.connector]]/Variable[.instance]`.
    pub name: String,
    /// `Actual`, `Target`, `MinSet` or `MaxSet`.
    pub attribute: String,
    /// Value; secrets masked.
    pub value: Option<String>,
    /// How it may be used; when the station said so.
    pub mutability: Option<Mutability>,
    /// `string`, `integer`, `boolean` …
    pub data_type: Option<String>,
    /// Unit.
    pub unit: Option<String>,
    /// Least value.
    pub min_limit: Option<Decimal>,
    /// Greatest value, or most characters.
    pub max_limit: Option<Decimal>,
    /// Allowed values, comma-separated.
    pub values_list: Option<String>,
    /// Whether it can be monitored.
    pub supports_monitoring: Option<bool>,
}

/// Something that a monitor on the station saw (OCPP 2.0.1 EventDataType).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MonitoringReport {
    /// The station's own number of it.
    pub event_id: i64,
    /// The station's own time.
    pub at: Option<Timestamp>,
    /// `Alerting`, `Delta` or `Periodic`.
    pub trigger: String,
    /// Component, as in a parameter's name.
    pub component: String,
    /// Variable, as in a parameter's name.
    pub variable: String,
    /// Value that caused it.
    pub actual_value: String,
    /// Whether the cause is gone.
    pub cleared: Option<bool>,
    /// The monitor.
    pub monitoring_id: Option<i64>,
    /// The transaction it happened in.
    pub transaction: Option<String>,
    /// `HardWiredNotification`, `CustomMonitor` …
    pub notification_type: Option<String>,
    /// Technical code.
    pub tech_code: Option<String>,
    /// More, for technicians.
    pub tech_info: Option<String>,
}

/// A notice about smart charging; `None` takes it back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChargingNotice {
    /// What it says.
    pub kind: ChargingNoticeKind,
    /// The EVSE; 0 is the station.
    pub evse: i32,
    /// Who limits (`EMS`, `CSO` …); empty for the other kinds.
    pub source: String,
    /// The content as it came.
    pub content: Option<serde_json::Value>,
}

/// Anything that a station tells beside charging.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "notice", rename_all = "snake_case")]
pub enum Notice {
    /// A security event.
    Security(SecurityEventReport),
    /// A part of a report.
    Part(ReportPart),
    /// What monitors saw.
    Monitoring {
        /// Each of it.
        events: Vec<MonitoringReport>,
    },
    /// Smart charging.
    Charging(ChargingNotice),
    /// A reservation ended at the station (ReservationStatusUpdate).
    Reservation {
        /// Its number.
        reservation_id: i32,
        /// `Expired` or `Removed`.
        status: String,
    },
}

/// Security events that the operator must look at (whitepaper ed. 2, appendix; OCPP 2.0.1 part 2, appendix 1).
const CRITICAL: [&str; 7] = [
    "FirmwareUpdated",
    "SettingSystemTime",
    "StartupOfTheDevice",
    "ResetOrReboot",
    "SecurityLogWasCleared",
    "MemoryExhaustion",
    "TamperDetectionActivated",
];

/// Whether a security event is critical.
#[must_use]
pub fn is_critical(kind: &str) -> bool {
    CRITICAL.contains(&kind)
}
