//! Commands about the station as a whole.

use poem_openapi::Object;
use serde::{Deserialize, Serialize};

choice! {
    /// How a station restarts.
    pub enum ResetKind {
        /// When no transaction runs (OCPP 1.6 ends them first): `Soft`, `OnIdle`.
        Soft = "soft",
        /// At once: `Hard`, `Immediate`.
        Hard = "hard",
    }
}

choice! {
    /// What a station can be asked to send (OCPP 1.6 section 7.32, the security whitepaper, OCPP 2.0.1 MessageTriggerEnum).
    pub enum TriggerKind {
        /// BootNotification.
        BootNotification = "boot_notification",
        /// DiagnosticsStatusNotification; LogStatusNotification in OCPP 2.x.
        DiagnosticsStatus = "diagnostics_status",
        /// LogStatusNotification.
        LogStatus = "log_status",
        /// FirmwareStatusNotification.
        FirmwareStatus = "firmware_status",
        /// PublishFirmwareStatusNotification; OCPP 2.x alone.
        PublishFirmwareStatus = "publish_firmware_status",
        /// Heartbeat.
        Heartbeat = "heartbeat",
        /// MeterValues.
        MeterValues = "meter_values",
        /// StatusNotification.
        Status = "status",
        /// TransactionEvent; OCPP 2.x alone.
        TransactionEvent = "transaction_event",
        /// SignCertificate, of the station's own certificate.
        SignStationCertificate = "sign_station_certificate",
        /// SignCertificate, of the certificate towards cars.
        SignV2gCertificate = "sign_v2g_certificate",
        /// SignCertificate, of one for both; OCPP 2.x alone.
        SignCombinedCertificate = "sign_combined_certificate",
    }
}

/// Restarts the station.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(skip_serializing_if_is_none)]
pub struct Reset {
    /// How.
    pub kind: ResetKind,
    /// One EVSE alone; OCPP 2.x.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evse: Option<i32>,
}

/// Takes a connector or the whole station out of service, or back into it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
pub struct ChangeAvailability {
    /// The station's own number of the connector; 0 is the whole station.
    pub connector: i32,
    /// In service?
    pub operative: bool,
}

/// Reads parameters: configuration keys (OCPP 1.6) or variables (OCPP 2.x). What it says is kept at the station's
/// parameters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
pub struct GetParameters {
    /// Which; all when empty (OCPP 2.x answers with a report then).
    #[serde(default)]
    #[oai(default)]
    pub names: Vec<String>,
}

/// Sets a parameter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
pub struct SetParameter {
    /// Configuration key or variable; standard ones are translated for the station's version.
    pub name: String,
    /// Value, up to 500 characters (1,000 in OCPP 2.x). Values of secrets are masked in log, audit and command.
    pub value: String,
}

/// Empties the station's authorisation cache.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
pub struct ClearCache {}

/// Asks for the version of the local authorisation list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
pub struct GetLocalListVersion {}

/// Asks the station to send a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(skip_serializing_if_is_none)]
pub struct TriggerMessage {
    /// Which.
    pub message: TriggerKind,
    /// About which connector, 1 and up; all when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connector: Option<i32>,
}

/// A vendor's own message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(skip_serializing_if_is_none)]
pub struct DataTransfer {
    /// The vendor's name space, up to 255 characters.
    pub vendor_id: String,
    /// The vendor's message, up to 50 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// Its content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
}
