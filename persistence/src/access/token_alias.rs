//! Other UIDs of tokens.

use stromtor_domain::access::{
    decide::normalise_uid,
    token::TokenId,
    token_alias::{TokenAlias, TokenAliasId, TokenAliasInput},
};
use stromtor_schema::schema::{token as tokens, token_alias};

use crate::{
    access::token,
    resource::{Owned as _, prelude::*},
};

resource!(token_alias: TokenAlias, TokenAliasInput, TokenAliasId, "token_alias");

/// What a list of aliases may be narrowed by.
#[derive(Debug, Clone, Default)]
pub struct TokenAliasFilter {
    /// Of this partner's tokens.
    pub partner_id: Option<PartnerId>,
    /// Of this token.
    pub token_id: Option<TokenId>,
    /// This UID, whatever its case and separators.
    pub uid: Option<String>,
}

listing!(TokenAliasFilter => TokenAlias);

/// One page, oldest first.
pub async fn list(tx: &mut Tx, filter: &TokenAliasFilter, page: &PageRequest) -> Result<Page<TokenAlias>> {
    let limit = page.limit()?;
    let mut query = token_alias::table.select(TokenAlias::as_select()).order(token_alias::id).into_boxed();
    if let Some(after) = page.after::<TokenAliasId>()? {
        query = query.filter(token_alias::id.gt(after));
    }
    if let Some(partner_id) = filter.partner_id {
        query = query.filter(token_alias::partner_id.eq(partner_id));
    }
    if let Some(token_id) = filter.token_id {
        query = query.filter(token_alias::token_id.eq(token_id));
    }
    if let Some(uid) = &filter.uid {
        query = query.filter(token_alias::uid_normalised.eq(normalise_uid(uid)));
    }
    let rows = query.limit(limit as i64 + 1).load(&mut **tx).await.map_err(from_diesel)?;
    Ok(Page::cut(rows, limit, |row: &TokenAlias| row.id))
}

/// Gives a token another UID. One that is a token's own stands for that token already.
pub async fn create(tx: &mut Tx, token_id: TokenId, input: TokenAliasInput) -> Result<TokenAlias> {
    input.check()?;
    let parent = token::get(tx, token_id).await?;
    free(tx, parent.partner_id, &input).await?;
    let (id, now): (TokenAliasId, _) = (tx.id(), tx.now());
    let created: TokenAlias = diesel::insert_into(token_alias::table)
        .values((
            token_alias::id.eq(id),
            token_alias::partner_id.eq(parent.partner_id),
            token_alias::token_id.eq(token_id),
            input,
            token_alias::created_at.eq(now),
            token_alias::updated_at.eq(now),
        ))
        .returning(TokenAlias::as_returning())
        .get_result(&mut **tx)
        .await
        .map_err(from_diesel)?;
    note(tx, "create", None, Some(&created));
    Ok(created)
}

/// Like `update`, of a UID that is no token's own.
pub async fn change(
    tx: &mut Tx,
    id: TokenAliasId,
    revision: Option<i64>,
    change: impl FnOnce(&TokenAliasInput) -> Result<TokenAliasInput> + Send,
) -> Result<TokenAlias> {
    let before = lock(tx, id, revision).await?;
    let input = change(&before.input)?;
    free(tx, before.partner_id, &input).await?;
    update(tx, id, None, |_| Ok(input)).await
}

async fn free(tx: &mut Tx, partner_id: PartnerId, input: &TokenAliasInput) -> Result<()> {
    let uid = normalise_uid(input.uid.as_str());
    let taken = tokens::table.filter(tokens::partner_id.eq(partner_id).and(tokens::uid_normalised.eq(uid)));
    let taken: i64 = taken.count().get_result(&mut **tx).await.map_err(from_diesel)?;
    if taken > 0 {
        return Err(Error::conflict("already_exists", "there is already a token with this uid"));
    }
    Ok(())
}
