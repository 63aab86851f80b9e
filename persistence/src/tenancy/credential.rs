//! What log-in needs: who a name or secret stands for, refresh tokens, single-use tokens, the brake on failures.
//!
//! Here there is no actor yet, so these run in unscoped transactions and by exact key only.

use chrono::TimeDelta;
use stromtor_domain::{
    actor::Permission,
    network::location::LocationId,
    tenancy::{
        api_client::ApiClientId,
        partner::{PartnerId, PartnerKind},
        user::{UserId, UserStatus},
    },
};
use stromtor_schema::schema::{api_client, app_user, login_throttle, one_time_token, partner, refresh_token};
use uuid::Uuid;

use crate::resource::prelude::*;

/// A user as log-in sees it.
#[derive(Debug, Clone, diesel::Queryable)]
pub struct Login {
    /// Id.
    pub id: UserId,
    /// Partner.
    pub partner_id: PartnerId,
    /// Whether that is the platform.
    pub partner_kind: PartnerKind,
    /// Name.
    pub name: String,
    /// Address.
    pub email: String,
    /// Names of roles.
    pub roles: Vec<String>,
    /// The only locations.
    pub location_ids: Option<Vec<LocationId>>,
    /// Whether the user can log in.
    pub status: UserStatus,
    /// argon2id.
    pub password_hash: Option<String>,
}

type LoginColumns = (
    app_user::id,
    app_user::partner_id,
    partner::kind,
    app_user::name,
    app_user::email,
    app_user::roles,
    app_user::location_ids,
    app_user::status,
    app_user::password_hash,
);

const LOGIN: LoginColumns = (
    app_user::id,
    app_user::partner_id,
    partner::kind,
    app_user::name,
    app_user::email,
    app_user::roles,
    app_user::location_ids,
    app_user::status,
    app_user::password_hash,
);

diesel::define_sql_function! {
    /// PostgreSQL's `lower`.
    fn lower(x: diesel::sql_types::Text) -> diesel::sql_types::Text;
}

/// The user with this log-in name, whatever its case.
pub async fn user_by_email(tx: &mut Tx, email: &str) -> Result<Option<Login>> {
    app_user::table
        .inner_join(partner::table)
        .filter(lower(app_user::email).eq(email.to_lowercase()))
        .select(LOGIN)
        .first(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)
}

/// The user with this id.
pub async fn user_by_id(tx: &mut Tx, id: UserId) -> Result<Option<Login>> {
    app_user::table
        .inner_join(partner::table)
        .filter(app_user::id.eq(id))
        .select(LOGIN)
        .first(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)
}

/// Notes a log-in.
pub async fn logged_in(tx: &mut Tx, id: UserId) -> Result<()> {
    diesel::update(app_user::table.filter(app_user::id.eq(id)))
        .set(app_user::last_login_at.eq(tx.now()))
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    Ok(())
}

/// Sets a password, which makes an invited user active, and ends every refresh token.
pub async fn set_password(tx: &mut Tx, id: UserId, hash: String) -> Result<()> {
    diesel::update(app_user::table.filter(app_user::id.eq(id).and(app_user::status.ne(UserStatus::Disabled))))
        .set((
            app_user::password_hash.eq(hash),
            app_user::status.eq(UserStatus::Active),
            app_user::revision.eq(app_user::revision + 1),
            app_user::updated_at.eq(tx.now()),
        ))
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    end_refresh_tokens(tx, id).await
}

/// An API client as log-in sees it.
#[derive(Debug, Clone, diesel::Queryable)]
pub struct ClientLogin {
    /// Id.
    pub id: ApiClientId,
    /// Partner.
    pub partner_id: PartnerId,
    /// Whether that is the platform.
    pub partner_kind: PartnerKind,
    /// Name.
    pub name: String,
    /// What it may do.
    pub permissions: Vec<Permission>,
    /// The only locations.
    pub location_ids: Option<Vec<LocationId>>,
    /// Whether it can log in.
    pub enabled: bool,
    /// Fingerprint of its secret.
    pub secret_hmac: Vec<u8>,
}

/// The API client that logs in with this id.
pub async fn client(tx: &mut Tx, client_id: &str) -> Result<Option<ClientLogin>> {
    api_client::table
        .inner_join(partner::table)
        .filter(api_client::client_id.eq(client_id))
        .select((
            api_client::id,
            api_client::partner_id,
            partner::kind,
            api_client::name,
            api_client::permissions,
            api_client::location_ids,
            api_client::enabled,
            api_client::secret_hmac,
        ))
        .first(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)
}

/// Notes a log-in.
pub async fn client_used(tx: &mut Tx, id: ApiClientId) -> Result<()> {
    diesel::update(api_client::table.filter(api_client::id.eq(id)))
        .set(api_client::last_used_at.eq(tx.now()))
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    Ok(())
}

/// Keeps a refresh token of a family; a log-in begins a new one.
pub async fn add_refresh_token(
    tx: &mut Tx,
    family: Uuid,
    user: UserId,
    hmac: Vec<u8>,
    expires_at: Timestamp,
) -> Result<()> {
    let id: Uuid = tx.id();
    diesel::insert_into(refresh_token::table)
        .values((
            refresh_token::id.eq(id),
            refresh_token::family_id.eq(family),
            refresh_token::user_id.eq(user),
            refresh_token::token_hmac.eq(hmac),
            refresh_token::expires_at.eq(expires_at),
            refresh_token::created_at.eq(tx.now()),
        ))
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    Ok(())
}

/// What became of a refresh token that was presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refreshed {
    /// It was good and is now used up.
    Good {
        /// Its family.
        family: Uuid,
        /// Whose it is.
        user: UserId,
    },
    /// It had been used before: somebody else holds a copy. Its whole family is ended.
    Reused,
    /// Unknown, expired or revoked.
    Invalid,
}

/// Uses a refresh token up. Commit in every case: the end of a family must last.
pub async fn use_refresh_token(tx: &mut Tx, hmac: &[u8]) -> Result<Refreshed> {
    type Row = (Uuid, Uuid, UserId, Timestamp, Option<Timestamp>, Option<Timestamp>);
    let found: Option<Row> = refresh_token::table
        .filter(refresh_token::token_hmac.eq(hmac))
        .select((
            refresh_token::id,
            refresh_token::family_id,
            refresh_token::user_id,
            refresh_token::expires_at,
            refresh_token::used_at,
            refresh_token::revoked_at,
        ))
        .for_update()
        .first(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)?;
    let Some((id, family, user, expires_at, used_at, revoked_at)) = found else { return Ok(Refreshed::Invalid) };
    let now = tx.now();
    if revoked_at.is_some() || expires_at <= now {
        return Ok(Refreshed::Invalid);
    }
    if used_at.is_some() {
        diesel::update(refresh_token::table.filter(refresh_token::family_id.eq(family)))
            .set(refresh_token::revoked_at.eq(now))
            .execute(&mut **tx)
            .await
            .map_err(from_diesel)?;
        return Ok(Refreshed::Reused);
    }
    diesel::update(refresh_token::table.filter(refresh_token::id.eq(id)))
        .set(refresh_token::used_at.eq(now))
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    Ok(Refreshed::Good { family, user })
}

/// Ends the family of a refresh token: log-out.
pub async fn revoke_refresh_token(tx: &mut Tx, hmac: &[u8]) -> Result<()> {
    let family = refresh_token::table.filter(refresh_token::token_hmac.eq(hmac)).select(refresh_token::family_id);
    let family: Option<Uuid> = family.first(&mut **tx).await.optional().map_err(from_diesel)?;
    if let Some(family) = family {
        diesel::update(refresh_token::table.filter(refresh_token::family_id.eq(family)))
            .set(refresh_token::revoked_at.eq(tx.now()))
            .execute(&mut **tx)
            .await
            .map_err(from_diesel)?;
    }
    Ok(())
}

/// Ends every refresh token of a user.
pub async fn end_refresh_tokens(tx: &mut Tx, user: UserId) -> Result<()> {
    let open = refresh_token::table.filter(refresh_token::user_id.eq(user).and(refresh_token::revoked_at.is_null()));
    diesel::update(open).set(refresh_token::revoked_at.eq(tx.now())).execute(&mut **tx).await.map_err(from_diesel)?;
    Ok(())
}

/// Keeps a single-use token for `purpose`; earlier ones for the same purpose end.
pub async fn add_one_time_token(
    tx: &mut Tx,
    user: UserId,
    purpose: &'static str,
    hmac: Vec<u8>,
    expires_at: Timestamp,
) -> Result<()> {
    let (id, now): (Uuid, _) = (tx.id(), tx.now());
    let earlier = one_time_token::table.filter(
        one_time_token::user_id
            .eq(user)
            .and(one_time_token::purpose.eq(purpose))
            .and(one_time_token::used_at.is_null()),
    );
    diesel::update(earlier).set(one_time_token::used_at.eq(now)).execute(&mut **tx).await.map_err(from_diesel)?;
    diesel::insert_into(one_time_token::table)
        .values((
            one_time_token::id.eq(id),
            one_time_token::user_id.eq(user),
            one_time_token::purpose.eq(purpose),
            one_time_token::token_hmac.eq(hmac),
            one_time_token::expires_at.eq(expires_at),
            one_time_token::created_at.eq(now),
        ))
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    Ok(())
}

/// Uses a single-use token up and says whose it was.
pub async fn use_one_time_token(tx: &mut Tx, hmac: &[u8]) -> Result<Option<UserId>> {
    let now = tx.now();
    let open = one_time_token::table.filter(
        one_time_token::token_hmac
            .eq(hmac)
            .and(one_time_token::used_at.is_null())
            .and(one_time_token::expires_at.gt(now)),
    );
    diesel::update(open)
        .set(one_time_token::used_at.eq(now))
        .returning(one_time_token::user_id)
        .get_result(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)
}

/// Seconds that `subject` (a name or an address) still has to wait, if any.
pub async fn throttled(tx: &mut Tx, subjects: &[String]) -> Result<Option<u32>> {
    let until: Option<Timestamp> = login_throttle::table
        .filter(login_throttle::subject.eq_any(subjects).and(login_throttle::blocked_until.gt(tx.now())))
        .select(login_throttle::blocked_until.assume_not_null())
        .order(login_throttle::blocked_until.desc())
        .first(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)?;
    Ok(until.map(|until| u32::try_from((until - tx.now()).num_seconds().max(1)).unwrap_or(u32::MAX)))
}

/// Failures that are free: of a name few, of an address many, for a whole company may sit behind one.
fn free_failures(subject: &str) -> i32 {
    let of_address = subject.split(':').next().is_some_and(|kind| kind.contains('@'));
    if of_address { 49 } else { 4 }
}

/// Counts a failure: behind the free ones the wait doubles from 2 seconds to 15 minutes. An hour without a failure forgets
/// them.
pub async fn failed(tx: &mut Tx, subjects: &[String]) -> Result<()> {
    let now = tx.now();
    for subject in subjects {
        let failures: i32 = diesel::insert_into(login_throttle::table)
            .values((
                login_throttle::subject.eq(subject),
                login_throttle::failures.eq(1),
                login_throttle::updated_at.eq(now),
            ))
            .on_conflict(login_throttle::subject)
            .do_update()
            .set((
                login_throttle::failures.eq(diesel::dsl::case_when(
                    login_throttle::updated_at.lt(now - TimeDelta::hours(1)),
                    diesel::IntoSql::into_sql::<diesel::sql_types::Integer>(1),
                )
                .otherwise(login_throttle::failures + 1)),
                login_throttle::updated_at.eq(now),
            ))
            .returning(login_throttle::failures)
            .get_result(&mut **tx)
            .await
            .map_err(from_diesel)?;
        let over = failures - free_failures(subject);
        if over > 0 {
            let wait = (1_i64 << over.min(10)).min(900);
            diesel::update(login_throttle::table.filter(login_throttle::subject.eq(subject)))
                .set(login_throttle::blocked_until.eq(now + TimeDelta::seconds(wait)))
                .execute(&mut **tx)
                .await
                .map_err(from_diesel)?;
        }
    }
    Ok(())
}

/// Forgets the failures of a name after a log-in.
pub async fn succeeded(tx: &mut Tx, subject: &str) -> Result<()> {
    diesel::delete(login_throttle::table.filter(login_throttle::subject.eq(subject)))
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    Ok(())
}
