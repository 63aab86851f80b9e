//! Tokens.

use stromtor_domain::access::{
    decide::normalise_uid,
    token::{Token, TokenId, TokenInput, TokenStatus},
};
use stromtor_schema::schema::token;

use crate::resource::{Owned as _, prelude::*};

resource!(token: Token, TokenInput, TokenId, "token"; create);

/// What a list of tokens may be narrowed by.
#[derive(Debug, Clone, Default)]
pub struct TokenFilter {
    /// Of this partner alone.
    pub partner_id: Option<PartnerId>,
    /// With this UID, whatever its case and separators.
    pub uid: Option<String>,
    /// With this status.
    pub status: Option<TokenStatus>,
    /// With this id of the caller's.
    pub external_id: Option<String>,
    /// Changed at or after.
    pub updated_since: Option<Timestamp>,
}

listing!(TokenFilter => Token);

/// One page, oldest first.
pub async fn list(tx: &mut Tx, filter: &TokenFilter, page: &PageRequest) -> Result<Page<Token>> {
    let limit = page.limit()?;
    let mut query = token::table.select(Token::as_select()).order(token::id).into_boxed();
    if let Some(after) = page.after::<TokenId>()? {
        query = query.filter(token::id.gt(after));
    }
    if let Some(partner_id) = filter.partner_id {
        query = query.filter(token::partner_id.eq(partner_id));
    }
    if let Some(uid) = &filter.uid {
        query = query.filter(token::uid_normalised.eq(normalise_uid(uid)));
    }
    if let Some(status) = filter.status {
        query = query.filter(token::status.eq(status));
    }
    if let Some(external_id) = &filter.external_id {
        query = query.filter(token::external_id.eq(external_id));
    }
    if let Some(since) = filter.updated_since {
        query = query.filter(token::updated_at.ge(since));
    }
    let rows = query.limit(limit as i64 + 1).load(&mut **tx).await.map_err(from_diesel)?;
    Ok(Page::cut(rows, limit, |row: &Token| row.id))
}
