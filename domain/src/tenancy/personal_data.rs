//! What is kept about a person, to be handed out or erased (GDPR articles 15, 17, 20; portal function A5).
//!
//! Tokens, names and addresses stand in columns that can be emptied; financial rows stay, without the person in them.

use poem_openapi::Object;
use serde::{Deserialize, Serialize};

use crate::{
    access::{authorization::Authorization, token::Token, token_alias::TokenAlias},
    billing::cdr::Cdr,
    session::session::Session,
    tenancy::{audit::AuditEntry, user::User},
};

/// Everything kept about the holder of a token. Lists are cut at 10,000 rows each, newest first.
#[derive(Debug, Clone, Serialize, Deserialize, Object)]
pub struct TokenHolderData {
    /// The token.
    pub token: Token,
    /// Its other UIDs.
    pub aliases: Vec<TokenAlias>,
    /// Where and when it was shown.
    pub authorizations: Vec<Authorization>,
    /// What was charged with it.
    pub sessions: Vec<Session>,
    /// What that cost.
    pub cdrs: Vec<Cdr>,
}

/// Everything kept about a user. The list is cut at 10,000 rows, newest first.
#[derive(Debug, Clone, Serialize, Deserialize, Object)]
pub struct UserData {
    /// The user.
    pub user: User,
    /// What the user did.
    pub audit_entries: Vec<AuditEntry>,
}
