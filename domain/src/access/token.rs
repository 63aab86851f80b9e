//! Tokens: what drivers identify themselves with.

use poem_openapi::Object;
use serde::{Deserialize, Serialize};
use stromtor_schema::schema::token;

use crate::{
    Error, Result, Timestamp,
    access::emaid,
    tenancy::partner::PartnerId,
    values::{ExternalId, Metadata, Name},
};

id! {
    /// Id of a token.
    TokenId
}

choice! {
    /// What a token is.
    pub enum TokenKind {
        /// A card or key fob.
        Rfid = "rfid",
        /// A contract (EMAID): country, provider, instance, check digit.
        Emaid = "emaid",
    }
}

choice! {
    /// Whether a token may charge at all.
    pub enum TokenStatus {
        /// It may.
        Active = "active",
        /// It may not.
        Blocked = "blocked",
    }
}

fn parse_uid(text: &str) -> Result<String, String> {
    let text = text.trim();
    let fine = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b":-* .".contains(&byte));
    if fine && text.bytes().any(|byte| byte.is_ascii_alphanumeric()) {
        Ok(text.to_owned())
    } else {
        Err("must be letters and digits, with the separators : - * . or blanks".into())
    }
}

text! {
    /// UID as printed or read. Compared without case and separators.
    TokenUid { example: "04:A2:B3:C4", max: 36, parse: parse_uid }
}

text! {
    /// Name of a group of tokens, as stations see it.
    TokenGroup { example: "FLEET-7", max: 20, parse: parse_uid }
}

/// What a caller may set of a token.
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
#[diesel(table_name = token, treat_none_as_null = true)]
pub struct TokenInput {
    /// What it is.
    pub kind: TokenKind,
    /// UID; unique for the partner, whatever its case and separators.
    pub uid: TokenUid,
    /// Who or what it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<Name>,
    /// Whether it may charge at all.
    pub status: TokenStatus,
    /// It may charge from then on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<Timestamp>,
    /// It may charge until then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Timestamp>,
    /// Group: tokens of one group may end each other's sessions (OCPP parentIdTag).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_id: Option<TokenGroup>,
    /// The caller's own id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<ExternalId>,
    /// Free key/value pairs.
    #[serde(default)]
    #[oai(default)]
    pub metadata: Metadata,
}

impl TokenInput {
    /// The rules that concern more than one field.
    pub fn check(&self) -> Result<()> {
        if self.kind == TokenKind::Emaid {
            emaid::parse(self.uid.as_str()).map_err(|message| Error::invalid("/uid", message))?;
        }
        match (self.valid_from, self.valid_until) {
            (Some(from), Some(until)) if until <= from => {
                Err(Error::invalid("/valid_until", "must be later than valid_from"))
            }
            _ => Ok(()),
        }
    }
}

/// A token.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object, diesel::Queryable, diesel::Selectable)]
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = token, check_for_backend(diesel::pg::Pg))]
pub struct Token {
    /// Id.
    pub id: TokenId,
    /// The partner that issued it.
    pub partner_id: PartnerId,
    /// What a caller may set.
    #[oai(flatten)]
    #[serde(flatten)]
    #[diesel(embed)]
    pub input: TokenInput,
    /// The UID in hexadecimal digits: what stations are told in remote starts that take no other (tolerance `hex_id_tags`).
    pub hex_uid: String,
    /// Counts the changes.
    pub revision: i64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}
