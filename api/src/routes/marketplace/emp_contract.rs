//! Providers, and operators' contracts with them, over REST.

use poem::Request;
use poem_openapi::{
    OpenApi,
    param::{Header, Path, Query},
};
use stromtor_domain::{
    actor::{Actor, Permission},
    marketplace::emp_contract::{Emp, EmpContract, EmpContractId, EmpContractInput},
    page::PageRequest,
    patch::Patch,
    tenancy::partner::PartnerId,
};
use stromtor_persistence::{
    access::local_list,
    marketplace::{
        emp::EmpFilter,
        emp_contract::{self, EmpContractFilter},
    },
};

use crate::{
    auth::Auth,
    list::{Listed, list},
    problem::Answer,
    respond::{Body, Created, Done, Found, if_match},
    routes::Tag,
    state::App,
};

/// Operations on contracts with providers.
pub struct EmpContractApi(pub App);

#[OpenApi(tag = "Tag::Marketplace")]
impl EmpContractApi {
    /// List providers
    ///
    /// Every provider (EMP) on the platform, whoever you are: with each of them an operator may have contracts.
    ///
    /// Permission: `contract:read`
    #[oai(path = "/v1/emps", method = "get", operation_id = "emp_list")]
    async fn emps(
        &self,
        request: &Request,
        Auth(actor): Auth,
        /// Whose name has this in it, in any case.
        search: Query<Option<String>>,
        /// Items per page, 1 to 500; 50 when absent.
        limit: Query<Option<u32>>,
        /// Where to go on: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<Emp>> {
        let page = PageRequest { limit: limit.0, cursor: cursor.0 };
        list(&self.0, request, &actor, Permission::ContractRead, EmpFilter { search: search.0 }, page).await
    }

    /// List contracts with providers
    ///
    /// Those of operators in your scope, and those with providers in it. Oldest first.
    ///
    /// Permission: `contract:read`
    #[oai(path = "/v1/emp-contracts", method = "get", operation_id = "emp_contract_list")]
    #[allow(clippy::too_many_arguments, reason = "one for each query parameter")]
    async fn list(
        &self,
        request: &Request,
        Auth(actor): Auth,
        /// Of this operator alone.
        partner_id: Query<Option<PartnerId>>,
        /// With this provider.
        emp_id: Query<Option<PartnerId>>,
        /// Those that the provider has agreed to, or has not.
        accepted: Query<Option<bool>>,
        /// With this id of yours.
        external_id: Query<Option<String>>,
        /// Items per page, 1 to 500; 50 when absent.
        limit: Query<Option<u32>>,
        /// Where to go on: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<EmpContract>> {
        let filter = EmpContractFilter {
            partner_id: partner_id.0,
            emp_id: emp_id.0,
            accepted: accepted.0,
            external_id: external_id.0,
        };
        let page = PageRequest { limit: limit.0, cursor: cursor.0 };
        list(&self.0, request, &actor, Permission::ContractRead, filter, page).await
    }

    /// Create a contract with a provider
    ///
    /// The operator offers it, and the provider agrees to it (`POST …/accept`): from then on the provider's drivers may charge. It
    /// belongs to your partner unless `partner_id` names one below it. Where contracts are sold, refused with `product_needed` without a
    /// product that enables `emp_contracts`.
    ///
    /// Permission: `contract:write`
    #[oai(path = "/v1/emp-contracts", method = "post", operation_id = "emp_contract_create")]
    async fn create(
        &self,
        Auth(actor): Auth,
        /// The partner it is to belong to; your own when absent.
        partner_id: Query<Option<PartnerId>>,
        Body(input): Body<EmpContractInput>,
    ) -> Answer<Created<EmpContract>> {
        let mut tx = self.0.begin(&actor, Permission::ContractWrite).await?;
        let partner_id = tx.partner(partner_id.0).await?;
        let created = emp_contract::create(&mut tx, partner_id, input).await?;
        tx.commit().await?;
        Ok(Created::at(format!("/v1/emp-contracts/{}", created.id), created.clone(), created.revision))
    }

    /// Read a contract with a provider
    ///
    /// Permission: `contract:read`
    #[oai(path = "/v1/emp-contracts/:emp_contract_id", method = "get", operation_id = "emp_contract_get")]
    async fn get(&self, Auth(actor): Auth, emp_contract_id: Path<EmpContractId>) -> Answer<Found<EmpContract>> {
        let mut tx = self.0.begin(&actor, Permission::ContractRead).await?;
        let found = emp_contract::get(&mut tx, emp_contract_id.0).await?;
        tx.commit().await?;
        let revision = found.revision;
        Ok(Found::versioned(found, revision))
    }

    /// Replace a contract with a provider
    ///
    /// What is absent from the body is cleared. The operator's alone (`not_the_operator`); provider and prices never change.
    ///
    /// Permission: `contract:write`
    #[oai(path = "/v1/emp-contracts/:emp_contract_id", method = "put", operation_id = "emp_contract_replace")]
    async fn replace(
        &self,
        Auth(actor): Auth,
        emp_contract_id: Path<EmpContractId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
        Body(input): Body<EmpContractInput>,
    ) -> Answer<Found<EmpContract>> {
        self.change(&actor, emp_contract_id.0, if_match_header.0, move |_| Ok(input)).await
    }

    /// Change a contract with a provider
    ///
    /// Merge patch (RFC 7396).
    ///
    /// Permission: `contract:write`
    #[oai(path = "/v1/emp-contracts/:emp_contract_id", method = "patch", operation_id = "emp_contract_patch")]
    async fn patch(
        &self,
        Auth(actor): Auth,
        emp_contract_id: Path<EmpContractId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
        Body(patch): Body<Patch<EmpContractInput>>,
    ) -> Answer<Found<EmpContract>> {
        self.change(&actor, emp_contract_id.0, if_match_header.0, move |current| patch.apply(current)).await
    }

    /// Delete a contract with a provider
    ///
    /// One that the provider has not agreed to; one that it has is ended with `valid_until` (`contract_accepted`).
    ///
    /// Permission: `contract:write`
    #[oai(path = "/v1/emp-contracts/:emp_contract_id", method = "delete", operation_id = "emp_contract_delete")]
    async fn delete(
        &self,
        Auth(actor): Auth,
        emp_contract_id: Path<EmpContractId>,
        /// The `ETag` you read; refused with 412 when the resource has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
    ) -> Answer<Done> {
        let mut tx = self.0.begin(&actor, Permission::ContractWrite).await?;
        emp_contract::delete(&mut tx, emp_contract_id.0, if_match(if_match_header.0)?).await?;
        tx.commit().await?;
        Ok(Done::NoContent)
    }

    /// Agree to a contract with an operator
    ///
    /// The provider's alone (`not_the_provider`): from now on it counts. Without effect when it was agreed to already.
    ///
    /// Permission: `contract:write`
    #[oai(path = "/v1/emp-contracts/:emp_contract_id/accept", method = "post", operation_id = "emp_contract_accept")]
    async fn accept(
        &self,
        Auth(actor): Auth,
        emp_contract_id: Path<EmpContractId>,
        /// The `ETag` you read; refused with 412 when the contract has changed since.
        #[oai(name = "If-Match")]
        if_match_header: Header<Option<String>>,
    ) -> Answer<Found<EmpContract>> {
        let mut tx = self.0.begin(&actor, Permission::ContractWrite).await?;
        let accepted = emp_contract::accept(&mut tx, emp_contract_id.0, if_match(if_match_header.0)?).await?;
        local_list::tokens_changed(&mut tx, accepted.input.emp_id).await?;
        tx.commit().await?;
        let revision = accepted.revision;
        Ok(Found::versioned(accepted, revision))
    }
}

impl EmpContractApi {
    async fn change(
        &self,
        actor: &Actor,
        id: EmpContractId,
        if_match_header: Option<String>,
        change: impl FnOnce(&EmpContractInput) -> stromtor_domain::Result<EmpContractInput> + Send,
    ) -> Answer<Found<EmpContract>> {
        let mut tx = self.0.begin(actor, Permission::ContractWrite).await?;
        let changed = emp_contract::update(&mut tx, id, if_match(if_match_header)?, change).await?;
        local_list::tokens_changed(&mut tx, changed.partner_id).await?;
        tx.commit().await?;
        let revision = changed.revision;
        Ok(Found::versioned(changed, revision))
    }
}
