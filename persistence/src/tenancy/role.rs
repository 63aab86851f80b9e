//! Roles that partners define.

use stromtor_domain::tenancy::role::{Role, RoleId, RoleInput};
use stromtor_schema::schema::role;

use crate::resource::{Owned as _, prelude::*};

resource!(role: Role, RoleInput, RoleId, "role"; create);

/// What a list of roles may be narrowed by.
#[derive(Debug, Clone, Default)]
pub struct RoleFilter {
    /// Of this partner alone.
    pub partner_id: Option<PartnerId>,
}

listing!(RoleFilter => Role);

/// One page, oldest first.
pub async fn list(tx: &mut Tx, filter: &RoleFilter, page: &PageRequest) -> Result<Page<Role>> {
    let limit = page.limit()?;
    let mut query = role::table.select(Role::as_select()).order(role::id).into_boxed();
    if let Some(after) = page.after::<RoleId>()? {
        query = query.filter(role::id.gt(after));
    }
    if let Some(partner_id) = filter.partner_id {
        query = query.filter(role::partner_id.eq(partner_id));
    }
    let rows = query.limit(limit as i64 + 1).load(&mut **tx).await.map_err(from_diesel)?;
    Ok(Page::cut(rows, limit, |row: &Role| row.id))
}

/// A partner's own roles with these names.
pub async fn by_names(tx: &mut Tx, partner_id: PartnerId, names: &[String]) -> Result<Vec<Role>> {
    role::table
        .filter(role::partner_id.eq(partner_id).and(role::name.eq_any(names)))
        .select(Role::as_select())
        .load(&mut **tx)
        .await
        .map_err(from_diesel)
}
