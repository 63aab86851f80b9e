//! Who operators are in OCPI, over REST.

use poem::Request;
use poem_openapi::{
    OpenApi,
    param::{Header, Path, Query},
};
use stromtor_domain::{
    actor::{Actor, Permission},
    page::PageRequest,
    patch::Patch,
    roaming::ocpi_party::{OcpiParty, OcpiPartyId, OcpiPartyInput},
    tenancy::partner::PartnerId,
};
use stromtor_persistence::roaming::ocpi_party::{self, OcpiPartyFilter};

use crate::{
    auth::Auth,
    list::{Listed, list},
    problem::Answer,
    respond::{Body, Created, Done, Found, if_match},
    routes::Tag,
    state::App,
};

/// Operations on OCPI parties.
pub struct OcpiPartyApi(pub App);

#[OpenApi(prefix_path = "/v1/ocpi-parties", tag = "Tag::Roaming")]
impl OcpiPartyApi {
    /// List OCPI parties
    ///
    /// Who operators are in OCPI: country and party, which every object and header there names. Oldest first.
    ///
    /// Permission: `roaming:read`
    #[oai(path = "/", method = "get", operation_id = "ocpi_party_list")]
    async fn list(
        &self,
        request: &Request,
        Auth(actor): Auth,
        /// Of this partner alone.
        partner_id: Query<Option<PartnerId>>,
        /// Items per page, 1 to 500; 50 when absent.
        limit: Query<Option<u32>>,
        /// Where to go on: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<OcpiParty>> {
        let page = PageRequest { limit: limit.0, cursor: cursor.0 };
        let filter = OcpiPartyFilter { partner_id: partner_id.0 };
        list(&self.0, request, &actor, Permission::RoamingRead, filter, page).await
    }

    /// Create an OCPI party
    ///
    /// An operator has one at the most, and no two operators have the same. Every peer that is connected to the operator or to a
    /// partner above it is told of the party when credentials are exchanged.
    ///
    /// Permission: `roaming:write`
    #[oai(path = "/", method = "post", operation_id = "ocpi_party_create")]
    async fn create(
        &self,
        Auth(actor): Auth,
        /// The operator that it stands for; your own partner when absent.
        partner_id: Query<Option<PartnerId>>,
        Body(input): Body<OcpiPartyInput>,
    ) -> Answer<Created<OcpiParty>> {
        let mut tx = self.0.begin(&actor, Permission::RoamingWrite).await?;
        let partner_id = tx.partner(partner_id.0).await?;
        let created = ocpi_party::create(&mut tx, partner_id, input).await?;
        tx.commit().await?;
        Ok(Created::at(format!("/v1/ocpi-parties/{}", created.id), created.clone(), created.revision))
    }

    /// Read an OCPI party
    ///
    /// Permission: `roaming:read`
    #[oai(path = "/:ocpi_party_id", method = "get", operation_id = "ocpi_party_get")]
    async fn get(&self, Auth(actor): Auth, ocpi_party_id: Path<OcpiPartyId>) -> Answer<Found<OcpiParty>> {
        let mut tx = self.0.begin(&actor, Permission::RoamingRead).await?;
        let found = ocpi_party::get(&mut tx, ocpi_party_id.0).await?;
        tx.commit().await?;
        let revision = found.revision;
        Ok(Found::versioned(found, revision))
    }

    /// Replace an OCPI party
    ///
    /// What is absent from the body is cleared.
    ///
    /// Permission: `roaming:write`
    #[oai(path = "/:ocpi_party_id", method = "put", operation_id = "ocpi_party_replace")]
    async fn replace(
        &self,
        Auth(actor): Auth,
        ocpi_party_id: Path<OcpiPartyId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
        Body(input): Body<OcpiPartyInput>,
    ) -> Answer<Found<OcpiParty>> {
        self.change(&actor, ocpi_party_id.0, if_match_header.0, move |_| Ok(input)).await
    }

    /// Change an OCPI party
    ///
    /// Merge patch (RFC 7396).
    ///
    /// Permission: `roaming:write`
    #[oai(path = "/:ocpi_party_id", method = "patch", operation_id = "ocpi_party_patch")]
    async fn patch(
        &self,
        Auth(actor): Auth,
        ocpi_party_id: Path<OcpiPartyId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
        Body(patch): Body<Patch<OcpiPartyInput>>,
    ) -> Answer<Found<OcpiParty>> {
        self.change(&actor, ocpi_party_id.0, if_match_header.0, move |current| patch.apply(current)).await
    }

    /// Delete an OCPI party
    ///
    /// Peers are not told of it before credentials are exchanged again.
    ///
    /// Permission: `roaming:write`
    #[oai(path = "/:ocpi_party_id", method = "delete", operation_id = "ocpi_party_delete")]
    async fn delete(
        &self,
        Auth(actor): Auth,
        ocpi_party_id: Path<OcpiPartyId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
    ) -> Answer<Done> {
        let mut tx = self.0.begin(&actor, Permission::RoamingWrite).await?;
        ocpi_party::delete(&mut tx, ocpi_party_id.0, if_match(if_match_header.0)?).await?;
        tx.commit().await?;
        Ok(Done::NoContent)
    }
}

impl OcpiPartyApi {
    async fn change(
        &self,
        actor: &Actor,
        id: OcpiPartyId,
        if_match_header: Option<String>,
        change: impl FnOnce(&OcpiPartyInput) -> stromtor_domain::Result<OcpiPartyInput> + Send,
    ) -> Answer<Found<OcpiParty>> {
        let mut tx = self.0.begin(actor, Permission::RoamingWrite).await?;
        let changed = ocpi_party::update(&mut tx, id, if_match(if_match_header)?, change).await?;
        tx.commit().await?;
        let revision = changed.revision;
        Ok(Found::versioned(changed, revision))
    }
}
