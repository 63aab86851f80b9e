//! What a station's call says, whatever the version: the payload is read once, leniently, and what had to be forgiven is
//! noted.

use serde_json::Value;
use stromtor_domain::{
    network::{certificate::CsrReport, notice::Notice, progress::ProgressReport},
    session::report::{
        BootReport, DataTransferReport, MeterReport, StartReport, StatusReport, StopReport, TransactionReport,
    },
};

use crate::{
    backend::DataTransferReply,
    read::{Quirks, Wrong},
    v16, v201,
    version::Version,
};

/// A call of a station.
#[derive(Debug, Clone, PartialEq)]
pub enum Inbound {
    /// Heartbeat.
    Heartbeat,
    /// BootNotification.
    Boot(BootReport),
    /// StatusNotification.
    Status(StatusReport),
    /// Authorize; whether the car's certificate is to be judged too.
    Authorize {
        /// Who asks.
        id_tag: String,
        /// Hashes of the car's certificates (OCPP 2.x), for the upstream that can judge them.
        certificate: Option<Value>,
    },
    /// StartTransaction.
    Start(StartReport),
    /// MeterValues.
    Meter(MeterReport),
    /// StopTransaction.
    Stop(StopReport),
    /// TransactionEvent.
    Transaction(TransactionReport),
    /// DataTransfer.
    DataTransfer(DataTransferReport),
    /// Anything beside charging that is only taken note of.
    Notice(Notice),
    /// How far the station is with a log or firmware.
    Progress(ProgressReport),
    /// SignCertificate.
    SignCertificate(CsrReport),
    /// GetCertificateStatus: the payload for the upstream.
    CertificateStatus(Value),
    /// Get15118EVCertificate: the payload for the upstream.
    EvCertificate(Value),
    /// A call of OCPP 2.0.1 inside a DataTransfer of OCPP 1.6 (Plug & Charge), or what to say of one that cannot be read.
    PlugAndCharge(Result<Box<Inbound>, DataTransferReply>),
}

/// Why a call cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unread {
    /// A field cannot be understood.
    Wrong(Wrong),
    /// No such action.
    Unknown,
}

impl From<Wrong> for Unread {
    fn from(wrong: Wrong) -> Self {
        Self::Wrong(wrong)
    }
}

/// Reads a call.
pub fn read(version: Version, action: &str, payload: &Value, quirks: &mut Quirks) -> Result<Inbound, Unread> {
    match version {
        Version::V16 => v16::call::read(action, payload, quirks),
        Version::V201 => v201::call::read(action, payload, quirks),
    }
}
