//! Every domain event, in one place. An event is written to the outbox in the transaction that caused it and leaves
//! over streams, webhooks and roaming; its payload is the resource's id and what a reader needs to decide whether to
//! look closer.

use poem_openapi::Object;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stromtor_schema::schema::event;
use uuid::Uuid;

use crate::{
    Timestamp,
    network::{location::LocationId, station::StationId},
    tenancy::partner::PartnerId,
};

id! {
    /// Id of an event.
    EventId
}

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
        /// A station came with a higher security profile than before, and must from now on.
        StationSecurityProfileRaised = "station.security_profile_raised",
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
        /// A product changed, or was assigned or ended somewhere.
        ProductChanged = "product.changed",
        /// A command changed its state.
        CommandChanged = "command.changed",
        /// A station reported a security event.
        SecurityEventReported = "security_event.reported",
        /// A monitor on a station reported something.
        MonitoringEventReported = "monitoring_event.reported",
        /// A car's needs or plan, or an external limit, changed.
        ChargingNoticeReported = "charging_notice.reported",
        /// A report that a station sends in parts is complete.
        StationReportCompleted = "station_report.completed",
        /// A reservation changed its state.
        ReservationChanged = "reservation.changed",
        /// A charging profile changed its state.
        ChargingProfileChanged = "charging_profile.changed",
        /// A log request changed its state.
        LogRequestChanged = "log_request.changed",
        /// A firmware update changed its state.
        FirmwareUpdateChanged = "firmware_update.changed",
        /// A firmware publication changed its state.
        FirmwarePublicationChanged = "firmware_publication.changed",
        /// A station's client certificate ends within 30 days, and there is no newer one.
        CertificateExpiring = "certificate.expiring",
        /// A station is to be seen on a roaming platform from now on, for the first time or again.
        PublicationPublished = "publication.published",
        /// A station is not to be seen on a roaming platform any more; what is wrong stands with it.
        PublicationWithdrawn = "publication.withdrawn",
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

/// An event as it was kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object, diesel::Queryable, diesel::Selectable)]
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = event, check_for_backend(diesel::pg::Pg))]
pub struct EventRow {
    /// Id.
    pub id: EventId,
    /// When.
    pub at: Timestamp,
    /// What happened.
    #[diesel(column_name = type_)]
    #[oai(rename = "type")]
    #[serde(rename = "type")]
    pub kind: EventType,
    /// The partner it belongs to.
    pub partner_id: PartnerId,
    /// The location it concerns.
    pub location_id: Option<LocationId>,
    /// The station it concerns.
    pub station_id: Option<StationId>,
    /// The resource it is about.
    pub resource_id: Uuid,
    /// What a reader needs to decide whether to look closer.
    pub data: serde_json::Value,
}
