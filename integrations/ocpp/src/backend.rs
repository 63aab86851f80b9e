//! What the gateway needs from the rest, in domain words. The API's `app::charge` implements it.

use std::net::IpAddr;

use async_trait::async_trait;
use stromtor_domain::{
    Timestamp,
    money::Total,
    network::{
        certificate::CsrReport, location::LocationId, notice::Notice, progress::ProgressReport, quirk::Quirk,
        station::StationId,
    },
    session::report::{
        BootReport, DataTransferReport, MeterReport, StartReport, StatusReport, StopReport, TransactionReport,
    },
    tenancy::partner::PartnerId,
};
use uuid::Uuid;

use crate::{read::Quirks, version::Version};

/// A station at the door.
#[derive(Debug, Clone)]
pub struct Knock {
    /// Last segment of the URL's path, decoded.
    pub identity: String,
    /// User and password of Basic authentication; the password as raw bytes.
    pub basic: Option<(String, Vec<u8>)>,
    /// Where it comes from.
    pub address: IpAddr,
    /// The sub-protocols it offers.
    pub protocols: Vec<String>,
    /// How it is connected.
    pub transport: Transport,
}

/// How a station is connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transport {
    /// Without TLS.
    Plain,
    /// With TLS.
    Tls {
        /// The certificate that it showed; the handshake has verified it.
        certificate: Option<ClientCertificate>,
    },
}

/// The names of a station's certificate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClientCertificate {
    /// Common name of the subject.
    pub common_name: Option<String>,
    /// DNS names among the subject's alternative names.
    pub dns_names: Vec<String>,
}

impl ClientCertificate {
    /// Whether it is the certificate of the station with this identity.
    #[must_use]
    pub fn names(&self, identity: &str) -> bool {
        self.common_name.as_deref() == Some(identity) || self.dns_names.iter().any(|name| name == identity)
    }
}

/// What becomes of it.
#[derive(Debug, Clone)]
pub enum Admission {
    /// Known, and it is who it says.
    Welcome(Link),
    /// Not known: HTTP 404.
    Unknown,
    /// Known, but the credentials are wrong or missing: HTTP 401.
    WrongCredentials,
    /// Too many attempts: HTTP 429.
    Throttled,
    /// We cannot tell for the moment: HTTP 503.
    Unavailable,
}

/// A known station: whose it is and how it is to be treated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The station.
    pub station_id: StationId,
    /// Its operator.
    pub partner_id: PartnerId,
    /// Its location.
    pub location_id: LocationId,
    /// Its OCPP identity.
    pub identity: String,
    /// What it was let in as: when that changes, the connection ends.
    pub door_revision: i64,
    /// Whether a connection without a sub-protocol counts as OCPP 1.6.
    pub accept_without_protocol: bool,
    /// Whether pings are sent; some stations break on them.
    pub ping: bool,
    /// Seconds between its heartbeats, as far as it is known.
    pub heartbeat_s: Option<u32>,
    /// Security profile of this connection: 0 nothing, 1 password, 2 password over TLS, 3 client certificate.
    pub security_profile: i16,
    /// Whether that is higher than the station had to come with so far.
    pub raises_profile: bool,
    /// How it is treated where it departs from the specification.
    pub tolerances: stromtor_domain::network::tolerance::Tolerances,
    /// What had to be forgiven to let it in.
    pub quirks: Quirks,
}

/// The backend cannot take it for the moment; nothing was changed. The station must not get a false success.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the backend is not available")]
pub struct Unavailable;

/// `Ok`, or try again.
pub type Reply<T> = Result<T, Unavailable>;

/// Answer to BootNotification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BootReply {
    /// Seconds between heartbeats.
    pub interval_s: u32,
}

/// Words of `IdTagInfo.status` (OCPP 1.6 section 7.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TagStatus {
    /// May charge.
    Accepted,
    /// Is blocked.
    Blocked,
    /// Has expired.
    Expired,
    /// Is not known.
    Invalid,
    /// Is charging elsewhere.
    ConcurrentTx,
}

/// Who may charge (OCPP 1.6 section 7.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagInfo {
    /// The decision.
    pub status: TagStatus,
    /// Until when the station may remember it.
    pub expires_at: Option<Timestamp>,
    /// The group.
    pub parent: Option<String>,
}

/// Answer to StartTransaction. There always is a number: stations break without one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartReply {
    /// The transaction's number.
    pub transaction_id: i32,
    /// The decision.
    pub tag: TagInfo,
}

/// Answer to TransactionEvent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TransactionReply {
    /// The decision, when the event named a token.
    pub tag: Option<TagInfo>,
    /// What it costs with VAT, when it has ended and that is known.
    pub total_cost: Option<Total>,
}

/// Answer to DataTransfer (OCPP 1.6 section 7.12).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataTransferReply {
    /// Understood.
    Accepted,
    /// The vendor is known, the message is not.
    UnknownMessageId,
    /// The vendor is not known.
    UnknownVendorId,
    /// The message is known, its content cannot be read.
    Rejected,
}

/// Which way a message went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the station.
    In,
    /// To the station.
    Out,
}

/// What a message was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// CALL.
    Call,
    /// CALLRESULT.
    Result,
    /// CALLERROR.
    Error,
    /// Not a frame.
    Invalid,
}

/// A message for the log.
#[derive(Debug, Clone)]
pub struct Logged {
    /// When.
    pub at: Timestamp,
    /// Station, operator and location.
    pub link: std::sync::Arc<Link>,
    /// Which way.
    pub direction: Direction,
    /// What.
    pub kind: Kind,
    /// Action; of the call, for an answer.
    pub action: Option<String>,
    /// Message id.
    pub message_id: Option<String>,
    /// As on the wire, secrets masked.
    pub payload: String,
    /// What was wrong with it.
    pub quirks: Quirks,
}

/// What the gateway asks and reports.
///
/// Everything that returns [`Reply`] is durable when it returns `Ok`: the station is answered after that.
#[async_trait]
pub trait Backend: Send + Sync + 'static {
    /// Whether a station may come in. Unknown ones are remembered by the backend.
    async fn admit(&self, knock: Knock) -> Admission;
    /// A station is in; returns the epoch of this connection, higher than any before.
    async fn connected(&self, link: &Link, version: Version, address: IpAddr) -> Reply<i64>;
    /// The connection of this epoch is gone, and why; without effect on the station's state when there is a newer one.
    async fn disconnected(&self, link: &Link, epoch: i64, reason: &'static str);
    /// The station gave a sign of life; written behind.
    fn seen(&self, link: &Link);
    /// BootNotification.
    async fn boot(&self, link: &Link, version: Version, report: BootReport) -> Reply<BootReply>;
    /// StatusNotification.
    async fn status(&self, link: &Link, report: StatusReport) -> Reply<()>;
    /// Authorize.
    async fn authorize(&self, link: &Link, id_tag: String) -> Reply<TagInfo>;
    /// StartTransaction.
    async fn start(&self, link: &Link, report: StartReport) -> Reply<StartReply>;
    /// MeterValues.
    async fn meter(&self, link: &Link, report: MeterReport) -> Reply<()>;
    /// StopTransaction.
    async fn stop(&self, link: &Link, report: StopReport) -> Reply<Option<TagInfo>>;
    /// TransactionEvent.
    async fn transaction(&self, link: &Link, report: TransactionReport) -> Reply<TransactionReply>;
    /// Anything beside charging that is taken note of.
    async fn notice(&self, link: &Link, notice: Notice) -> Reply<()>;
    /// What the certificate upstream answers to `kind` (`authorize`, `certificate_status`, `ev_certificate`), whose OCPP
    /// payload is `request`; `None` without one, or when it fails.
    async fn certificates(&self, link: &Link, kind: &'static str, request: &serde_json::Value) -> Option<String>;
    /// DataTransfer.
    async fn data_transfer(&self, link: &Link, report: DataTransferReport) -> Reply<DataTransferReply>;
    /// A status message about a log or firmware.
    async fn progress(&self, link: &Link, report: ProgressReport) -> Reply<()>;
    /// SignCertificate: whether a certificate may come.
    async fn sign_certificate(&self, link: &Link, report: CsrReport) -> Reply<bool>;
    /// Whether a TLS handshake with this address is begun; it is not after many that failed.
    fn may_shake(&self, address: IpAddr) -> bool;
    /// How a TLS handshake with this address ended.
    fn shook(&self, address: IpAddr, fine: bool);
    /// Something had to be forgiven that stands in no message.
    fn quirk(&self, link: &Link, quirk: Quirk);
    /// A message went over the wire. Must not block; written in batches.
    fn log(&self, message: Logged);
    /// Now.
    fn now(&self) -> Timestamp;
    /// A new message id.
    fn id(&self) -> Uuid;
}
