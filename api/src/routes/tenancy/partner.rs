//! Business partners over REST.

use poem::Request;
use poem_openapi::{
    OpenApi,
    param::{Header, Path, Query},
};
use stromtor_domain::{
    Timestamp,
    actor::{Actor, Permission},
    page::PageRequest,
    patch::Patch,
    tenancy::partner::{Partner, PartnerId, PartnerInput, PartnerKind},
};
use stromtor_persistence::tenancy::partner::{self, PartnerFilter};

use crate::{
    auth::Auth,
    list::{Listed, list},
    problem::Answer,
    respond::{Body, Created, Done, Found, if_match},
    routes::Tag,
    state::App,
};

/// Operations on business partners.
pub struct PartnerApi(pub App);

#[OpenApi(prefix_path = "/v1/partners", tag = "Tag::Partners")]
impl PartnerApi {
    /// List business partners
    ///
    /// Every business partner in your scope, oldest first, a page at a time.
    ///
    /// Permission: `partner:read`
    #[oai(path = "/", method = "get", operation_id = "partner_list")]
    async fn list(
        &self,
        request: &Request,
        Auth(actor): Auth,
        /// Directly below this partner.
        parent_id: Query<Option<PartnerId>>,
        /// Of this kind.
        kind: Query<Option<PartnerKind>>,
        /// With this number in accounting.
        debtor_number: Query<Option<String>>,
        /// With this id of yours.
        external_id: Query<Option<String>>,
        /// Changed at or after this time.
        updated_since: Query<Option<Timestamp>>,
        /// Items per page, 1 to 500; 50 when absent.
        limit: Query<Option<u32>>,
        /// Where to go on: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<Partner>> {
        let filter = PartnerFilter {
            parent_id: parent_id.0,
            kind: kind.0,
            debtor_number: debtor_number.0,
            external_id: external_id.0,
            updated_since: updated_since.0,
        };
        list(
            &self.0,
            request,
            &actor,
            Permission::PartnerRead,
            filter,
            PageRequest { limit: limit.0, cursor: cursor.0 },
        )
        .await
    }

    /// Create a business partner
    ///
    /// It stands below your partner unless `parent_id` names one below it.
    ///
    /// Permission: `partner:write`
    #[oai(path = "/", method = "post", operation_id = "partner_create")]
    async fn create(
        &self,
        Auth(actor): Auth,
        /// The partner it is to stand below; your own when absent.
        parent_id: Query<Option<PartnerId>>,
        Body(input): Body<PartnerInput>,
    ) -> Answer<Created<Partner>> {
        let mut tx = self.0.begin(&actor, Permission::PartnerWrite).await?;
        let parent_id = tx.partner(parent_id.0).await?;
        let created = partner::create(&mut tx, parent_id, input).await?;
        tx.commit().await?;
        Ok(Created::at(format!("/v1/partners/{}", created.id), created.clone(), created.revision))
    }

    /// Read a business partner
    ///
    /// Permission: `partner:read`
    #[oai(path = "/:partner_id", method = "get", operation_id = "partner_get")]
    async fn get(&self, Auth(actor): Auth, partner_id: Path<PartnerId>) -> Answer<Found<Partner>> {
        let mut tx = self.0.begin(&actor, Permission::PartnerRead).await?;
        let found = partner::get(&mut tx, partner_id.0).await?;
        tx.commit().await?;
        let revision = found.revision;
        Ok(Found::versioned(found, revision))
    }

    /// Replace a business partner
    ///
    /// What is absent from the body is cleared.
    ///
    /// Permission: `partner:write`
    #[oai(path = "/:partner_id", method = "put", operation_id = "partner_replace")]
    async fn replace(
        &self,
        Auth(actor): Auth,
        partner_id: Path<PartnerId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
        Body(input): Body<PartnerInput>,
    ) -> Answer<Found<Partner>> {
        self.change(&actor, partner_id.0, if_match_header.0, move |_| Ok(input)).await
    }

    /// Change a business partner
    ///
    /// Merge patch (RFC 7396).
    ///
    /// Permission: `partner:write`
    #[oai(path = "/:partner_id", method = "patch", operation_id = "partner_patch")]
    async fn patch(
        &self,
        Auth(actor): Auth,
        partner_id: Path<PartnerId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
        Body(patch): Body<Patch<PartnerInput>>,
    ) -> Answer<Found<Partner>> {
        self.change(&actor, partner_id.0, if_match_header.0, move |current| patch.apply(current)).await
    }

    /// Delete a business partner
    ///
    /// Refused with `in_use` while other resources refer to it.
    ///
    /// Permission: `partner:write`
    #[oai(path = "/:partner_id", method = "delete", operation_id = "partner_delete")]
    async fn delete(
        &self,
        Auth(actor): Auth,
        partner_id: Path<PartnerId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
    ) -> Answer<Done> {
        let mut tx = self.0.begin(&actor, Permission::PartnerWrite).await?;
        partner::delete(&mut tx, partner_id.0, if_match(if_match_header.0)?).await?;
        tx.commit().await?;
        Ok(Done::NoContent)
    }
}

impl PartnerApi {
    async fn change(
        &self,
        actor: &Actor,
        id: PartnerId,
        if_match_header: Option<String>,
        change: impl FnOnce(&PartnerInput) -> stromtor_domain::Result<PartnerInput> + Send,
    ) -> Answer<Found<Partner>> {
        let mut tx = self.0.begin(actor, Permission::PartnerWrite).await?;
        let changed = partner::update(&mut tx, id, if_match(if_match_header)?, |current| {
            let input = change(current)?;
            if input.kind == current.kind {
                Ok(input)
            } else {
                Err(stromtor_domain::Error::invalid("/kind", "cannot be changed after creation"))
            }
        })
        .await?;
        tx.commit().await?;
        let revision = changed.revision;
        Ok(Found::versioned(changed, revision))
    }
}
