//! Permissions to charge.

use stromtor_domain::{
    access::{
        emaid_group::EmaidGroupId,
        permission::{AccessPermission, AccessPermissionId, AccessPermissionInput},
    },
    network::charge_point_group::ChargePointGroupId,
};
use stromtor_schema::schema::access_permission;

use crate::resource::{Owned as _, prelude::*};

resource!(access_permission: AccessPermission, AccessPermissionInput, AccessPermissionId, "access_permission"; create);

/// What a list of permissions may be narrowed by.
#[derive(Debug, Clone, Default)]
pub struct AccessPermissionFilter {
    /// Of this partner alone.
    pub partner_id: Option<PartnerId>,
    /// For this EMAID group.
    pub emaid_group_id: Option<EmaidGroupId>,
    /// For this charge-point group.
    pub charge_point_group_id: Option<ChargePointGroupId>,
    /// With this id of the caller's.
    pub external_id: Option<String>,
}

listing!(AccessPermissionFilter => AccessPermission);

/// One page, oldest first.
pub async fn list(tx: &mut Tx, filter: &AccessPermissionFilter, page: &PageRequest) -> Result<Page<AccessPermission>> {
    let limit = page.limit()?;
    let mut query =
        access_permission::table.select(AccessPermission::as_select()).order(access_permission::id).into_boxed();
    if let Some(after) = page.after::<AccessPermissionId>()? {
        query = query.filter(access_permission::id.gt(after));
    }
    if let Some(partner_id) = filter.partner_id {
        query = query.filter(access_permission::partner_id.eq(partner_id));
    }
    if let Some(emaid_group_id) = filter.emaid_group_id {
        query = query.filter(access_permission::emaid_group_id.eq(emaid_group_id));
    }
    if let Some(charge_point_group_id) = filter.charge_point_group_id {
        query = query.filter(access_permission::charge_point_group_id.eq(charge_point_group_id));
    }
    if let Some(external_id) = &filter.external_id {
        query = query.filter(access_permission::external_id.eq(external_id));
    }
    let rows = query.limit(limit as i64 + 1).load(&mut **tx).await.map_err(from_diesel)?;
    Ok(Page::cut(rows, limit, |row: &AccessPermission| row.id))
}
