//! The OCPP message log over REST.

use futures_util::{StreamExt as _, stream::BoxStream};
use poem::Request;
use poem_openapi::{OpenApi, param::Query};
use stromtor_domain::{
    Timestamp,
    actor::Permission,
    network::{
        location::LocationId,
        ocpp_message::{Direction, MessageKind, OcppMessage},
        station::StationId,
    },
    page::PageRequest,
    tenancy::partner::PartnerId,
};
use stromtor_persistence::network::ocpp_message::{self, OcppMessageFilter};

use crate::{
    auth::Auth,
    list::{Listed, list},
    live::{self, StreamAuth, Streamed},
    problem::Answer,
    routes::Tag,
    state::App,
};

/// Operations on OCPP messages.
pub struct OcppMessageApi(pub App);

#[OpenApi(prefix_path = "/v1/ocpp-messages", tag = "Tag::OcppLog")]
impl OcppMessageApi {
    /// List OCPP messages
    ///
    /// What went over the wire between stations and us, newest first; secrets are masked. With `Accept: text/csv` an export.
    /// Where the log is sold (`monitoring`), refused with `product_needed` of a station that lacks it; of many stations those that lack
    /// it are left out.
    ///
    /// Permission: `ocpp_log:read`
    #[oai(path = "/", method = "get", operation_id = "ocpp_message_list")]
    async fn list(
        &self,
        request: &Request,
        Auth(actor): Auth,
        /// Of this operator's stations.
        partner_id: Query<Option<PartnerId>>,
        /// Of the stations at this location.
        location_id: Query<Option<LocationId>>,
        /// Of this station.
        station_id: Query<Option<StationId>>,
        /// With this action, for example `StartTransaction`.
        action: Query<Option<String>>,
        /// In this direction.
        direction: Query<Option<Direction>>,
        /// Of this kind.
        kind: Query<Option<MessageKind>>,
        /// With this message id: a call and its answer.
        message_id: Query<Option<String>>,
        /// At or after this time.
        from: Query<Option<Timestamp>>,
        /// Before this time.
        to: Query<Option<Timestamp>>,
        /// Items per page, 1 to 500; 50 when absent.
        limit: Query<Option<u32>>,
        /// Where to go on: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<OcppMessage>> {
        let filter = OcppMessageFilter {
            partner_id: partner_id.0,
            location_id: location_id.0,
            station_id: station_id.0,
            action: action.0,
            direction: direction.0,
            kind: kind.0,
            message_id: message_id.0,
            from: from.0,
            to: to.0,
        };
        list(
            &self.0,
            request,
            &actor,
            Permission::OcppLogRead,
            filter,
            PageRequest { limit: limit.0, cursor: cursor.0 },
        )
        .await
    }

    /// Follow the OCPP message log
    ///
    /// Server-sent events: every message from now on that the filters admit, within a second. In a browser use a stream ticket.
    ///
    /// Permission: `ocpp_log:read`
    #[oai(path = "/stream", method = "get", operation_id = "ocpp_message_stream")]
    async fn stream(
        &self,
        auth: StreamAuth,
        /// Of this operator's stations.
        partner_id: Query<Option<PartnerId>>,
        /// Of the stations at this location.
        location_id: Query<Option<LocationId>>,
        /// Of this station.
        station_id: Query<Option<StationId>>,
        /// With this action.
        action: Query<Option<String>>,
        /// In this direction.
        direction: Query<Option<Direction>>,
        /// Of this kind.
        kind: Query<Option<MessageKind>>,
    ) -> Answer<Streamed<BoxStream<'static, OcppMessage>, OcppMessage>> {
        let actor = auth.actor();
        let mut tx = self.0.begin(&actor, Permission::OcppLogRead).await?;
        let filter = OcppMessageFilter {
            partner_id: partner_id.0,
            location_id: location_id.0,
            station_id: station_id.0,
            action: action.0,
            direction: direction.0,
            kind: kind.0,
            ..OcppMessageFilter::default()
        };
        ocpp_message::hidden(&mut tx, &filter).await?;
        tx.commit().await?;
        Ok(Streamed::of(live::messages(self.0.clone(), actor, filter).boxed()))
    }
}
