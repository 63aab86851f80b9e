//! Aliases of tokens over REST.

use poem::Request;
use poem_openapi::{
    OpenApi,
    param::{Header, Path, Query},
};
use stromtor_domain::{
    access::{
        token::TokenId,
        token_alias::{TokenAlias, TokenAliasId, TokenAliasInput},
    },
    actor::{Actor, Permission},
    page::PageRequest,
    patch::Patch,
    tenancy::partner::PartnerId,
};
use stromtor_persistence::access::token_alias::{self, TokenAliasFilter};

use crate::{
    auth::Auth,
    list::{Listed, list},
    problem::Answer,
    respond::{Body, Created, Done, Found, if_match},
    routes::Tag,
    state::App,
};

/// Operations on aliases of tokens.
pub struct TokenAliasApi(pub App);

#[OpenApi(prefix_path = "/v1/token-aliases", tag = "Tag::Tokens")]
impl TokenAliasApi {
    /// List tokens' aliases
    ///
    /// Other UIDs of tokens, as stations report them, oldest first.
    ///
    /// Permission: `access:read`
    #[oai(path = "/", method = "get", operation_id = "token_alias_list")]
    async fn list(
        &self,
        request: &Request,
        Auth(actor): Auth,
        /// Of this partner alone.
        partner_id: Query<Option<PartnerId>>,
        /// Of this token.
        token_id: Query<Option<TokenId>>,
        /// This UID, whatever its case and separators.
        uid: Query<Option<String>>,
        /// Items per page, 1 to 500; 50 when absent.
        limit: Query<Option<u32>>,
        /// Where to go on: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<TokenAlias>> {
        let filter = TokenAliasFilter { partner_id: partner_id.0, token_id: token_id.0, uid: uid.0 };
        let page = PageRequest { limit: limit.0, cursor: cursor.0 };
        list(&self.0, request, &actor, Permission::AccessRead, filter, page).await
    }

    /// Create an alias of a token
    ///
    /// A station that reports it means this token, in whatever case and with whatever separators. A token whose own UID it is goes before.
    ///
    /// Permission: `access:write`
    #[oai(path = "/", method = "post", operation_id = "token_alias_create")]
    async fn create(
        &self,
        Auth(actor): Auth,
        /// The token that it stands for.
        token_id: Query<TokenId>,
        Body(input): Body<TokenAliasInput>,
    ) -> Answer<Created<TokenAlias>> {
        let mut tx = self.0.begin(&actor, Permission::AccessWrite).await?;
        let created = token_alias::create(&mut tx, token_id.0, input).await?;
        tx.commit().await?;
        Ok(Created::at(format!("/v1/token-aliases/{}", created.id), created.clone(), created.revision))
    }

    /// Read an alias of a token
    ///
    /// Permission: `access:read`
    #[oai(path = "/:token_alias_id", method = "get", operation_id = "token_alias_get")]
    async fn get(&self, Auth(actor): Auth, token_alias_id: Path<TokenAliasId>) -> Answer<Found<TokenAlias>> {
        let mut tx = self.0.begin(&actor, Permission::AccessRead).await?;
        let found = token_alias::get(&mut tx, token_alias_id.0).await?;
        tx.commit().await?;
        let revision = found.revision;
        Ok(Found::versioned(found, revision))
    }

    /// Replace an alias of a token
    ///
    /// What is absent from the body is cleared.
    ///
    /// Permission: `access:write`
    #[oai(path = "/:token_alias_id", method = "put", operation_id = "token_alias_replace")]
    async fn replace(
        &self,
        Auth(actor): Auth,
        token_alias_id: Path<TokenAliasId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
        Body(input): Body<TokenAliasInput>,
    ) -> Answer<Found<TokenAlias>> {
        self.change(&actor, token_alias_id.0, if_match_header.0, move |_| Ok(input)).await
    }

    /// Change an alias of a token
    ///
    /// Merge patch (RFC 7396).
    ///
    /// Permission: `access:write`
    #[oai(path = "/:token_alias_id", method = "patch", operation_id = "token_alias_patch")]
    async fn patch(
        &self,
        Auth(actor): Auth,
        token_alias_id: Path<TokenAliasId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
        Body(patch): Body<Patch<TokenAliasInput>>,
    ) -> Answer<Found<TokenAlias>> {
        self.change(&actor, token_alias_id.0, if_match_header.0, move |current| patch.apply(current)).await
    }

    /// Delete an alias of a token
    ///
    /// Permission: `access:write`
    #[oai(path = "/:token_alias_id", method = "delete", operation_id = "token_alias_delete")]
    async fn delete(
        &self,
        Auth(actor): Auth,
        token_alias_id: Path<TokenAliasId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
    ) -> Answer<Done> {
        let mut tx = self.0.begin(&actor, Permission::AccessWrite).await?;
        token_alias::delete(&mut tx, token_alias_id.0, if_match(if_match_header.0)?).await?;
        tx.commit().await?;
        Ok(Done::NoContent)
    }
}

impl TokenAliasApi {
    async fn change(
        &self,
        actor: &Actor,
        id: TokenAliasId,
        if_match_header: Option<String>,
        change: impl FnOnce(&TokenAliasInput) -> stromtor_domain::Result<TokenAliasInput> + Send,
    ) -> Answer<Found<TokenAlias>> {
        let mut tx = self.0.begin(actor, Permission::AccessWrite).await?;
        let changed = token_alias::change(&mut tx, id, if_match(if_match_header)?, change).await?;
        tx.commit().await?;
        let revision = changed.revision;
        Ok(Found::versioned(changed, revision))
    }
}
