//! Catalogues. Partners see those of the partners above them; row-level security leaves changes to the owner.

use stromtor_domain::product::product::{Product, ProductId, ProductInput, ProductKind, ProductState};
use stromtor_schema::schema::product;

use crate::resource::{Owned as _, prelude::*};

resource!(product: Product, ProductInput, ProductId, "product", event EventType::ProductChanged; create);

/// What a list of products may be narrowed by.
#[derive(Debug, Clone, Default)]
pub struct ProductFilter {
    /// Sold by this partner alone.
    pub partner_id: Option<PartnerId>,
    /// For stations, or for partners.
    pub kind: Option<ProductKind>,
    /// Whether it is sold.
    pub state: Option<ProductState>,
    /// With this short name.
    pub code: Option<String>,
    /// With this id of the caller's.
    pub external_id: Option<String>,
}

listing!(ProductFilter => Product);

/// One page, oldest first.
pub async fn list(tx: &mut Tx, filter: &ProductFilter, page: &PageRequest) -> Result<Page<Product>> {
    let limit = page.limit()?;
    let mut query = product::table.select(Product::as_select()).order(product::id).into_boxed();
    if let Some(after) = page.after::<ProductId>()? {
        query = query.filter(product::id.gt(after));
    }
    if let Some(partner_id) = filter.partner_id {
        query = query.filter(product::partner_id.eq(partner_id));
    }
    if let Some(kind) = filter.kind {
        query = query.filter(product::kind.eq(kind));
    }
    if let Some(state) = filter.state {
        query = query.filter(product::state.eq(state));
    }
    if let Some(code) = &filter.code {
        query = query.filter(product::code.eq(code));
    }
    if let Some(external_id) = &filter.external_id {
        query = query.filter(product::external_id.eq(external_id));
    }
    let rows = query.limit(limit as i64 + 1).load(&mut **tx).await.map_err(from_diesel)?;
    Ok(Page::cut(rows, limit, |row: &Product| row.id))
}
