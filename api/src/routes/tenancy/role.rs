//! Roles over REST.

use poem::Request;
use poem_openapi::{
    OpenApi,
    param::{Header, Path, Query},
};
use stromtor_domain::{
    actor::{Actor, Permission},
    page::PageRequest,
    patch::Patch,
    tenancy::partner::PartnerId,
    tenancy::role::{Role, RoleId, RoleInput},
};
use stromtor_persistence::tenancy::role::{self, RoleFilter};

use crate::{
    app::identity,
    auth::Auth,
    list::{Listed, list},
    problem::Answer,
    respond::{Body, Created, Done, Found, if_match},
    routes::Tag,
    state::App,
};

/// Operations on roles.
pub struct RoleApi(pub App);

#[OpenApi(prefix_path = "/v1/roles", tag = "Tag::Roles")]
impl RoleApi {
    /// List roles
    ///
    /// Every role in your scope, oldest first, a page at a time.
    ///
    /// Permission: `user:read`
    #[oai(path = "/", method = "get", operation_id = "role_list")]
    async fn list(
        &self,
        request: &Request,
        Auth(actor): Auth,
        /// Of this partner alone.
        partner_id: Query<Option<PartnerId>>,
        /// Items per page, 1 to 500; 50 when absent.
        limit: Query<Option<u32>>,
        /// Where to go on: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<Role>> {
        let filter = RoleFilter { partner_id: partner_id.0 };
        list(&self.0, request, &actor, Permission::UserRead, filter, PageRequest { limit: limit.0, cursor: cursor.0 })
            .await
    }

    /// Create a role
    ///
    /// It may not allow more than you are allowed yourself.
    ///
    /// Permission: `user:write`
    #[oai(path = "/", method = "post", operation_id = "role_create")]
    async fn create(
        &self,
        Auth(actor): Auth,
        /// The partner it is to belong to; your own when absent.
        partner_id: Query<Option<PartnerId>>,
        Body(input): Body<RoleInput>,
    ) -> Answer<Created<Role>> {
        let mut tx = self.0.begin(&actor, Permission::UserWrite).await?;
        identity::may_grant(&actor, &input.permissions)?;
        let partner_id = tx.partner(partner_id.0).await?;
        let created = role::create(&mut tx, partner_id, input).await?;
        tx.commit().await?;
        Ok(Created::at(format!("/v1/roles/{}", created.id), created.clone(), created.revision))
    }

    /// Read a role
    ///
    /// Permission: `user:read`
    #[oai(path = "/:role_id", method = "get", operation_id = "role_get")]
    async fn get(&self, Auth(actor): Auth, role_id: Path<RoleId>) -> Answer<Found<Role>> {
        let mut tx = self.0.begin(&actor, Permission::UserRead).await?;
        let found = role::get(&mut tx, role_id.0).await?;
        tx.commit().await?;
        let revision = found.revision;
        Ok(Found::versioned(found, revision))
    }

    /// Replace a role
    ///
    /// What is absent from the body is cleared.
    ///
    /// Permission: `user:write`
    #[oai(path = "/:role_id", method = "put", operation_id = "role_replace")]
    async fn replace(
        &self,
        Auth(actor): Auth,
        role_id: Path<RoleId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
        Body(input): Body<RoleInput>,
    ) -> Answer<Found<Role>> {
        self.change(&actor, role_id.0, if_match_header.0, move |_| Ok(input)).await
    }

    /// Change a role
    ///
    /// Merge patch (RFC 7396).
    ///
    /// Permission: `user:write`
    #[oai(path = "/:role_id", method = "patch", operation_id = "role_patch")]
    async fn patch(
        &self,
        Auth(actor): Auth,
        role_id: Path<RoleId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
        Body(patch): Body<Patch<RoleInput>>,
    ) -> Answer<Found<Role>> {
        self.change(&actor, role_id.0, if_match_header.0, move |current| patch.apply(current)).await
    }

    /// Delete a role
    ///
    /// Users keep its name; it allows nothing from their next log-in on.
    ///
    /// Permission: `user:write`
    #[oai(path = "/:role_id", method = "delete", operation_id = "role_delete")]
    async fn delete(
        &self,
        Auth(actor): Auth,
        role_id: Path<RoleId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
    ) -> Answer<Done> {
        let mut tx = self.0.begin(&actor, Permission::UserWrite).await?;
        role::delete(&mut tx, role_id.0, if_match(if_match_header.0)?).await?;
        tx.commit().await?;
        Ok(Done::NoContent)
    }
}

impl RoleApi {
    async fn change(
        &self,
        actor: &Actor,
        id: RoleId,
        if_match_header: Option<String>,
        change: impl FnOnce(&RoleInput) -> stromtor_domain::Result<RoleInput> + Send,
    ) -> Answer<Found<Role>> {
        let mut tx = self.0.begin(actor, Permission::UserWrite).await?;
        let changed = role::update(&mut tx, id, if_match(if_match_header)?, |current| {
            let input = change(current)?;
            identity::may_grant(actor, &input.permissions)?;
            Ok(input)
        })
        .await?;
        tx.commit().await?;
        let revision = changed.revision;
        Ok(Found::versioned(changed, revision))
    }
}
