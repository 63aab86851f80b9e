//! What a station reports, in words that hold for OCPP 1.6 and 2.x alike. The OCPP room translates wire messages into
//! these; rules and persistence know only these.
//!
//! Parsing is lenient: what could not be understood is kept raw and noted in `quirks`.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::{Timestamp, network::notice::Notice};

/// A station introduces itself (BootNotification).
#[derive(
    Debug,
    Clone,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    poem_openapi::Object,
    diesel::expression::AsExpression,
    diesel::deserialize::FromSqlRow,
)]
#[oai(skip_serializing_if_is_none)]
#[diesel(sql_type = diesel::sql_types::Jsonb)]
pub struct BootReport {
    /// Manufacturer, as the station spells it.
    pub vendor: Option<String>,
    /// Model, as the station spells it.
    pub model: Option<String>,
    /// Serial number of the station.
    pub serial_number: Option<String>,
    /// Firmware version.
    pub firmware_version: Option<String>,
    /// SIM card number.
    pub iccid: Option<String>,
    /// Mobile subscriber number.
    pub imsi: Option<String>,
    /// Meter type.
    pub meter_type: Option<String>,
    /// Meter serial number.
    pub meter_serial_number: Option<String>,
    /// Why it booted (OCPP 2.x), for example `PowerUp`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A connector's, or with connector 0 the whole station's, status (StatusNotification).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusReport {
    /// The station's own number of the connector; 0 is the station itself. Within the EVSE where one is named.
    pub connector: i32,
    /// The EVSE (OCPP 2.x).
    #[serde(default)]
    pub evse: Option<i32>,
    /// The status word as the station sent it, for example `SuspendedEV`.
    pub status: String,
    /// The error code as sent; `None` for `NoError` and empty texts.
    pub error_code: Option<String>,
    /// Free text.
    pub info: Option<String>,
    /// The vendor's own name space and error code.
    pub vendor_id: Option<String>,
    /// The vendor's own error code.
    pub vendor_error_code: Option<String>,
    /// The station's own time of the change; `None` when it sent none or an unreadable one.
    pub at: Option<Timestamp>,
}

/// A transaction began (StartTransaction; or the first TransactionEvent, whichever it is).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartReport {
    /// The station's own number of the connector.
    pub connector: i32,
    /// Who started, as sent (compared without case); OCPP 2.x may say so later.
    pub id_tag: Option<String>,
    /// How the token was presented, where the station says so.
    #[serde(default)]
    pub presented: Presented,
    /// Register at start in Wh; OCPP 2.x may say so later.
    pub meter_start: Option<Decimal>,
    /// The station's own time.
    pub at: Option<Timestamp>,
    /// The time exactly as sent: part of the idempotency key of a retry.
    pub at_raw: String,
    /// The reservation it ends; 0 and below count as none.
    pub reservation_id: Option<i32>,
    /// The station's own id of the transaction (OCPP 2.x).
    #[serde(default)]
    pub transaction: Option<String>,
    /// Whether a later message of the transaction came first.
    #[serde(default)]
    pub start_missing: bool,
}

choice! {
    /// How a token was presented.
    #[derive(Default)]
    pub enum Presented {
        /// At the station's reader, or unsaid.
        #[default]
        Local = "local",
        /// By a remote start.
        Remote = "remote",
        /// By the car (ISO 15118, MAC address).
        Car = "car",
        /// Nobody had to.
        Free = "free",
    }
}

/// Readings during a transaction or beside one (MeterValues).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeterReport {
    /// The station's own number of the connector, of the EVSE in OCPP 2.x; 0 is the station's main meter.
    pub connector: i32,
    /// Whether `connector` is the number of an EVSE (OCPP 2.x).
    #[serde(default)]
    pub is_evse: bool,
    /// The transaction, when the station names one; 0 and below count as none.
    pub transaction_id: Option<i64>,
    /// The readings.
    pub samples: Vec<SampleSet>,
}

/// A transaction ended (StopTransaction).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopReport {
    /// The transaction as the station names it; may be unknown, zero or negative.
    pub transaction_id: i64,
    /// Who stopped, when sent.
    pub id_tag: Option<String>,
    /// Register at end in Wh.
    pub meter_stop: Option<Decimal>,
    /// The station's own time.
    pub at: Option<Timestamp>,
    /// The time exactly as sent.
    pub at_raw: String,
    /// Why it stopped, as sent; `Local` when absent (OCPP 1.6 section 6.45).
    pub reason: String,
    /// Readings sent along (transactionData).
    pub samples: Vec<SampleSet>,
}

choice! {
    /// Where a transaction is.
    pub enum Phase {
        /// Its first event.
        Started = "started",
        /// In between.
        Updated = "updated",
        /// Its last event.
        Ended = "ended",
    }
}

/// An event of a transaction that the station numbers (OCPP 2.x TransactionEvent). Events may be late, repeated and in any
/// order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransactionReport {
    /// Where the transaction is.
    pub phase: Phase,
    /// The station's id of it, at most 36 characters by the specification.
    pub transaction: String,
    /// Number of the event within the transaction.
    pub seq_no: i64,
    /// What caused the event, for example `CablePluggedIn`.
    pub trigger: String,
    /// Whether it was kept while the station was offline.
    pub offline: bool,
    /// The EVSE, when sent.
    pub evse: Option<i32>,
    /// The connector within the EVSE, when sent.
    pub connector: Option<i32>,
    /// Who, when sent.
    pub id_tag: Option<String>,
    /// How the token was presented.
    pub presented: Presented,
    /// The reservation it ends.
    pub reservation_id: Option<i32>,
    /// The remote start it follows from.
    pub remote_start_id: Option<i32>,
    /// `Charging`, `EVConnected`, `SuspendedEV`, `SuspendedEVSE`, `Idle`.
    pub charging_state: Option<String>,
    /// Why it ended.
    pub stopped_reason: Option<String>,
    /// The station's own time.
    pub at: Option<Timestamp>,
    /// The time exactly as sent.
    pub at_raw: String,
    /// Readings.
    pub samples: Vec<SampleSet>,
}

/// Readings taken at one time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampleSet {
    /// The station's own time.
    pub at: Option<Timestamp>,
    /// The readings.
    pub values: Vec<Sample>,
}

/// One reading. Absent attributes are filled with the defaults of OCPP 1.6 section 7.43.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// The value byte for byte as sent: a decimal, or signed data.
    pub value: String,
    /// `Sample.Periodic`, `Transaction.Begin`, …
    pub context: String,
    /// Whether `value` is signed data (by format or by content).
    pub signed: bool,
    /// `Energy.Active.Import.Register`, `SoC`, …
    pub measurand: String,
    /// `L1`, `L1-N`, …
    pub phase: Option<String>,
    /// `Outlet`, `Inlet`, `EV`, …
    pub location: String,
    /// `Wh`, `kWh`, `W`, `Percent`, …; synonyms are mapped to the specification's spelling.
    pub unit: String,
}

/// A vendor's own message (DataTransfer).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataTransferReport {
    /// The vendor's name space.
    pub vendor_id: String,
    /// The vendor's message.
    pub message_id: Option<String>,
    /// Its content.
    pub data: Option<String>,
}

/// Anything a station reports that is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "report", rename_all = "snake_case")]
pub enum Report {
    /// BootNotification.
    Boot(BootReport),
    /// StatusNotification.
    Status(StatusReport),
    /// Authorize.
    Authorize {
        /// Who asks.
        id_tag: String,
    },
    /// StartTransaction.
    Start(StartReport),
    /// MeterValues.
    Meter(MeterReport),
    /// StopTransaction.
    Stop(StopReport),
    /// TransactionEvent.
    Transaction(TransactionReport),
    /// Anything beside charging.
    Notice(Notice),
}

impl Report {
    /// Whether a station repeats it for ever unless it is taken (OCPP 1.6 section 3.7).
    #[must_use]
    pub const fn is_of_transaction(&self) -> bool {
        matches!(self, Self::Start(_) | Self::Meter(_) | Self::Stop(_) | Self::Transaction(_))
    }
}
