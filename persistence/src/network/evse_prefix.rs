//! EVSE-ID prefixes, and whose EVSE-IDs may be set.

use diesel::sql_types::{Array, Nullable, Text, Uuid as SqlUuid};
use stromtor_domain::network::{
    evse_id::EvseId,
    evse_prefix::{EvseOperator, EvsePrefix, EvsePrefixId, EvsePrefixInput, UrlPattern},
};
use stromtor_schema::schema::evse_prefix;

use crate::resource::{Owned as _, prelude::*};

resource!(evse_prefix: EvsePrefix, EvsePrefixInput, EvsePrefixId, "evse_prefix"; create);

/// What a list of prefixes may be narrowed by.
#[derive(Debug, Clone, Default)]
pub struct EvsePrefixFilter {
    /// Of this partner alone.
    pub partner_id: Option<PartnerId>,
    /// This prefix.
    pub prefix: Option<EvseOperator>,
    /// With this id of the caller's.
    pub external_id: Option<String>,
}

listing!(EvsePrefixFilter => EvsePrefix);

/// One page, oldest first.
pub async fn list(tx: &mut Tx, filter: &EvsePrefixFilter, page: &PageRequest) -> Result<Page<EvsePrefix>> {
    let limit = page.limit()?;
    let mut query = evse_prefix::table.select(EvsePrefix::as_select()).order(evse_prefix::id).into_boxed();
    if let Some(after) = page.after::<EvsePrefixId>()? {
        query = query.filter(evse_prefix::id.gt(after));
    }
    if let Some(partner_id) = filter.partner_id {
        query = query.filter(evse_prefix::partner_id.eq(partner_id));
    }
    if let Some(prefix) = &filter.prefix {
        query = query.filter(evse_prefix::prefix.eq(prefix));
    }
    if let Some(external_id) = &filter.external_id {
        query = query.filter(evse_prefix::external_id.eq(external_id));
    }
    let rows = query.limit(limit as i64 + 1).load(&mut **tx).await.map_err(from_diesel)?;
    Ok(Page::cut(rows, limit, |row: &EvsePrefix| row.id))
}

diesel::define_sql_function! {
    /// Made by the migrations: whether charge points have it, those outside of a partner's tree or any.
    fn stromtor_evse_prefix_used(prefix: Text, outside: Nullable<SqlUuid>) -> diesel::sql_types::Bool;
}

diesel::define_sql_function! {
    /// Made by the migrations: the places of the EVSE-IDs that their partners may not set.
    fn stromtor_foreign_evse_ids(owners: Array<SqlUuid>, evse_ids: Array<Text>) -> Array<diesel::sql_types::BigInt>;
}

async fn check_unused(tx: &mut Tx, prefix: &EvseOperator, outside: Option<PartnerId>) -> Result<()> {
    let used = stromtor_evse_prefix_used(prefix, outside);
    if !diesel::select(used).get_result(&mut **tx).await.map_err(from_diesel)? {
        return Ok(());
    }
    let message = if outside.is_some() {
        "charge points of other partners have EVSE-IDs with this prefix"
    } else {
        "charge points have EVSE-IDs with this prefix"
    };
    Err(Error::conflict("prefix_in_use", message))
}

/// Makes a prefix a partner's own. Not one that charge points of others have already.
pub async fn register(tx: &mut Tx, partner_id: PartnerId, input: EvsePrefixInput) -> Result<EvsePrefix> {
    input.check()?;
    check_unused(tx, &input.prefix, Some(partner_id)).await?;
    create(tx, partner_id, input).await
}

/// Like `update`; a prefix that charge points have stays as it is spelled.
pub async fn change(
    tx: &mut Tx,
    id: EvsePrefixId,
    revision: Option<i64>,
    change: impl FnOnce(&EvsePrefixInput) -> Result<EvsePrefixInput> + Send,
) -> Result<EvsePrefix> {
    let before = lock(tx, id, revision).await?;
    let input = change(&before.input)?;
    if input.prefix != before.input.prefix {
        check_unused(tx, &before.input.prefix, None).await?;
        check_unused(tx, &input.prefix, Some(before.partner_id)).await?;
    }
    update(tx, id, None, |_| Ok(input)).await
}

/// Deletes it, unless charge points have it.
pub async fn remove(tx: &mut Tx, id: EvsePrefixId, revision: Option<i64>) -> Result<()> {
    let before = lock(tx, id, revision).await?;
    check_unused(tx, &before.input.prefix, None).await?;
    delete(tx, id, None).await
}

/// Lets EVSE-IDs be set by hand, each at a charge point of its partner: refused when the prefix is registered to a partner that
/// is neither the operator nor above it. Prefixes that nobody has registered may be set by all.
pub(crate) async fn admit(tx: &mut Tx, wanted: &[(PartnerId, &EvseId)]) -> Result<()> {
    if wanted.is_empty() {
        return Ok(());
    }
    let (owners, evse_ids): (Vec<PartnerId>, Vec<&EvseId>) = wanted.iter().copied().unzip();
    let foreign: Vec<i64> =
        diesel::select(stromtor_foreign_evse_ids(owners, evse_ids)).get_result(&mut **tx).await.map_err(from_diesel)?;
    match foreign.as_slice().first().and_then(|place| wanted.get(usize::try_from(*place).ok()?)) {
        Some((_, evse_id)) => {
            let message = format!("the prefix of {evse_id} belongs to another partner");
            Err(Error::conflict("prefix_of_another_partner", message))
        }
        None => Ok(()),
    }
}

/// What the stickers of an EVSE-ID's prefix hold, where its owner says so and the caller may see it.
pub async fn url_pattern(tx: &mut Tx, evse_id: &EvseId) -> Result<Option<UrlPattern>> {
    let pattern: Option<Option<UrlPattern>> = evse_prefix::table
        .filter(evse_prefix::prefix.eq(EvseOperator::of(evse_id)))
        .select(evse_prefix::url_pattern)
        .first(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)?;
    Ok(pattern.flatten())
}
