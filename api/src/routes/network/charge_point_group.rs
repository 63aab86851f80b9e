//! charge-point groups over REST.

use poem::Request;
use poem_openapi::{
    OpenApi,
    param::{Header, Path, Query},
};
use stromtor_domain::{
    actor::{Actor, Permission},
    network::{
        charge_point::ChargePointId,
        charge_point_group::{
            ChargePointGroup, ChargePointGroupId, ChargePointGroupInput, ChargePointGroupMember,
            ChargePointGroupMembers,
        },
    },
    page::PageRequest,
    patch::Patch,
    tenancy::partner::PartnerId,
};
use stromtor_persistence::{
    access::local_list,
    network::charge_point_group::{self, ChargePointGroupFilter, ChargePointGroupMemberFilter},
};

use crate::{
    auth::Auth,
    list::{Listed, list},
    problem::Answer,
    respond::{Body, Created, Done, Found, if_match},
    routes::Tag,
    state::App,
};

/// Operations on charge-point groups.
pub struct ChargePointGroupApi(pub App);

#[OpenApi(prefix_path = "/v1/charge-point-groups", tag = "Tag::Access")]
impl ChargePointGroupApi {
    /// List charge-point groups
    ///
    /// Oldest first.
    ///
    /// Permission: `access:read`
    #[oai(path = "/", method = "get", operation_id = "charge_point_group_list")]
    async fn list(
        &self,
        request: &Request,
        Auth(actor): Auth,
        /// Of this partner alone.
        partner_id: Query<Option<PartnerId>>,
        /// That hold this charge point.
        charge_point_id: Query<Option<ChargePointId>>,
        /// With this id of yours.
        external_id: Query<Option<String>>,
        /// Items per page, 1 to 500; 50 when absent.
        limit: Query<Option<u32>>,
        /// Where to go on: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<ChargePointGroup>> {
        let filter = ChargePointGroupFilter {
            partner_id: partner_id.0,
            charge_point_id: charge_point_id.0,
            external_id: external_id.0,
        };
        let page = PageRequest { limit: limit.0, cursor: cursor.0 };
        list(&self.0, request, &actor, Permission::AccessRead, filter, page).await
    }

    /// Create a charge-point group
    ///
    /// It belongs to your partner unless `partner_id` names one below it.
    ///
    /// Permission: `access:write`
    #[oai(path = "/", method = "post", operation_id = "charge_point_group_create")]
    async fn create(
        &self,
        Auth(actor): Auth,
        /// The partner it is to belong to; your own when absent.
        partner_id: Query<Option<PartnerId>>,
        Body(input): Body<ChargePointGroupInput>,
    ) -> Answer<Created<ChargePointGroup>> {
        let mut tx = self.0.begin(&actor, Permission::AccessWrite).await?;
        let partner_id = tx.partner(partner_id.0).await?;
        let created = charge_point_group::create(&mut tx, partner_id, input).await?;
        tx.commit().await?;
        Ok(Created::at(format!("/v1/charge-point-groups/{}", created.id), created.clone(), created.revision))
    }

    /// Read a charge-point group
    ///
    /// Permission: `access:read`
    #[oai(path = "/:charge_point_group_id", method = "get", operation_id = "charge_point_group_get")]
    async fn get(
        &self,
        Auth(actor): Auth,
        charge_point_group_id: Path<ChargePointGroupId>,
    ) -> Answer<Found<ChargePointGroup>> {
        let mut tx = self.0.begin(&actor, Permission::AccessRead).await?;
        let found = charge_point_group::get(&mut tx, charge_point_group_id.0).await?;
        tx.commit().await?;
        let revision = found.revision;
        Ok(Found::versioned(found, revision))
    }

    /// Replace a charge-point group
    ///
    /// What is absent from the body is cleared.
    ///
    /// Permission: `access:write`
    #[oai(path = "/:charge_point_group_id", method = "put", operation_id = "charge_point_group_replace")]
    async fn replace(
        &self,
        Auth(actor): Auth,
        charge_point_group_id: Path<ChargePointGroupId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
        Body(input): Body<ChargePointGroupInput>,
    ) -> Answer<Found<ChargePointGroup>> {
        self.change(&actor, charge_point_group_id.0, if_match_header.0, move |_| Ok(input)).await
    }

    /// Change a charge-point group
    ///
    /// Merge patch (RFC 7396).
    ///
    /// Permission: `access:write`
    #[oai(path = "/:charge_point_group_id", method = "patch", operation_id = "charge_point_group_patch")]
    async fn patch(
        &self,
        Auth(actor): Auth,
        charge_point_group_id: Path<ChargePointGroupId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
        Body(patch): Body<Patch<ChargePointGroupInput>>,
    ) -> Answer<Found<ChargePointGroup>> {
        self.change(&actor, charge_point_group_id.0, if_match_header.0, move |current| patch.apply(current)).await
    }

    /// Delete a charge-point group
    ///
    /// Refused with `in_use` while permissions name it. Its charge points stay.
    ///
    /// Permission: `access:write`
    #[oai(path = "/:charge_point_group_id", method = "delete", operation_id = "charge_point_group_delete")]
    async fn delete(
        &self,
        Auth(actor): Auth,
        charge_point_group_id: Path<ChargePointGroupId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
    ) -> Answer<Done> {
        let mut tx = self.0.begin(&actor, Permission::AccessWrite).await?;
        charge_point_group::delete(&mut tx, charge_point_group_id.0, if_match(if_match_header.0)?).await?;
        tx.commit().await?;
        Ok(Done::NoContent)
    }

    /// List charge points of a group
    ///
    /// Permission: `access:read`
    #[oai(path = "/:charge_point_group_id/members", method = "get", operation_id = "charge_point_group_member_list")]
    async fn members(
        &self,
        request: &Request,
        Auth(actor): Auth,
        charge_point_group_id: Path<ChargePointGroupId>,
        /// Items per page, 1 to 500; 50 when absent.
        limit: Query<Option<u32>>,
        /// Where to go on: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<ChargePointGroupMember>> {
        let filter = ChargePointGroupMemberFilter { group_id: charge_point_group_id.0 };
        let page = PageRequest { limit: limit.0, cursor: cursor.0 };
        list(&self.0, request, &actor, Permission::AccessRead, filter, page).await
    }

    /// Put charge points into a group
    ///
    /// All of them or none. Those that are in it already stay.
    ///
    /// Permission: `access:write`
    #[oai(path = "/:charge_point_group_id/members", method = "post", operation_id = "charge_point_group_member_add")]
    async fn add(
        &self,
        Auth(actor): Auth,
        charge_point_group_id: Path<ChargePointGroupId>,
        Body(input): Body<ChargePointGroupMembers>,
    ) -> Answer<Done> {
        let mut tx = self.0.begin(&actor, Permission::AccessWrite).await?;
        let group = charge_point_group::get(&mut tx, charge_point_group_id.0).await?;
        input.check()?;
        charge_point_group::add(&mut tx, group.id, &input.charge_point_ids).await?;
        local_list::tokens_changed(&mut tx, group.partner_id).await?;
        tx.commit().await?;
        Ok(Done::NoContent)
    }

    /// Take a charge point out of a group
    ///
    /// Permission: `access:write`
    #[oai(
        path = "/:charge_point_group_id/members/:charge_point_id",
        method = "delete",
        operation_id = "charge_point_group_member_remove"
    )]
    async fn remove(
        &self,
        Auth(actor): Auth,
        charge_point_group_id: Path<ChargePointGroupId>,
        charge_point_id: Path<ChargePointId>,
    ) -> Answer<Done> {
        let mut tx = self.0.begin(&actor, Permission::AccessWrite).await?;
        let group = charge_point_group::get(&mut tx, charge_point_group_id.0).await?;
        charge_point_group::remove(&mut tx, group.id, charge_point_id.0).await?;
        local_list::tokens_changed(&mut tx, group.partner_id).await?;
        tx.commit().await?;
        Ok(Done::NoContent)
    }
}

impl ChargePointGroupApi {
    async fn change(
        &self,
        actor: &Actor,
        id: ChargePointGroupId,
        if_match_header: Option<String>,
        change: impl FnOnce(&ChargePointGroupInput) -> stromtor_domain::Result<ChargePointGroupInput> + Send,
    ) -> Answer<Found<ChargePointGroup>> {
        let mut tx = self.0.begin(actor, Permission::AccessWrite).await?;
        let changed = charge_point_group::update(&mut tx, id, if_match(if_match_header)?, change).await?;
        tx.commit().await?;
        let revision = changed.revision;
        Ok(Found::versioned(changed, revision))
    }
}
