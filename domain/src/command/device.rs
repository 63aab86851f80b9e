//! Commands about the device model, monitors, displays, customers and networks. OCPP 2.x alone.

use poem_openapi::Object;
use serde::{Deserialize, Serialize};

use crate::{Timestamp, session::session::SessionId};

choice! {
    /// What a base report holds (OCPP 2.0.1 ReportBaseEnumType).
    pub enum ReportBase {
        /// What can be set.
        Configuration = "configuration",
        /// Everything.
        Full = "full",
        /// What is out of order.
        Summary = "summary",
    }
}

choice! {
    /// Which components a report is about (OCPP 2.0.1 ComponentCriterionEnumType).
    pub enum ComponentCriterion {
        /// Those that are active.
        Active = "active",
        /// Those that are there.
        Available = "available",
        /// Those that are enabled.
        Enabled = "enabled",
        /// Those with a problem.
        Problem = "problem",
    }
}

choice! {
    /// Which monitors are set (OCPP 2.0.1 MonitoringBaseEnumType).
    pub enum MonitoringBase {
        /// All that the manufacturer prepared, our own kept.
        All = "all",
        /// As it left the factory.
        FactoryDefault = "factory_default",
        /// Those in hardware alone.
        HardWiredOnly = "hard_wired_only",
    }
}

choice! {
    /// Kind of a monitor (OCPP 2.0.1 MonitorEnumType).
    pub enum MonitorKind {
        /// Above a value.
        UpperThreshold = "upper_threshold",
        /// Below a value.
        LowerThreshold = "lower_threshold",
        /// Changed by a value.
        Delta = "delta",
        /// Every so many seconds.
        Periodic = "periodic",
        /// Every so many seconds, from midnight on.
        PeriodicClockAligned = "periodic_clock_aligned",
    }
}

choice! {
    /// Which monitors a report is about (OCPP 2.0.1 MonitoringCriterionEnumType).
    pub enum MonitoringCriterion {
        /// Thresholds.
        Threshold = "threshold",
        /// Deltas.
        Delta = "delta",
        /// Periodic ones.
        Periodic = "periodic",
    }
}

choice! {
    /// How a message is shown among others (OCPP 2.0.1 MessagePriorityEnumType).
    pub enum MessagePriority {
        /// Always, in front of all.
        AlwaysFront = "always_front",
        /// In front of those of normal priority.
        InFront = "in_front",
        /// In turn.
        NormalCycle = "normal_cycle",
    }
}

choice! {
    /// When a message is shown (OCPP 2.0.1 MessageStateEnumType).
    pub enum MessageState {
        /// While it charges.
        Charging = "charging",
        /// While it is faulted.
        Faulted = "faulted",
        /// While it is free.
        Idle = "idle",
        /// While it is unavailable.
        Unavailable = "unavailable",
    }
}

choice! {
    /// How a message is written (OCPP 2.0.1 MessageFormatEnumType).
    pub enum MessageFormat {
        /// Letters without accents.
        Ascii = "ascii",
        /// HTML.
        Html = "html",
        /// The address of a page.
        Uri = "uri",
        /// Text.
        Utf8 = "utf8",
    }
}

choice! {
    /// A station's network interface (OCPP 2.0.1 OCPPInterfaceEnumType).
    pub enum NetworkInterface {
        /// Wired, the first.
        Wired0 = "wired0",
        /// Wired, the second.
        Wired1 = "wired1",
        /// Wireless, the first.
        Wireless0 = "wireless0",
        /// Wireless, the second.
        Wireless1 = "wireless1",
    }
}

/// Asks for the device model. It arrives as a station report, and its variables as the station's parameters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(skip_serializing_if_is_none)]
pub struct GetReport {
    /// A base report; absent for one of the components below.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<ReportBase>,
    /// Components of these kinds.
    #[serde(default)]
    #[oai(default)]
    pub criteria: Vec<ComponentCriterion>,
    /// These variables, `Component/Variable`.
    #[serde(default)]
    #[oai(default)]
    pub names: Vec<String>,
}

/// Sets which prepared monitors watch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
pub struct SetMonitoringBase {
    /// Which.
    pub base: MonitoringBase,
}

/// Sets which events are reported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
pub struct SetMonitoringLevel {
    /// Events of this severity and graver: 0 (danger) to 9 (debug).
    pub severity: i32,
}

/// A monitor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(skip_serializing_if_is_none)]
pub struct Monitor {
    /// The monitor to replace; a new one when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<i32>,
    /// The variable, `Component/Variable`.
    pub name: String,
    /// Kind.
    pub kind: MonitorKind,
    /// Threshold, difference or seconds, as a decimal text.
    pub value: String,
    /// 0 (danger) to 9 (debug).
    pub severity: i32,
    /// Only during transactions.
    #[serde(default)]
    #[oai(default)]
    pub transaction: bool,
}

/// Sets monitors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
pub struct SetMonitors {
    /// 1 to 50 monitors.
    pub monitors: Vec<Monitor>,
}

/// Takes monitors away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
pub struct ClearMonitors {
    /// 1 to 50 numbers of monitors.
    pub ids: Vec<i32>,
}

/// Asks for monitors; they arrive as a station report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
pub struct GetMonitoringReport {
    /// Of these kinds.
    #[serde(default)]
    #[oai(default)]
    pub criteria: Vec<MonitoringCriterion>,
    /// On these variables, `Component/Variable`.
    #[serde(default)]
    #[oai(default)]
    pub names: Vec<String>,
}

/// Shows a message on the station's display.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(skip_serializing_if_is_none)]
pub struct SetDisplayMessage {
    /// Number of the message; one with the same number is replaced.
    pub id: i32,
    /// How it is shown among others.
    pub priority: MessagePriority,
    /// When it is shown; always when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<MessageState>,
    /// From when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// Until when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Timestamp>,
    /// During this session alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
    /// How it is written.
    pub format: MessageFormat,
    /// Language, RFC 5646, up to 8 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Text, up to 512 characters.
    pub content: String,
}

/// Asks for display messages; they arrive as a station report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(skip_serializing_if_is_none)]
pub struct GetDisplayMessages {
    /// These; all when empty.
    #[serde(default)]
    #[oai(default)]
    pub ids: Vec<i32>,
    /// Of this priority.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<MessagePriority>,
    /// Shown in this state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<MessageState>,
}

/// Takes a display message away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
pub struct ClearDisplayMessage {
    /// Its number.
    pub id: i32,
}

/// Asks for, or erases, what a station keeps about a customer. Names one of token and identifier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(skip_serializing_if_is_none)]
pub struct CustomerInformation {
    /// Whether it is to be sent; it arrives as a station report.
    pub report: bool,
    /// Whether it is to be erased.
    pub clear: bool,
    /// UID of the customer's token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_uid: Option<String>,
    /// A name that the vendor understands, up to 64 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer_identifier: Option<String>,
}

/// Tells the station how else it can reach us.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
pub struct SetNetworkProfile {
    /// Slot, 0 and up.
    pub slot: i32,
    /// URL without the station's identity, `ws://` or `wss://`, up to 512 characters.
    pub url: String,
    /// `ocpp1.6` or `ocpp2.0.1`.
    pub ocpp_version: String,
    /// Security profile, 0 to 3.
    pub security_profile: i32,
    /// Seconds until a message counts as lost, 1 to 600.
    pub message_timeout_s: i32,
    /// Which interface.
    pub interface: NetworkInterface,
}
