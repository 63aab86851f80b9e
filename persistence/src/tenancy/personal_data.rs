//! Hands out and erases what is kept about a person.

use diesel::sql_types::Text;
use stromtor_domain::{
    access::{
        authorization::Authorization,
        decide::normalise_uid,
        token::{Token, TokenId},
        token_alias::TokenAlias,
    },
    billing::cdr::Cdr,
    session::session::Session,
    tenancy::{
        audit::AuditEntry,
        personal_data::{TokenHolderData, UserData},
        user::UserId,
    },
};
use stromtor_schema::schema::{audit_entry, authorization_monitor, cdr, session, token_alias};

use crate::{access::token, resource::prelude::*, tenancy::user};

const MOST: i64 = 10_000;

/// Everything about a token's holder.
pub async fn of_token(tx: &mut Tx, id: TokenId) -> Result<TokenHolderData> {
    let token: Token = token::get(tx, id).await?;
    let aliases = token_alias::table
        .filter(token_alias::token_id.eq(id))
        .order(token_alias::id)
        .limit(MOST)
        .select(TokenAlias::as_select())
        .load(&mut **tx)
        .await
        .map_err(from_diesel)?;
    let authorizations = authorization_monitor::table
        .filter(authorization_monitor::token_id.eq(id.0))
        .order(authorization_monitor::id.desc())
        .limit(MOST)
        .select(Authorization::as_select())
        .load(&mut **tx)
        .await
        .map_err(from_diesel)?;
    let sessions: Vec<Session> = session::table
        .filter(session::token_id.eq(id.0))
        .order(session::started_at.desc())
        .limit(MOST)
        .select(Session::as_select())
        .load(&mut **tx)
        .await
        .map_err(from_diesel)?;
    let cdrs = cdr::table
        .filter(cdr::session_id.eq_any(sessions.iter().map(|session| session.id.0)))
        .order(cdr::started_at.desc())
        .limit(MOST)
        .select(Cdr::as_select())
        .load(&mut **tx)
        .await
        .map_err(from_diesel)?;
    tx.audit("export_personal_data", "token", token.partner_id, id, None::<&Token>, None);
    Ok(TokenHolderData { token, aliases, authorizations, sessions, cdrs })
}

/// Everything about a user.
pub async fn of_user(tx: &mut Tx, id: UserId) -> Result<UserData> {
    let user = user::get(tx, id).await?;
    let audit_entries: Vec<AuditEntry> = audit_entry::table
        .filter(audit_entry::actor_id.eq(id.0))
        .order(audit_entry::id.desc())
        .limit(MOST)
        .select(AuditEntry::as_select())
        .load(&mut **tx)
        .await
        .map_err(from_diesel)?;
    tx.audit("export_personal_data", "user", user.partner_id, id, None::<&Token>, None);
    Ok(UserData { user, audit_entries })
}

/// Forgets who held a token: its uid goes from wherever it stands; sessions and CDRs stay without it. The message log, where
/// it stands too, is dropped by its retention. A token that is charging is in use.
pub async fn erase_token(tx: &mut Tx, id: TokenId) -> Result<()> {
    let token = token::lock(tx, id, None).await?;
    let running: i64 = session::table
        .filter(session::token_id.eq(id.0).and(session::state.eq("active")))
        .count()
        .get_result(&mut **tx)
        .await
        .map_err(from_diesel)?;
    if running > 0 {
        return Err(Error::conflict("token_in_session", "the token is charging; try again when the session has ended"));
    }
    let uid = normalise_uid(token.input.uid.as_str());
    for statement in [
        "update token set uid = 'ERASED-' || left(replace(id::text, '-', ''), 28), label = null, group_id = null, \
         external_id = null, metadata = '{}', status = 'blocked', erased_at = $3::timestamptz, revision = revision + 1, \
         updated_at = $3::timestamptz where id = $1::uuid and $2 <> ''",
        "update authorization_attempt set id_tag = 'ERASED' where token_id = $1::uuid and $2 <> '' and $3 <> ''",
        "update cdr set id_tag = null where session_id in (select id from session where token_id = $1::uuid) \
         and $2 <> '' and $3 <> ''",
        "update session set id_tag = null, start_key = 'erased|' || id::text where token_id = $1::uuid and $2 <> '' and $3 <> ''",
        "update audit_entry set before = null, after = null where resource = 'token' and resource_id = $1::uuid \
         and $2 <> '' and $3 <> ''",
        "update audit_entry set before = null, after = null where resource = 'token_alias' \
         and partner_id = (select partner_id from token where id = $1::uuid) \
         and coalesce(after, before)->>'token_id' = $1 and $2 <> '' and $3 <> ''",
        "delete from token_alias where token_id = $1::uuid and $2 <> '' and $3 <> ''",
    ] {
        sql(statement)
            .bind::<Text, _>(id.to_string())
            .bind::<Text, _>(&uid)
            .bind::<Text, _>(tx.now().to_string())
            .execute(&mut **tx)
            .await
            .map_err(from_diesel)?;
    }
    tx.audit("erase_personal_data", "token", token.partner_id, id, None::<&Token>, None);
    Ok(())
}

/// Forgets a user: name and address go, the log-in ends; what the user did stays, under no name.
pub async fn erase_user(tx: &mut Tx, id: UserId) -> Result<()> {
    let user = user::lock(tx, id, None).await?;
    for statement in [
        "update app_user set email = 'erased-' || id::text || '@invalid.invalid', name = 'erased', status = 'disabled', \
         password_hash = null, roles = '{}', external_id = null, metadata = '{}', erased_at = $2::timestamptz, \
         revision = revision + 1, updated_at = $2::timestamptz where id = $1::uuid",
        "update audit_entry set actor_name = 'erased', ip = null where actor_id = $1::uuid and $2 <> ''",
        "update audit_entry set before = null, after = null where resource = 'user' and resource_id = $1::uuid and $2 <> ''",
        "update refresh_token set revoked_at = $2::timestamptz where user_id = $1::uuid",
        "delete from one_time_token where user_id = $1::uuid and $2 <> ''",
    ] {
        sql(statement)
            .bind::<Text, _>(id.to_string())
            .bind::<Text, _>(tx.now().to_string())
            .execute(&mut **tx)
            .await
            .map_err(from_diesel)?;
    }
    tx.audit("erase_personal_data", "user", user.partner_id, id, None::<&Token>, None);
    Ok(())
}
