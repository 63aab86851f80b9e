//! Other UIDs of tokens: as stations read them that cut, pad or garble what is on the card.

use poem_openapi::Object;
use serde::{Deserialize, Serialize};
use stromtor_schema::schema::token_alias;

use crate::{
    Result, Timestamp,
    access::token::{TokenId, TokenUid},
    tenancy::partner::PartnerId,
};

id! {
    /// Id of a token's alias.
    TokenAliasId
}

/// What a caller may set of a token's alias.
#[derive(
    Debug,
    Clone,
    PartialEq,
    Serialize,
    Deserialize,
    Object,
    diesel::Queryable,
    diesel::Selectable,
    diesel::Insertable,
    diesel::AsChangeset,
)]
#[serde(deny_unknown_fields)]
#[diesel(table_name = token_alias)]
pub struct TokenAliasInput {
    /// The UID as stations report it, whatever its case and separators. Unique for the partner, among its tokens' own UIDs too.
    pub uid: TokenUid,
}

impl TokenAliasInput {
    /// The rules that concern more than one field.
    pub fn check(&self) -> Result<()> {
        Ok(())
    }
}

/// Another UID of a token.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object, diesel::Queryable, diesel::Selectable)]
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = token_alias, check_for_backend(diesel::pg::Pg))]
pub struct TokenAlias {
    /// Id.
    pub id: TokenAliasId,
    /// The partner that issued the token.
    pub partner_id: PartnerId,
    /// The token that it stands for.
    pub token_id: TokenId,
    /// What a caller may set.
    #[oai(flatten)]
    #[serde(flatten)]
    #[diesel(embed)]
    pub input: TokenAliasInput,
    /// Counts the changes.
    pub revision: i64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}
