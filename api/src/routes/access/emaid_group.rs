//! EMAID groups over REST.

use poem::Request;
use poem_openapi::{
    OpenApi,
    param::{Header, Path, Query},
};
use stromtor_domain::{
    access::{
        emaid_group::{EmaidGroup, EmaidGroupId, EmaidGroupInput, EmaidGroupMember, EmaidGroupMembers},
        token::TokenId,
    },
    actor::{Actor, Permission},
    page::PageRequest,
    patch::Patch,
    tenancy::partner::PartnerId,
};
use stromtor_persistence::access::{
    emaid_group::{self, EmaidGroupFilter, EmaidGroupMemberFilter},
    local_list,
};

use crate::{
    auth::Auth,
    list::{Listed, list},
    problem::Answer,
    respond::{Body, Created, Done, Found, if_match},
    routes::Tag,
    state::App,
};

/// Operations on EMAID groups.
pub struct EmaidGroupApi(pub App);

#[OpenApi(prefix_path = "/v1/emaid-groups", tag = "Tag::Access")]
impl EmaidGroupApi {
    /// List EMAID groups
    ///
    /// Groups of tokens, contracts and cards alike, oldest first.
    ///
    /// Permission: `access:read`
    #[oai(path = "/", method = "get", operation_id = "emaid_group_list")]
    async fn list(
        &self,
        request: &Request,
        Auth(actor): Auth,
        /// Of this partner alone.
        partner_id: Query<Option<PartnerId>>,
        /// That hold this token.
        token_id: Query<Option<TokenId>>,
        /// With this id of yours.
        external_id: Query<Option<String>>,
        /// Items per page, 1 to 500; 50 when absent.
        limit: Query<Option<u32>>,
        /// Where to go on: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<EmaidGroup>> {
        let filter = EmaidGroupFilter { partner_id: partner_id.0, token_id: token_id.0, external_id: external_id.0 };
        let page = PageRequest { limit: limit.0, cursor: cursor.0 };
        list(&self.0, request, &actor, Permission::AccessRead, filter, page).await
    }

    /// Create an EMAID group
    ///
    /// It belongs to your partner unless `partner_id` names one below it.
    ///
    /// Permission: `access:write`
    #[oai(path = "/", method = "post", operation_id = "emaid_group_create")]
    async fn create(
        &self,
        Auth(actor): Auth,
        /// The partner it is to belong to; your own when absent.
        partner_id: Query<Option<PartnerId>>,
        Body(input): Body<EmaidGroupInput>,
    ) -> Answer<Created<EmaidGroup>> {
        let mut tx = self.0.begin(&actor, Permission::AccessWrite).await?;
        let partner_id = tx.partner(partner_id.0).await?;
        let created = emaid_group::create(&mut tx, partner_id, input).await?;
        tx.commit().await?;
        Ok(Created::at(format!("/v1/emaid-groups/{}", created.id), created.clone(), created.revision))
    }

    /// Read an EMAID group
    ///
    /// Permission: `access:read`
    #[oai(path = "/:emaid_group_id", method = "get", operation_id = "emaid_group_get")]
    async fn get(&self, Auth(actor): Auth, emaid_group_id: Path<EmaidGroupId>) -> Answer<Found<EmaidGroup>> {
        let mut tx = self.0.begin(&actor, Permission::AccessRead).await?;
        let found = emaid_group::get(&mut tx, emaid_group_id.0).await?;
        tx.commit().await?;
        let revision = found.revision;
        Ok(Found::versioned(found, revision))
    }

    /// Replace an EMAID group
    ///
    /// What is absent from the body is cleared.
    ///
    /// Permission: `access:write`
    #[oai(path = "/:emaid_group_id", method = "put", operation_id = "emaid_group_replace")]
    async fn replace(
        &self,
        Auth(actor): Auth,
        emaid_group_id: Path<EmaidGroupId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
        Body(input): Body<EmaidGroupInput>,
    ) -> Answer<Found<EmaidGroup>> {
        self.change(&actor, emaid_group_id.0, if_match_header.0, move |_| Ok(input)).await
    }

    /// Change an EMAID group
    ///
    /// Merge patch (RFC 7396).
    ///
    /// Permission: `access:write`
    #[oai(path = "/:emaid_group_id", method = "patch", operation_id = "emaid_group_patch")]
    async fn patch(
        &self,
        Auth(actor): Auth,
        emaid_group_id: Path<EmaidGroupId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
        Body(patch): Body<Patch<EmaidGroupInput>>,
    ) -> Answer<Found<EmaidGroup>> {
        self.change(&actor, emaid_group_id.0, if_match_header.0, move |current| patch.apply(current)).await
    }

    /// Delete an EMAID group
    ///
    /// Refused with `in_use` while permissions name it. Its tokens stay.
    ///
    /// Permission: `access:write`
    #[oai(path = "/:emaid_group_id", method = "delete", operation_id = "emaid_group_delete")]
    async fn delete(
        &self,
        Auth(actor): Auth,
        emaid_group_id: Path<EmaidGroupId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
    ) -> Answer<Done> {
        let mut tx = self.0.begin(&actor, Permission::AccessWrite).await?;
        emaid_group::delete(&mut tx, emaid_group_id.0, if_match(if_match_header.0)?).await?;
        tx.commit().await?;
        Ok(Done::NoContent)
    }

    /// List tokens of a group
    ///
    /// Permission: `access:read`
    #[oai(path = "/:emaid_group_id/members", method = "get", operation_id = "emaid_group_member_list")]
    async fn members(
        &self,
        request: &Request,
        Auth(actor): Auth,
        emaid_group_id: Path<EmaidGroupId>,
        /// Items per page, 1 to 500; 50 when absent.
        limit: Query<Option<u32>>,
        /// Where to go on: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<EmaidGroupMember>> {
        let filter = EmaidGroupMemberFilter { group_id: emaid_group_id.0 };
        let page = PageRequest { limit: limit.0, cursor: cursor.0 };
        list(&self.0, request, &actor, Permission::AccessRead, filter, page).await
    }

    /// Put tokens into a group
    ///
    /// All of them or none. Those that are in it already stay.
    ///
    /// Permission: `access:write`
    #[oai(path = "/:emaid_group_id/members", method = "post", operation_id = "emaid_group_member_add")]
    async fn add(
        &self,
        Auth(actor): Auth,
        emaid_group_id: Path<EmaidGroupId>,
        Body(input): Body<EmaidGroupMembers>,
    ) -> Answer<Done> {
        let mut tx = self.0.begin(&actor, Permission::AccessWrite).await?;
        let group = emaid_group::get(&mut tx, emaid_group_id.0).await?;
        input.check()?;
        emaid_group::add(&mut tx, group.id, &input.token_ids).await?;
        local_list::tokens_changed(&mut tx, group.partner_id).await?;
        tx.commit().await?;
        Ok(Done::NoContent)
    }

    /// Take a token out of a group
    ///
    /// Permission: `access:write`
    #[oai(path = "/:emaid_group_id/members/:token_id", method = "delete", operation_id = "emaid_group_member_remove")]
    async fn remove(
        &self,
        Auth(actor): Auth,
        emaid_group_id: Path<EmaidGroupId>,
        token_id: Path<TokenId>,
    ) -> Answer<Done> {
        let mut tx = self.0.begin(&actor, Permission::AccessWrite).await?;
        let group = emaid_group::get(&mut tx, emaid_group_id.0).await?;
        emaid_group::remove(&mut tx, group.id, token_id.0).await?;
        local_list::tokens_changed(&mut tx, group.partner_id).await?;
        tx.commit().await?;
        Ok(Done::NoContent)
    }
}

impl EmaidGroupApi {
    async fn change(
        &self,
        actor: &Actor,
        id: EmaidGroupId,
        if_match_header: Option<String>,
        change: impl FnOnce(&EmaidGroupInput) -> stromtor_domain::Result<EmaidGroupInput> + Send,
    ) -> Answer<Found<EmaidGroup>> {
        let mut tx = self.0.begin(actor, Permission::AccessWrite).await?;
        let changed = emaid_group::update(&mut tx, id, if_match(if_match_header)?, change).await?;
        tx.commit().await?;
        let revision = changed.revision;
        Ok(Found::versioned(changed, revision))
    }
}
