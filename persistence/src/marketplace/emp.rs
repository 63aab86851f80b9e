//! Providers, as every operator may know them.

use stromtor_domain::marketplace::emp_contract::Emp;
use stromtor_schema::schema::emp;

use crate::resource::prelude::*;

/// What a list of providers may be narrowed by.
#[derive(Debug, Clone, Default)]
pub struct EmpFilter {
    /// Whose name has this in it, in any case.
    pub search: Option<String>,
}

listing!(EmpFilter => Emp);

/// One page, oldest first.
pub async fn list(tx: &mut Tx, filter: &EmpFilter, page: &PageRequest) -> Result<Page<Emp>> {
    let limit = page.limit()?;
    let mut query = emp::table.select(Emp::as_select()).order(emp::id).into_boxed();
    if let Some(after) = page.after::<PartnerId>()? {
        query = query.filter(emp::id.gt(after));
    }
    if let Some(search) = &filter.search {
        let pattern = format!("%{}%", search.replace(['%', '_', '\\'], ""));
        query = query.filter(diesel::PgTextExpressionMethods::ilike(emp::name, pattern));
    }
    let rows = query.limit(limit as i64 + 1).load(&mut **tx).await.map_err(from_diesel)?;
    Ok(Page::cut(rows, limit, |row: &Emp| row.id))
}

/// Whether there is such a provider.
pub(super) async fn exists(tx: &mut Tx, id: PartnerId) -> Result<bool> {
    diesel::select(diesel::dsl::exists(emp::table.filter(emp::id.eq(id))))
        .get_result(&mut **tx)
        .await
        .map_err(from_diesel)
}
