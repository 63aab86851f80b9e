//! What went over the wire between OCPI peers and us.

use poem_openapi::Object;
use serde::{Deserialize, Serialize};
use stromtor_schema::schema::ocpi_message;

use super::ocpi_peer::OcpiPeerId;
use crate::{Timestamp, tenancy::partner::PartnerId};

id! {
    /// Id of an OCPI message.
    OcpiMessageId
}

choice! {
    /// Who called.
    pub enum OcpiDirection {
        /// The peer.
        In = "in",
        /// We.
        Out = "out",
    }
}

/// A call and its answer.
#[derive(
    Debug,
    Clone,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    Object,
    diesel::Queryable,
    diesel::Selectable,
    diesel::Insertable,
)]
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = ocpi_message, check_for_backend(diesel::pg::Pg))]
pub struct OcpiMessage {
    /// Id.
    pub id: OcpiMessageId,
    /// When the call came or went.
    pub at: Timestamp,
    /// The partner that the peer is connected to.
    pub partner_id: PartnerId,
    /// The peer.
    pub peer_id: OcpiPeerId,
    /// Who called.
    pub direction: OcpiDirection,
    /// HTTP method.
    pub method: String,
    /// What was called.
    pub url: String,
    /// The OCPI module.
    pub module: Option<String>,
    /// `X-Request-ID`.
    pub request_id: Option<String>,
    /// `X-Correlation-ID`.
    pub correlation_id: Option<String>,
    /// The call's body, at most 64 KiB; credentials' tokens are masked.
    pub request: Option<String>,
    /// HTTP status of the answer; absent where there was none.
    pub status: Option<i32>,
    /// OCPI's status of the answer.
    pub ocpi_status: Option<i32>,
    /// The answer's body, likewise.
    pub response: Option<String>,
    /// How long it took, in milliseconds.
    pub took_ms: i32,
    /// Why there is no whole answer.
    pub error: Option<String>,
}
