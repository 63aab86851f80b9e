//! Tokens over REST.

use poem::Request;
use poem_openapi::{
    OpenApi,
    param::{Header, Path, Query},
};
use stromtor_domain::{
    Timestamp,
    access::token::{Token, TokenId, TokenInput, TokenStatus},
    actor::{Actor, Permission},
    page::PageRequest,
    patch::Patch,
    tenancy::partner::PartnerId,
};
use stromtor_persistence::access::{
    local_list,
    token::{self, TokenFilter},
};

use crate::{
    auth::Auth,
    list::{Listed, list},
    problem::Answer,
    respond::{Body, Created, Done, Found, if_match},
    routes::Tag,
    state::App,
};

/// Operations on tokens.
pub struct TokenApi(pub App);

#[OpenApi(prefix_path = "/v1/tokens", tag = "Tag::Tokens")]
impl TokenApi {
    /// List tokens
    ///
    /// Every token in your scope, oldest first, a page at a time.
    ///
    /// Permission: `access:read`
    #[oai(path = "/", method = "get", operation_id = "token_list")]
    async fn list(
        &self,
        request: &Request,
        Auth(actor): Auth,
        /// Of this partner alone.
        partner_id: Query<Option<PartnerId>>,
        /// With this UID, whatever its case and separators.
        uid: Query<Option<String>>,
        /// With this status.
        status: Query<Option<TokenStatus>>,
        /// With this id of yours.
        external_id: Query<Option<String>>,
        /// Changed at or after this time.
        updated_since: Query<Option<Timestamp>>,
        /// Items per page, 1 to 500; 50 when absent.
        limit: Query<Option<u32>>,
        /// Where to go on: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<Token>> {
        let filter = TokenFilter {
            partner_id: partner_id.0,
            uid: uid.0,
            status: status.0,
            external_id: external_id.0,
            updated_since: updated_since.0,
        };
        list(&self.0, request, &actor, Permission::AccessRead, filter, PageRequest { limit: limit.0, cursor: cursor.0 })
            .await
    }

    /// Create a token
    ///
    /// It belongs to your partner unless `partner_id` names one below it.
    ///
    /// Permission: `access:write`
    #[oai(path = "/", method = "post", operation_id = "token_create")]
    async fn create(
        &self,
        Auth(actor): Auth,
        /// The partner it is to belong to; your own when absent.
        partner_id: Query<Option<PartnerId>>,
        Body(input): Body<TokenInput>,
    ) -> Answer<Created<Token>> {
        let mut tx = self.0.begin(&actor, Permission::AccessWrite).await?;
        let partner_id = tx.partner(partner_id.0).await?;
        let created = token::create(&mut tx, partner_id, input).await?;
        local_list::tokens_changed(&mut tx, created.partner_id).await?;
        tx.commit().await?;
        Ok(Created::at(format!("/v1/tokens/{}", created.id), created.clone(), created.revision))
    }

    /// Read a token
    ///
    /// Permission: `access:read`
    #[oai(path = "/:token_id", method = "get", operation_id = "token_get")]
    async fn get(&self, Auth(actor): Auth, token_id: Path<TokenId>) -> Answer<Found<Token>> {
        let mut tx = self.0.begin(&actor, Permission::AccessRead).await?;
        let found = token::get(&mut tx, token_id.0).await?;
        tx.commit().await?;
        let revision = found.revision;
        Ok(Found::versioned(found, revision))
    }

    /// Replace a token
    ///
    /// What is absent from the body is cleared.
    ///
    /// Permission: `access:write`
    #[oai(path = "/:token_id", method = "put", operation_id = "token_replace")]
    async fn replace(
        &self,
        Auth(actor): Auth,
        token_id: Path<TokenId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
        Body(input): Body<TokenInput>,
    ) -> Answer<Found<Token>> {
        self.change(&actor, token_id.0, if_match_header.0, move |_| Ok(input)).await
    }

    /// Change a token
    ///
    /// Merge patch (RFC 7396).
    ///
    /// Permission: `access:write`
    #[oai(path = "/:token_id", method = "patch", operation_id = "token_patch")]
    async fn patch(
        &self,
        Auth(actor): Auth,
        token_id: Path<TokenId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
        Body(patch): Body<Patch<TokenInput>>,
    ) -> Answer<Found<Token>> {
        self.change(&actor, token_id.0, if_match_header.0, move |current| patch.apply(current)).await
    }

    /// Delete a token
    ///
    /// Its sessions stay. To keep it from charging for a while, block it.
    ///
    /// Permission: `access:write`
    #[oai(path = "/:token_id", method = "delete", operation_id = "token_delete")]
    async fn delete(
        &self,
        Auth(actor): Auth,
        token_id: Path<TokenId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
    ) -> Answer<Done> {
        let mut tx = self.0.begin(&actor, Permission::AccessWrite).await?;
        let owner = token::get(&mut tx, token_id.0).await?.partner_id;
        token::delete(&mut tx, token_id.0, if_match(if_match_header.0)?).await?;
        local_list::tokens_changed(&mut tx, owner).await?;
        tx.commit().await?;
        Ok(Done::NoContent)
    }
}

impl TokenApi {
    async fn change(
        &self,
        actor: &Actor,
        id: TokenId,
        if_match_header: Option<String>,
        change: impl FnOnce(&TokenInput) -> stromtor_domain::Result<TokenInput> + Send,
    ) -> Answer<Found<Token>> {
        let mut tx = self.0.begin(actor, Permission::AccessWrite).await?;
        let changed = token::update(&mut tx, id, if_match(if_match_header)?, change).await?;
        local_list::tokens_changed(&mut tx, changed.partner_id).await?;
        tx.commit().await?;
        let revision = changed.revision;
        Ok(Found::versioned(changed, revision))
    }
}
