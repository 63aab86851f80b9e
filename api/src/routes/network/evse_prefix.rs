//! EVSE-ID prefixes over REST.

use poem::Request;
use poem_openapi::{
    OpenApi,
    param::{Header, Path, Query},
};
use stromtor_domain::{
    Error,
    actor::{Actor, Permission},
    network::evse_prefix::{EvseOperator, EvsePrefix, EvsePrefixId, EvsePrefixInput},
    page::PageRequest,
    patch::Patch,
    tenancy::partner::PartnerId,
};
use stromtor_persistence::network::evse_prefix::{self, EvsePrefixFilter};

use crate::{
    auth::Auth,
    list::{Listed, list},
    problem::Answer,
    respond::{Body, Created, Done, Found, if_match},
    routes::Tag,
    state::App,
};

/// Operations on EVSE-ID prefixes.
pub struct EvsePrefixApi(pub App);

#[OpenApi(prefix_path = "/v1/evse-prefixes", tag = "Tag::EvseIds")]
impl EvsePrefixApi {
    /// List EVSE-ID prefixes
    ///
    /// Those of your partner and below, and those of the partners above, which you may use too; oldest first.
    ///
    /// Permission: `partner:read`
    #[oai(path = "/", method = "get", operation_id = "evse_prefix_list")]
    async fn list(
        &self,
        request: &Request,
        Auth(actor): Auth,
        /// Of this partner alone.
        partner_id: Query<Option<PartnerId>>,
        /// This prefix, for example `DE*ISE`; whatever its case, with separator or without.
        prefix: Query<Option<String>>,
        /// With this id of yours.
        external_id: Query<Option<String>>,
        /// Items per page, 1 to 500; 50 when absent.
        limit: Query<Option<u32>>,
        /// Where to go on: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<EvsePrefix>> {
        let prefix = prefix.0.map(|text| EvseOperator::parse(&text)).transpose();
        let filter = EvsePrefixFilter {
            partner_id: partner_id.0,
            prefix: prefix.map_err(|message| Error::invalid("prefix", message))?,
            external_id: external_id.0,
        };
        let page = PageRequest { limit: limit.0, cursor: cursor.0 };
        list(&self.0, request, &actor, Permission::PartnerRead, filter, page).await
    }

    /// Create an EVSE-ID prefix
    ///
    /// Makes country and operator of EVSE-IDs, as their registrar gave them (BDEW for `DE`, Austriatech for `AT`), a partner's own. It
    /// and the partners below it may use them: set EVSE-IDs that begin so by hand, and be given numbers. It belongs to your partner
    /// unless `partner_id` names one below it. Refused with `prefix_in_use` while charge points of other partners have it.
    ///
    /// Permission: `partner:write`
    #[oai(path = "/", method = "post", operation_id = "evse_prefix_create")]
    async fn create(
        &self,
        Auth(actor): Auth,
        /// The partner it is to belong to; your own when absent.
        partner_id: Query<Option<PartnerId>>,
        Body(input): Body<EvsePrefixInput>,
    ) -> Answer<Created<EvsePrefix>> {
        let mut tx = self.0.begin(&actor, Permission::PartnerWrite).await?;
        let partner_id = tx.partner(partner_id.0).await?;
        let created = evse_prefix::register(&mut tx, partner_id, input).await?;
        tx.commit().await?;
        Ok(Created::at(format!("/v1/evse-prefixes/{}", created.id), created.clone(), created.revision))
    }

    /// Read an EVSE-ID prefix
    ///
    /// Permission: `partner:read`
    #[oai(path = "/:evse_prefix_id", method = "get", operation_id = "evse_prefix_get")]
    async fn get(&self, Auth(actor): Auth, evse_prefix_id: Path<EvsePrefixId>) -> Answer<Found<EvsePrefix>> {
        let mut tx = self.0.begin(&actor, Permission::PartnerRead).await?;
        let found = evse_prefix::get(&mut tx, evse_prefix_id.0).await?;
        tx.commit().await?;
        let revision = found.revision;
        Ok(Found::versioned(found, revision))
    }

    /// Replace an EVSE-ID prefix
    ///
    /// What is absent from the body is cleared. Refused with `prefix_in_use` when it is to be spelled otherwise and charge points
    /// have it.
    ///
    /// Permission: `partner:write`
    #[oai(path = "/:evse_prefix_id", method = "put", operation_id = "evse_prefix_replace")]
    async fn replace(
        &self,
        Auth(actor): Auth,
        evse_prefix_id: Path<EvsePrefixId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
        Body(input): Body<EvsePrefixInput>,
    ) -> Answer<Found<EvsePrefix>> {
        self.change(&actor, evse_prefix_id.0, if_match_header.0, move |_| Ok(input)).await
    }

    /// Change an EVSE-ID prefix
    ///
    /// Merge patch (RFC 7396). Refused with `prefix_in_use` as in replacing it.
    ///
    /// Permission: `partner:write`
    #[oai(path = "/:evse_prefix_id", method = "patch", operation_id = "evse_prefix_patch")]
    async fn patch(
        &self,
        Auth(actor): Auth,
        evse_prefix_id: Path<EvsePrefixId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
        Body(patch): Body<Patch<EvsePrefixInput>>,
    ) -> Answer<Found<EvsePrefix>> {
        self.change(&actor, evse_prefix_id.0, if_match_header.0, move |current| patch.apply(current)).await
    }

    /// Delete an EVSE-ID prefix
    ///
    /// Refused with `prefix_in_use` while charge points have it. Numbers that were given out are not given out again, should it come
    /// back.
    ///
    /// Permission: `partner:write`
    #[oai(path = "/:evse_prefix_id", method = "delete", operation_id = "evse_prefix_delete")]
    async fn delete(
        &self,
        Auth(actor): Auth,
        evse_prefix_id: Path<EvsePrefixId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
    ) -> Answer<Done> {
        let mut tx = self.0.begin(&actor, Permission::PartnerWrite).await?;
        evse_prefix::remove(&mut tx, evse_prefix_id.0, if_match(if_match_header.0)?).await?;
        tx.commit().await?;
        Ok(Done::NoContent)
    }
}

impl EvsePrefixApi {
    async fn change(
        &self,
        actor: &Actor,
        id: EvsePrefixId,
        if_match_header: Option<String>,
        change: impl FnOnce(&EvsePrefixInput) -> stromtor_domain::Result<EvsePrefixInput> + Send,
    ) -> Answer<Found<EvsePrefix>> {
        let mut tx = self.0.begin(actor, Permission::PartnerWrite).await?;
        let changed = evse_prefix::change(&mut tx, id, if_match(if_match_header)?, change).await?;
        tx.commit().await?;
        let revision = changed.revision;
        Ok(Found::versioned(changed, revision))
    }
}
