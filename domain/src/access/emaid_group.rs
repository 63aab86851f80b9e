//! EMAID groups (portal function E1): tokens, contracts and cards alike, that permissions are given to together.

use poem_openapi::Object;
use serde::{Deserialize, Serialize};
use stromtor_schema::schema::{emaid_group, emaid_group_member};

use super::token::TokenId;
use crate::{
    Error, Result, Timestamp,
    tenancy::partner::PartnerId,
    values::{ExternalId, Metadata, Name},
};

id! {
    /// Id of an EMAID group.
    EmaidGroupId
}

/// What a caller may set of an EMAID group.
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
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = emaid_group, treat_none_as_null = true)]
pub struct EmaidGroupInput {
    /// Name for people; unique for the partner.
    pub name: Name,
    /// The caller's own id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<ExternalId>,
    /// Free key/value pairs.
    #[serde(default)]
    #[oai(default)]
    pub metadata: Metadata,
}

impl EmaidGroupInput {
    /// Nothing concerns more than one field.
    pub const fn check(&self) -> Result<()> {
        Ok(())
    }
}

/// An EMAID group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object, diesel::Queryable, diesel::Selectable)]
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = emaid_group, check_for_backend(diesel::pg::Pg))]
pub struct EmaidGroup {
    /// Id.
    pub id: EmaidGroupId,
    /// The operator whose group it is.
    pub partner_id: PartnerId,
    /// What a caller may set.
    #[oai(flatten)]
    #[serde(flatten)]
    #[diesel(embed)]
    pub input: EmaidGroupInput,
    /// Counts the changes; members are no change.
    pub revision: i64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// A token in a group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object, diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = emaid_group_member, check_for_backend(diesel::pg::Pg))]
pub struct EmaidGroupMember {
    /// The token.
    pub token_id: TokenId,
    /// Since when.
    pub created_at: Timestamp,
}

/// Tokens to be put into a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
pub struct EmaidGroupMembers {
    /// The tokens, 1 to 5000; of the group's partner or one below it. Those that are in it already stay.
    pub token_ids: Vec<TokenId>,
}

impl EmaidGroupMembers {
    /// How many.
    pub fn check(&self) -> Result<()> {
        match self.token_ids.len() {
            1..=5_000 => Ok(()),
            _ => Err(Error::invalid("/token_ids", "must be 1 to 5000")),
        }
    }
}
