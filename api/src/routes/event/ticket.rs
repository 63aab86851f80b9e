//! Stream tickets over REST.

use poem_openapi::{Object, OpenApi, payload::Json};
use serde::Serialize;
use stromtor_domain::Timestamp;

use crate::{app::ticket, auth::Auth, problem::Answer, routes::Tag, state::App};

/// Operations on stream tickets.
pub struct TicketApi(pub App);

/// A ticket for one stream.
#[derive(Serialize, Object)]
struct StreamTicket {
    /// Send it as `ticket` in the stream's URL; it works once.
    ticket: String,
    /// Until then.
    expires_at: Timestamp,
}

#[OpenApi(prefix_path = "/v1/stream-tickets", tag = "Tag::Events")]
impl TicketApi {
    /// Create a stream ticket
    ///
    /// It stands for you on one stream, once, within 30 seconds: a browser's EventSource sends no header.
    ///
    /// Any valid token.
    #[oai(path = "/", method = "post", operation_id = "stream_ticket_create")]
    async fn create(&self, Auth(actor): Auth) -> Answer<Json<StreamTicket>> {
        let (ticket, expires_at) = ticket::issue(&self.0, &actor).await?;
        Ok(Json(StreamTicket { ticket, expires_at }))
    }
}
