//! Events over REST.

use futures_util::{StreamExt as _, stream::BoxStream};
use poem::Request;
use poem_openapi::{OpenApi, param::Query};
use stromtor_domain::{
    Timestamp,
    actor::Permission,
    event::{EventRow, EventType},
    network::{location::LocationId, station::StationId},
    page::PageRequest,
    tenancy::partner::PartnerId,
};
use stromtor_persistence::event::EventFilter;
use uuid::Uuid;

use crate::{
    auth::Auth,
    list::{Listed, list},
    live::{self, StreamAuth, Streamed},
    problem::Answer,
    routes::Tag,
    state::App,
};

/// Operations on events.
pub struct EventApi(pub App);

#[OpenApi(prefix_path = "/v1/events", tag = "Tag::Events")]
impl EventApi {
    /// List events
    ///
    /// What happened, newest first, as far back as events are kept.
    ///
    /// Permission: `event:read`
    #[oai(path = "/", method = "get", operation_id = "event_list")]
    async fn list(
        &self,
        request: &Request,
        Auth(actor): Auth,
        /// Of this partner alone.
        partner_id: Query<Option<PartnerId>>,
        /// At this location.
        location_id: Query<Option<LocationId>>,
        /// At this station.
        station_id: Query<Option<StationId>>,
        /// About this resource.
        resource_id: Query<Option<Uuid>>,
        /// Of this type.
        #[oai(name = "type")]
        kind: Query<Option<EventType>>,
        /// At or after this time.
        from: Query<Option<Timestamp>>,
        /// Before this time.
        to: Query<Option<Timestamp>>,
        /// Items per page, 1 to 500; 50 when absent.
        limit: Query<Option<u32>>,
        /// Where to go on: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<EventRow>> {
        let filter = EventFilter {
            partner_id: partner_id.0,
            location_id: location_id.0,
            station_id: station_id.0,
            resource_id: resource_id.0,
            kind: kind.0,
            from: from.0,
            to: to.0,
        };
        list(&self.0, request, &actor, Permission::EventRead, filter, PageRequest { limit: limit.0, cursor: cursor.0 })
            .await
    }

    /// Follow events
    ///
    /// Server-sent events: every event from now on that the filters admit, within a second. In a browser use a stream ticket.
    ///
    /// Permission: `event:read`
    #[oai(path = "/stream", method = "get", operation_id = "event_stream")]
    async fn stream(
        &self,
        auth: StreamAuth,
        /// Of this partner alone.
        partner_id: Query<Option<PartnerId>>,
        /// At this location.
        location_id: Query<Option<LocationId>>,
        /// At this station.
        station_id: Query<Option<StationId>>,
        /// Of this type.
        #[oai(name = "type")]
        kind: Query<Option<EventType>>,
    ) -> Answer<Streamed<BoxStream<'static, EventRow>, EventRow>> {
        let actor = auth.actor();
        self.0.begin(&actor, Permission::EventRead).await?.commit().await?;
        let filter = EventFilter {
            partner_id: partner_id.0,
            location_id: location_id.0,
            station_id: station_id.0,
            kind: kind.0,
            ..EventFilter::default()
        };
        Ok(Streamed::of(live::events(self.0.clone(), actor, filter).boxed()))
    }
}
