//! Contracts of operators with providers. Both see them; the operator alone changes them, the provider alone agrees.

use stromtor_domain::{
    marketplace::emp_contract::{EmpContract, EmpContractId, EmpContractInput},
    product::product::Feature,
};
use stromtor_schema::schema::{emp_contract, partner};

use crate::{
    product::needs,
    resource::{Owned as _, prelude::*},
};

mod row {
    use super::*;
    resource!(emp_contract: EmpContract, EmpContractInput, EmpContractId, "emp_contract"; create);
}

pub use row::get;

/// What a list of contracts may be narrowed by.
#[derive(Debug, Clone, Default)]
pub struct EmpContractFilter {
    /// Of this operator.
    pub partner_id: Option<PartnerId>,
    /// With this provider.
    pub emp_id: Option<PartnerId>,
    /// Those that the provider has agreed to, or has not.
    pub accepted: Option<bool>,
    /// With this id of the caller's.
    pub external_id: Option<String>,
}

listing!(EmpContractFilter => EmpContract);

/// One page, oldest first.
pub async fn list(tx: &mut Tx, filter: &EmpContractFilter, page: &PageRequest) -> Result<Page<EmpContract>> {
    let limit = page.limit()?;
    let mut query = emp_contract::table.select(EmpContract::as_select()).order(emp_contract::id).into_boxed();
    if let Some(after) = page.after::<EmpContractId>()? {
        query = query.filter(emp_contract::id.gt(after));
    }
    if let Some(partner_id) = filter.partner_id {
        query = query.filter(emp_contract::partner_id.eq(partner_id));
    }
    if let Some(emp_id) = filter.emp_id {
        query = query.filter(emp_contract::emp_id.eq(emp_id));
    }
    match filter.accepted {
        Some(true) => query = query.filter(emp_contract::accepted_at.is_not_null()),
        Some(false) => query = query.filter(emp_contract::accepted_at.is_null()),
        None => {}
    }
    if let Some(external_id) = &filter.external_id {
        query = query.filter(emp_contract::external_id.eq(external_id));
    }
    let rows = query.limit(limit as i64 + 1).load(&mut **tx).await.map_err(from_diesel)?;
    Ok(Page::cut(rows, limit, |row: &EmpContract| row.id))
}

/// Offers a provider a contract.
pub async fn create(tx: &mut Tx, partner_id: PartnerId, input: EmpContractInput) -> Result<EmpContract> {
    needs::require_partner(tx, partner_id, Feature::EmpContracts).await?;
    if !super::emp::exists(tx, input.emp_id).await? {
        return Err(Error::invalid("/emp_id", "names no provider"));
    }
    row::create(tx, partner_id, input).await
}

/// Changes what may change; the operator's right.
pub async fn update(
    tx: &mut Tx,
    id: EmpContractId,
    revision: Option<i64>,
    change: impl FnOnce(&EmpContractInput) -> Result<EmpContractInput> + Send,
) -> Result<EmpContract> {
    let contract = row::lock(tx, id, revision).await?;
    of_operator(tx, &contract).await?;
    row::update(tx, id, None, |before| {
        let after = change(before)?;
        after.check_change(before)?;
        Ok(after)
    })
    .await
}

/// Deletes one by which nobody may have charged yet; one that was agreed on is ended with `valid_until`.
pub async fn delete(tx: &mut Tx, id: EmpContractId, revision: Option<i64>) -> Result<()> {
    let contract = row::lock(tx, id, revision).await?;
    of_operator(tx, &contract).await?;
    if contract.accepted_at.is_some() {
        return Err(Error::conflict("contract_accepted", "the provider has agreed to it; end it with valid_until"));
    }
    row::delete(tx, id, None).await
}

/// The provider agrees: from now on it counts. Without effect when it has agreed already.
pub async fn accept(tx: &mut Tx, id: EmpContractId, revision: Option<i64>) -> Result<EmpContract> {
    let before = row::lock(tx, id, revision).await?;
    if !in_scope(tx, before.input.emp_id).await? {
        return Err(Error::conflict("not_the_provider", "the provider alone agrees to a contract"));
    }
    if before.accepted_at.is_some() {
        return Ok(before);
    }
    let now = tx.now();
    let after: EmpContract = diesel::update(emp_contract::table.filter(emp_contract::id.eq(id)))
        .set((
            emp_contract::accepted_at.eq(now),
            emp_contract::revision.eq(emp_contract::revision + 1),
            emp_contract::updated_at.eq(now),
        ))
        .returning(EmpContract::as_returning())
        .get_result(&mut **tx)
        .await
        .map_err(from_diesel)?;
    // Under the provider: the operator is not in its scope.
    tx.audit("accept", "emp_contract", after.input.emp_id, after.id, Some(&before), Some(&after));
    Ok(after)
}

/// Either party sees a contract; what only one may do is refused to the other.
async fn of_operator(tx: &mut Tx, contract: &EmpContract) -> Result<()> {
    match in_scope(tx, contract.partner_id).await? {
        true => Ok(()),
        false => Err(Error::conflict("not_the_operator", "the operator alone changes a contract")),
    }
}

async fn in_scope(tx: &mut Tx, partner_id: PartnerId) -> Result<bool> {
    let own = partner::table.filter(partner::id.eq(partner_id));
    diesel::select(diesel::dsl::exists(own)).get_result(&mut **tx).await.map_err(from_diesel)
}
