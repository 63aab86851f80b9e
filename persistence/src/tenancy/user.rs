//! Users.

use stromtor_domain::tenancy::user::{User, UserId, UserInput, UserStatus};
use stromtor_schema::schema::app_user;

use crate::resource::{Owned as _, prelude::*};

resource!(app_user: User, UserInput, UserId, "user");

/// What a list of users may be narrowed by.
#[derive(Debug, Clone, Default)]
pub struct UserFilter {
    /// Of this partner alone.
    pub partner_id: Option<PartnerId>,
    /// With this address.
    pub email: Option<String>,
    /// With this status.
    pub status: Option<UserStatus>,
    /// With this id of the caller's.
    pub external_id: Option<String>,
    /// Changed at or after.
    pub updated_since: Option<Timestamp>,
}

listing!(UserFilter => User);

/// One page, oldest first.
pub async fn list(tx: &mut Tx, filter: &UserFilter, page: &PageRequest) -> Result<Page<User>> {
    let limit = page.limit()?;
    let mut query = app_user::table.select(User::as_select()).order(app_user::id).into_boxed();
    if let Some(after) = page.after::<UserId>()? {
        query = query.filter(app_user::id.gt(after));
    }
    if let Some(partner_id) = filter.partner_id {
        query = query.filter(app_user::partner_id.eq(partner_id));
    }
    if let Some(email) = &filter.email {
        query = query.filter(app_user::email.eq(email));
    }
    if let Some(status) = filter.status {
        query = query.filter(app_user::status.eq(status));
    }
    if let Some(external_id) = &filter.external_id {
        query = query.filter(app_user::external_id.eq(external_id));
    }
    if let Some(since) = filter.updated_since {
        query = query.filter(app_user::updated_at.ge(since));
    }
    let rows = query.limit(limit as i64 + 1).load(&mut **tx).await.map_err(from_diesel)?;
    Ok(Page::cut(rows, limit, |row: &User| row.id))
}

/// Creates a user who has yet to choose a password.
pub async fn invite(tx: &mut Tx, partner_id: PartnerId, input: UserInput) -> Result<User> {
    input.check()?;
    let (id, now): (UserId, _) = (tx.id(), tx.now());
    let created: User = diesel::insert_into(app_user::table)
        .values((
            app_user::id.eq(id),
            app_user::partner_id.eq(partner_id),
            input,
            app_user::status.eq(UserStatus::Invited),
            app_user::created_at.eq(now),
            app_user::updated_at.eq(now),
        ))
        .returning(User::as_returning())
        .get_result(&mut **tx)
        .await
        .map_err(from_diesel)?;
    note(tx, "create", None, Some(&created));
    Ok(created)
}

/// Lets a user log in again, or no more; disabling ends every refresh token.
pub async fn set_enabled(tx: &mut Tx, id: UserId, enabled: bool) -> Result<User> {
    let before = lock(tx, id, None).await?;
    let status = match (enabled, before.status) {
        (false, _) => UserStatus::Disabled,
        (true, UserStatus::Disabled) => UserStatus::Active,
        (true, unchanged) => unchanged,
    };
    let after: User = diesel::update(app_user::table.filter(app_user::id.eq(id)))
        .set((
            app_user::status.eq(status),
            app_user::revision.eq(app_user::revision + 1),
            app_user::updated_at.eq(tx.now()),
        ))
        .returning(User::as_returning())
        .get_result(&mut **tx)
        .await
        .map_err(from_diesel)?;
    if !enabled {
        super::credential::end_refresh_tokens(tx, id).await?;
    }
    note(tx, if enabled { "enable" } else { "disable" }, Some(&before), Some(&after));
    Ok(after)
}
