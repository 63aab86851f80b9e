//! OCPI peers over REST.

use poem::Request;
use poem_openapi::{
    OpenApi,
    param::{Header, Path, Query},
};
use stromtor_domain::{
    actor::{Actor, Permission},
    page::PageRequest,
    patch::Patch,
    roaming::ocpi_peer::{OcpiInvitation, OcpiPeer, OcpiPeerId, OcpiPeerInput, OcpiPeerState, OcpiRegistrationInput},
    tenancy::partner::PartnerId,
};
use stromtor_persistence::roaming::ocpi_peer::{self, OcpiPeerFilter};

use crate::{
    app::roam,
    auth::Auth,
    list::{Listed, list},
    problem::Answer,
    respond::{Body, Created, Done, Found, if_match},
    routes::Tag,
    state::App,
};

/// Operations on OCPI peers.
pub struct OcpiPeerApi(pub App);

#[OpenApi(prefix_path = "/v1/ocpi-peers", tag = "Tag::Roaming")]
impl OcpiPeerApi {
    /// List OCPI peers
    ///
    /// Platforms that are spoken with over OCPI: a provider's own, or a hub of many. Oldest first.
    ///
    /// Permission: `roaming:read`
    #[oai(path = "/", method = "get", operation_id = "ocpi_peer_list")]
    async fn list(
        &self,
        request: &Request,
        Auth(actor): Auth,
        /// Of this partner alone.
        partner_id: Query<Option<PartnerId>>,
        /// This far.
        state: Query<Option<OcpiPeerState>>,
        /// With this id of yours.
        external_id: Query<Option<String>>,
        /// Items per page, 1 to 500; 50 when absent.
        limit: Query<Option<u32>>,
        /// Where to go on: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<OcpiPeer>> {
        let page = PageRequest { limit: limit.0, cursor: cursor.0 };
        let filter = OcpiPeerFilter { partner_id: partner_id.0, state: state.0, external_id: external_id.0 };
        list(&self.0, request, &actor, Permission::RoamingRead, filter, page).await
    }

    /// Create an OCPI peer
    ///
    /// It is connected to a partner and those below it: their parties are what it sees. To exchange credentials, invite it or
    /// register with it.
    ///
    /// Permission: `roaming:write`
    #[oai(path = "/", method = "post", operation_id = "ocpi_peer_create")]
    async fn create(
        &self,
        Auth(actor): Auth,
        /// The partner that it is to be connected to; your own when absent.
        partner_id: Query<Option<PartnerId>>,
        Body(input): Body<OcpiPeerInput>,
    ) -> Answer<Created<OcpiPeer>> {
        let mut tx = self.0.begin(&actor, Permission::RoamingWrite).await?;
        let partner_id = tx.partner(partner_id.0).await?;
        let created = ocpi_peer::create(&mut tx, partner_id, input).await?;
        tx.commit().await?;
        Ok(Created::at(format!("/v1/ocpi-peers/{}", created.id), created.clone(), created.revision))
    }

    /// Read an OCPI peer
    ///
    /// Permission: `roaming:read`
    #[oai(path = "/:ocpi_peer_id", method = "get", operation_id = "ocpi_peer_get")]
    async fn get(&self, Auth(actor): Auth, ocpi_peer_id: Path<OcpiPeerId>) -> Answer<Found<OcpiPeer>> {
        let mut tx = self.0.begin(&actor, Permission::RoamingRead).await?;
        let found = ocpi_peer::get(&mut tx, ocpi_peer_id.0).await?;
        tx.commit().await?;
        let revision = found.revision;
        Ok(Found::versioned(found, revision))
    }

    /// Replace an OCPI peer
    ///
    /// What is absent from the body is cleared.
    ///
    /// Permission: `roaming:write`
    #[oai(path = "/:ocpi_peer_id", method = "put", operation_id = "ocpi_peer_replace")]
    async fn replace(
        &self,
        Auth(actor): Auth,
        ocpi_peer_id: Path<OcpiPeerId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
        Body(input): Body<OcpiPeerInput>,
    ) -> Answer<Found<OcpiPeer>> {
        self.change(&actor, ocpi_peer_id.0, if_match_header.0, move |_| Ok(input)).await
    }

    /// Change an OCPI peer
    ///
    /// Merge patch (RFC 7396).
    ///
    /// Permission: `roaming:write`
    #[oai(path = "/:ocpi_peer_id", method = "patch", operation_id = "ocpi_peer_patch")]
    async fn patch(
        &self,
        Auth(actor): Auth,
        ocpi_peer_id: Path<OcpiPeerId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
        Body(patch): Body<Patch<OcpiPeerInput>>,
    ) -> Answer<Found<OcpiPeer>> {
        self.change(&actor, ocpi_peer_id.0, if_match_header.0, move |current| patch.apply(current)).await
    }

    /// Delete an OCPI peer
    ///
    /// Refused with `peer_registered` while it is registered. Its providers stay business partners, for their sessions and CDRs.
    ///
    /// Permission: `roaming:write`
    #[oai(path = "/:ocpi_peer_id", method = "delete", operation_id = "ocpi_peer_delete")]
    async fn delete(
        &self,
        Auth(actor): Auth,
        ocpi_peer_id: Path<OcpiPeerId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
    ) -> Answer<Done> {
        let mut tx = self.0.begin(&actor, Permission::RoamingWrite).await?;
        ocpi_peer::remove(&mut tx, ocpi_peer_id.0, if_match(if_match_header.0)?).await?;
        tx.commit().await?;
        Ok(Done::NoContent)
    }

    /// Invite an OCPI peer
    ///
    /// A new registration token (OCPI's token A) for the peer, with which it fetches our versions and exchanges credentials; one
    /// that it had before is worth nothing from here on. Refused with `peer_registered` while it is registered.
    ///
    /// Permission: `roaming:write`
    #[oai(path = "/:ocpi_peer_id/invitation", method = "post", operation_id = "ocpi_peer_invite")]
    async fn invite(&self, Auth(actor): Auth, ocpi_peer_id: Path<OcpiPeerId>) -> Answer<Found<OcpiInvitation>> {
        Ok(Found::plain(roam::invite(&self.0, &actor, ocpi_peer_id.0).await?))
    }

    /// Register with an OCPI peer
    ///
    /// With the registration token that the peer gave: its versions are fetched and credentials exchanged. Refused with
    /// `no_ocpi_party` when there is nobody to speak for, with `peer_registered` while it is registered, and with `peer_failed` and
    /// the reason when the peer does not do its part; `/v1/ocpi-messages` has what was said.
    ///
    /// Permission: `roaming:write`
    #[oai(path = "/:ocpi_peer_id/register", method = "post", operation_id = "ocpi_peer_register")]
    async fn register(
        &self,
        Auth(actor): Auth,
        ocpi_peer_id: Path<OcpiPeerId>,
        Body(input): Body<OcpiRegistrationInput>,
    ) -> Answer<Found<OcpiPeer>> {
        let peer = roam::register(&self.0, &actor, ocpi_peer_id.0, &input).await?;
        let revision = peer.revision;
        Ok(Found::versioned(peer, revision))
    }

    /// End the registration of an OCPI peer
    ///
    /// It can neither call nor be called from here on, whether or not it can be told.
    ///
    /// Permission: `roaming:write`
    #[oai(path = "/:ocpi_peer_id/unregister", method = "post", operation_id = "ocpi_peer_unregister")]
    async fn unregister(&self, Auth(actor): Auth, ocpi_peer_id: Path<OcpiPeerId>) -> Answer<Found<OcpiPeer>> {
        let peer = roam::unregister(&self.0, &actor, ocpi_peer_id.0).await?;
        let revision = peer.revision;
        Ok(Found::versioned(peer, revision))
    }
}

impl OcpiPeerApi {
    async fn change(
        &self,
        actor: &Actor,
        id: OcpiPeerId,
        if_match_header: Option<String>,
        change: impl FnOnce(&OcpiPeerInput) -> stromtor_domain::Result<OcpiPeerInput> + Send,
    ) -> Answer<Found<OcpiPeer>> {
        let mut tx = self.0.begin(actor, Permission::RoamingWrite).await?;
        let changed = ocpi_peer::update(&mut tx, id, if_match(if_match_header)?, change).await?;
        tx.commit().await?;
        let revision = changed.revision;
        Ok(Found::versioned(changed, revision))
    }
}
