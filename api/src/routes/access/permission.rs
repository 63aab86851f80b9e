//! permissions to charge over REST.

use poem::Request;
use poem_openapi::{
    OpenApi,
    param::{Header, Path, Query},
};
use stromtor_domain::{
    access::{
        emaid_group::EmaidGroupId,
        permission::{AccessPermission, AccessPermissionId, AccessPermissionInput},
    },
    actor::{Actor, Permission},
    network::charge_point_group::ChargePointGroupId,
    page::PageRequest,
    patch::Patch,
    tenancy::partner::PartnerId,
};
use stromtor_persistence::access::{
    local_list,
    permission::{self, AccessPermissionFilter},
};

use crate::{
    auth::Auth,
    list::{Listed, list},
    problem::Answer,
    respond::{Body, Created, Done, Found, if_match},
    routes::Tag,
    state::App,
};

/// Operations on permissions to charge.
pub struct AccessPermissionApi(pub App);

#[OpenApi(prefix_path = "/v1/access-permissions", tag = "Tag::Access")]
impl AccessPermissionApi {
    /// List permissions to charge
    ///
    /// Each lets the tokens of an EMAID group charge at the charge points of a charge-point group whose access policy is
    /// `permitted`. Oldest first.
    ///
    /// Permission: `access:read`
    #[oai(path = "/", method = "get", operation_id = "access_permission_list")]
    async fn list(
        &self,
        request: &Request,
        Auth(actor): Auth,
        /// Of this partner alone.
        partner_id: Query<Option<PartnerId>>,
        /// For this EMAID group.
        emaid_group_id: Query<Option<EmaidGroupId>>,
        /// For this charge-point group.
        charge_point_group_id: Query<Option<ChargePointGroupId>>,
        /// With this id of yours.
        external_id: Query<Option<String>>,
        /// Items per page, 1 to 500; 50 when absent.
        limit: Query<Option<u32>>,
        /// Where to go on: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<AccessPermission>> {
        let filter = AccessPermissionFilter {
            partner_id: partner_id.0,
            emaid_group_id: emaid_group_id.0,
            charge_point_group_id: charge_point_group_id.0,
            external_id: external_id.0,
        };
        let page = PageRequest { limit: limit.0, cursor: cursor.0 };
        list(&self.0, request, &actor, Permission::AccessRead, filter, page).await
    }

    /// Create a permission to charge
    ///
    /// It belongs to your partner unless `partner_id` names one below it.
    ///
    /// Permission: `access:write`
    #[oai(path = "/", method = "post", operation_id = "access_permission_create")]
    async fn create(
        &self,
        Auth(actor): Auth,
        /// The partner it is to belong to; your own when absent.
        partner_id: Query<Option<PartnerId>>,
        Body(input): Body<AccessPermissionInput>,
    ) -> Answer<Created<AccessPermission>> {
        let mut tx = self.0.begin(&actor, Permission::AccessWrite).await?;
        let partner_id = tx.partner(partner_id.0).await?;
        let created = permission::create(&mut tx, partner_id, input).await?;
        local_list::tokens_changed(&mut tx, created.partner_id).await?;
        tx.commit().await?;
        Ok(Created::at(format!("/v1/access-permissions/{}", created.id), created.clone(), created.revision))
    }

    /// Read a permission to charge
    ///
    /// Permission: `access:read`
    #[oai(path = "/:access_permission_id", method = "get", operation_id = "access_permission_get")]
    async fn get(
        &self,
        Auth(actor): Auth,
        access_permission_id: Path<AccessPermissionId>,
    ) -> Answer<Found<AccessPermission>> {
        let mut tx = self.0.begin(&actor, Permission::AccessRead).await?;
        let found = permission::get(&mut tx, access_permission_id.0).await?;
        tx.commit().await?;
        let revision = found.revision;
        Ok(Found::versioned(found, revision))
    }

    /// Replace a permission to charge
    ///
    /// What is absent from the body is cleared.
    ///
    /// Permission: `access:write`
    #[oai(path = "/:access_permission_id", method = "put", operation_id = "access_permission_replace")]
    async fn replace(
        &self,
        Auth(actor): Auth,
        access_permission_id: Path<AccessPermissionId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
        Body(input): Body<AccessPermissionInput>,
    ) -> Answer<Found<AccessPermission>> {
        self.change(&actor, access_permission_id.0, if_match_header.0, move |_| Ok(input)).await
    }

    /// Change a permission to charge
    ///
    /// Merge patch (RFC 7396).
    ///
    /// Permission: `access:write`
    #[oai(path = "/:access_permission_id", method = "patch", operation_id = "access_permission_patch")]
    async fn patch(
        &self,
        Auth(actor): Auth,
        access_permission_id: Path<AccessPermissionId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
        Body(patch): Body<Patch<AccessPermissionInput>>,
    ) -> Answer<Found<AccessPermission>> {
        self.change(&actor, access_permission_id.0, if_match_header.0, move |current| patch.apply(current)).await
    }

    /// Delete a permission to charge
    ///
    /// Sessions that it let in go on.
    ///
    /// Permission: `access:write`
    #[oai(path = "/:access_permission_id", method = "delete", operation_id = "access_permission_delete")]
    async fn delete(
        &self,
        Auth(actor): Auth,
        access_permission_id: Path<AccessPermissionId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
    ) -> Answer<Done> {
        let mut tx = self.0.begin(&actor, Permission::AccessWrite).await?;
        let owner = permission::get(&mut tx, access_permission_id.0).await?.partner_id;
        permission::delete(&mut tx, access_permission_id.0, if_match(if_match_header.0)?).await?;
        local_list::tokens_changed(&mut tx, owner).await?;
        tx.commit().await?;
        Ok(Done::NoContent)
    }
}

impl AccessPermissionApi {
    async fn change(
        &self,
        actor: &Actor,
        id: AccessPermissionId,
        if_match_header: Option<String>,
        change: impl FnOnce(&AccessPermissionInput) -> stromtor_domain::Result<AccessPermissionInput> + Send,
    ) -> Answer<Found<AccessPermission>> {
        let mut tx = self.0.begin(actor, Permission::AccessWrite).await?;
        let changed = permission::update(&mut tx, id, if_match(if_match_header)?, change).await?;
        local_list::tokens_changed(&mut tx, changed.partner_id).await?;
        tx.commit().await?;
        let revision = changed.revision;
        Ok(Found::versioned(changed, revision))
    }
}
