//! Every domain event, in one place. An event is written to the outbox in the transaction that caused it and leaves
//! over streams, webhooks and roaming; its payload is the resource's id and what a reader needs to decide whether to
//! look closer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

choice! {
    /// What happened. The part before the dot is the topic's resource.
    pub enum EventType {
        /// A location was created, changed or deleted.
        LocationChanged = "location.changed",
        /// A station was created, changed, moved, dismantled or deleted.
        StationChanged = "station.changed",
        /// A station's connection opened.
        StationConnected = "station.connected",
        /// A station's connection closed.
        StationDisconnected = "station.disconnected",
        /// A station booted.
        StationBooted = "station.booted",
        /// A connector's or charge point's status changed.
        StatusChanged = "status.changed",
        /// A driver was let in or refused.
        AuthorizationDecided = "authorization.decided",
        /// A session began.
        SessionStarted = "session.started",
        /// A session's readings went on.
        SessionUpdated = "session.updated",
        /// A session ended.
        SessionEnded = "session.ended",
        /// A session was priced: its CDR exists.
        CdrCreated = "cdr.created",
        /// A CDR is held back: its measurement may not be billed.
        CdrHeld = "cdr.held",
        /// A tariff or an assignment changed.
        TariffChanged = "tariff.changed",
        /// A command changed its state.
        CommandChanged = "command.changed",
    }
}

/// One event as it stands in the outbox and leaves over streams and webhooks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// What happened.
    #[serde(rename = "type")]
    pub kind: EventType,
    /// The partner it belongs to.
    pub partner_id: Uuid,
    /// The station it concerns, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub station_id: Option<Uuid>,
    /// The location it concerns, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location_id: Option<Uuid>,
    /// The resource it is about.
    pub resource_id: Uuid,
    /// What a reader needs to decide whether to look closer.
    pub data: serde_json::Value,
}
