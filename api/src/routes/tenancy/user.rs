//! Users over REST.

use poem::Request;
use poem_openapi::{
    OpenApi,
    param::{Header, Path, Query},
};
use stromtor_domain::{
    Timestamp,
    actor::{Actor, Permission},
    page::PageRequest,
    patch::Patch,
    tenancy::partner::PartnerId,
    tenancy::user::{User, UserId, UserInput, UserStatus},
};
use stromtor_persistence::tenancy::user::{self, UserFilter};

use crate::{
    app::identity,
    auth::Auth,
    list::{Listed, list},
    problem::Answer,
    respond::{Body, Created, Done, Found, if_match},
    routes::Tag,
    state::App,
};

/// Operations on users.
pub struct UserApi(pub App);

#[OpenApi(prefix_path = "/v1/users", tag = "Tag::Users")]
impl UserApi {
    /// List users
    ///
    /// Every user in your scope, oldest first, a page at a time.
    ///
    /// Permission: `user:read`
    #[oai(path = "/", method = "get", operation_id = "user_list")]
    async fn list(
        &self,
        request: &Request,
        Auth(actor): Auth,
        /// Of this partner alone.
        partner_id: Query<Option<PartnerId>>,
        /// With this log-in name.
        email: Query<Option<String>>,
        /// With this status.
        status: Query<Option<UserStatus>>,
        /// With this id of yours.
        external_id: Query<Option<String>>,
        /// Changed at or after this time.
        updated_since: Query<Option<Timestamp>>,
        /// Items per page, 1 to 500; 50 when absent.
        limit: Query<Option<u32>>,
        /// Where to go on: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<User>> {
        let filter = UserFilter {
            partner_id: partner_id.0,
            email: email.0,
            status: status.0,
            external_id: external_id.0,
            updated_since: updated_since.0,
        };
        list(&self.0, request, &actor, Permission::UserRead, filter, PageRequest { limit: limit.0, cursor: cursor.0 })
            .await
    }

    /// Invite a user
    ///
    /// They get a mail with a link to choose a password. Their roles may not allow more than you are allowed yourself.
    ///
    /// Permission: `user:write`
    #[oai(path = "/", method = "post", operation_id = "user_create")]
    async fn create(
        &self,
        Auth(actor): Auth,
        /// The partner the user is to belong to; your own when absent.
        partner_id: Query<Option<PartnerId>>,
        Body(input): Body<UserInput>,
    ) -> Answer<Created<User>> {
        let mut tx = self.0.begin(&actor, Permission::UserWrite).await?;
        let partner_id = tx.partner(partner_id.0).await?;
        identity::may_have(&mut tx, partner_id, &input).await?;
        let created = user::invite(&mut tx, partner_id, input).await?;
        identity::invite(&self.0, &mut tx, &created).await?;
        tx.commit().await?;
        Ok(Created::at(format!("/v1/users/{}", created.id), created.clone(), created.revision))
    }

    /// Read a user
    ///
    /// Permission: `user:read`
    #[oai(path = "/:user_id", method = "get", operation_id = "user_get")]
    async fn get(&self, Auth(actor): Auth, user_id: Path<UserId>) -> Answer<Found<User>> {
        let mut tx = self.0.begin(&actor, Permission::UserRead).await?;
        let found = user::get(&mut tx, user_id.0).await?;
        tx.commit().await?;
        let revision = found.revision;
        Ok(Found::versioned(found, revision))
    }

    /// Replace a user
    ///
    /// What is absent from the body is cleared.
    ///
    /// Permission: `user:write`
    #[oai(path = "/:user_id", method = "put", operation_id = "user_replace")]
    async fn replace(
        &self,
        Auth(actor): Auth,
        user_id: Path<UserId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
        Body(input): Body<UserInput>,
    ) -> Answer<Found<User>> {
        self.change(&actor, user_id.0, if_match_header.0, move |_| Ok(input)).await
    }

    /// Change a user
    ///
    /// Merge patch (RFC 7396).
    ///
    /// Permission: `user:write`
    #[oai(path = "/:user_id", method = "patch", operation_id = "user_patch")]
    async fn patch(
        &self,
        Auth(actor): Auth,
        user_id: Path<UserId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
        Body(patch): Body<Patch<UserInput>>,
    ) -> Answer<Found<User>> {
        self.change(&actor, user_id.0, if_match_header.0, move |current| patch.apply(current)).await
    }

    /// Delete a user
    ///
    /// Entries in the audit log keep the name.
    ///
    /// Permission: `user:write`
    #[oai(path = "/:user_id", method = "delete", operation_id = "user_delete")]
    async fn delete(
        &self,
        Auth(actor): Auth,
        user_id: Path<UserId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
    ) -> Answer<Done> {
        let mut tx = self.0.begin(&actor, Permission::UserWrite).await?;
        user::delete(&mut tx, user_id.0, if_match(if_match_header.0)?).await?;
        tx.commit().await?;
        Ok(Done::NoContent)
    }

    /// Disable a user
    ///
    /// No log-in and no refresh any more; an access token already issued ends within its lifetime of minutes.
    ///
    /// Permission: `user:write`
    #[oai(path = "/:user_id/disable", method = "post", operation_id = "user_disable")]
    async fn disable(&self, Auth(actor): Auth, user_id: Path<UserId>) -> Answer<Found<User>> {
        self.enabled(&actor, user_id.0, false).await
    }

    /// Enable a user
    ///
    /// Permission: `user:write`
    #[oai(path = "/:user_id/enable", method = "post", operation_id = "user_enable")]
    async fn enable(&self, Auth(actor): Auth, user_id: Path<UserId>) -> Answer<Found<User>> {
        self.enabled(&actor, user_id.0, true).await
    }

    /// Invite a user again
    ///
    /// A new link by mail; earlier ones end. Refused with `already_active` for a user who has a password.
    ///
    /// Permission: `user:write`
    #[oai(path = "/:user_id/invitation", method = "post", operation_id = "user_invite")]
    async fn invite(&self, Auth(actor): Auth, user_id: Path<UserId>) -> Answer<Done> {
        let mut tx = self.0.begin(&actor, Permission::UserWrite).await?;
        let user = user::get(&mut tx, user_id.0).await?;
        if user.status != UserStatus::Invited {
            return Err(stromtor_domain::Error::conflict("already_active", "the user has chosen a password").into());
        }
        identity::invite(&self.0, &mut tx, &user).await?;
        tx.commit().await?;
        Ok(Done::NoContent)
    }
}

impl UserApi {
    async fn enabled(&self, actor: &Actor, id: UserId, enabled: bool) -> Answer<Found<User>> {
        let mut tx = self.0.begin(actor, Permission::UserWrite).await?;
        let changed = user::set_enabled(&mut tx, id, enabled).await?;
        tx.commit().await?;
        let revision = changed.revision;
        Ok(Found::versioned(changed, revision))
    }

    async fn change(
        &self,
        actor: &Actor,
        id: UserId,
        if_match_header: Option<String>,
        change: impl FnOnce(&UserInput) -> stromtor_domain::Result<UserInput> + Send,
    ) -> Answer<Found<User>> {
        let mut tx = self.0.begin(actor, Permission::UserWrite).await?;
        let changed = {
            let current = user::lock(&mut tx, id, if_match(if_match_header)?).await?;
            let input = change(&current.input)?;
            identity::may_have(&mut tx, current.partner_id, &input).await?;
            user::update(&mut tx, id, None, |_| Ok(input)).await?
        };
        tx.commit().await?;
        let revision = changed.revision;
        Ok(Found::versioned(changed, revision))
    }
}
