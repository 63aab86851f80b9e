//! What went over the wire between OCPI peers and us, over REST.

use poem::Request;
use poem_openapi::{
    OpenApi,
    param::{Path, Query},
};
use stromtor_domain::{
    Timestamp,
    actor::Permission,
    page::PageRequest,
    roaming::{
        ocpi_message::{OcpiDirection, OcpiMessage, OcpiMessageId},
        ocpi_peer::OcpiPeerId,
    },
    tenancy::partner::PartnerId,
};
use stromtor_persistence::roaming::ocpi_message::{self, OcpiMessageFilter};

use crate::{
    auth::Auth,
    list::{Listed, list},
    problem::Answer,
    respond::Found,
    routes::Tag,
    state::App,
};

/// Operations on OCPI messages.
pub struct OcpiMessageApi(pub App);

#[OpenApi(prefix_path = "/v1/ocpi-messages", tag = "Tag::Roaming")]
impl OcpiMessageApi {
    /// List OCPI messages
    ///
    /// Every call between peers and us with its answer, newest first. Bodies are cut at 64 KiB; credentials' tokens are masked.
    ///
    /// Permission: `roaming:read`
    #[oai(path = "/", method = "get", operation_id = "ocpi_message_list")]
    async fn list(
        &self,
        request: &Request,
        Auth(actor): Auth,
        /// Of this partner's peers alone.
        partner_id: Query<Option<PartnerId>>,
        /// With this peer.
        peer_id: Query<Option<OcpiPeerId>>,
        /// Called by the peer (`in`) or by us (`out`).
        direction: Query<Option<OcpiDirection>>,
        /// Of this module: `credentials`, `tokens` and so on.
        module: Query<Option<String>>,
        /// Only those that failed, or that did not.
        failed: Query<Option<bool>>,
        /// At or after this time.
        from: Query<Option<Timestamp>>,
        /// Before this time.
        to: Query<Option<Timestamp>>,
        /// Items per page, 1 to 500; 50 when absent.
        limit: Query<Option<u32>>,
        /// Where to go on: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<OcpiMessage>> {
        let filter = OcpiMessageFilter {
            partner_id: partner_id.0,
            peer_id: peer_id.0,
            direction: direction.0,
            module: module.0,
            failed: failed.0,
            from: from.0,
            to: to.0,
        };
        let page = PageRequest { limit: limit.0, cursor: cursor.0 };
        list(&self.0, request, &actor, Permission::RoamingRead, filter, page).await
    }

    /// Read an OCPI message
    ///
    /// Permission: `roaming:read`
    #[oai(path = "/:ocpi_message_id", method = "get", operation_id = "ocpi_message_get")]
    async fn get(&self, Auth(actor): Auth, ocpi_message_id: Path<OcpiMessageId>) -> Answer<Found<OcpiMessage>> {
        let mut tx = self.0.begin(&actor, Permission::RoamingRead).await?;
        let found = ocpi_message::get(&mut tx, ocpi_message_id.0).await?;
        tx.commit().await?;
        Ok(Found::plain(found))
    }
}
