//! Business partners.

use stromtor_domain::tenancy::partner::{Partner, PartnerInput, PartnerKind};
use stromtor_schema::schema::partner;

use crate::resource::{Owned as _, prelude::*};

resource!(partner: Partner, PartnerInput, PartnerId, "partner");

/// What a list of partners may be narrowed by.
#[derive(Debug, Clone, Default)]
pub struct PartnerFilter {
    /// Directly below this partner.
    pub parent_id: Option<PartnerId>,
    /// Of this kind.
    pub kind: Option<PartnerKind>,
    /// With this number in accounting.
    pub debtor_number: Option<String>,
    /// With this id of the caller's.
    pub external_id: Option<String>,
    /// Changed at or after.
    pub updated_since: Option<Timestamp>,
}

listing!(PartnerFilter => Partner);

/// One page, oldest first.
pub async fn list(tx: &mut Tx, filter: &PartnerFilter, page: &PageRequest) -> Result<Page<Partner>> {
    let limit = page.limit()?;
    let mut query = partner::table.select(Partner::as_select()).order(partner::id).into_boxed();
    if let Some(after) = page.after::<PartnerId>()? {
        query = query.filter(partner::id.gt(after));
    }
    if let Some(parent_id) = filter.parent_id {
        query = query.filter(partner::parent_id.eq(parent_id));
    }
    if let Some(kind) = filter.kind {
        query = query.filter(partner::kind.eq(kind));
    }
    if let Some(number) = &filter.debtor_number {
        query = query.filter(partner::debtor_number.eq(number));
    }
    if let Some(external_id) = &filter.external_id {
        query = query.filter(partner::external_id.eq(external_id));
    }
    if let Some(since) = filter.updated_since {
        query = query.filter(partner::updated_at.ge(since));
    }
    let rows = query.limit(limit as i64 + 1).load(&mut **tx).await.map_err(from_diesel)?;
    Ok(Page::cut(rows, limit, |row: &Partner| row.id))
}

/// Creates a partner below `parent_id`, which must be in scope.
pub async fn create(tx: &mut Tx, parent_id: PartnerId, input: PartnerInput) -> Result<Partner> {
    input.check()?;
    let parent = get(tx, parent_id).await?;
    if !input.kind.may_stand_below(parent.input.kind) {
        return Err(Error::invalid("/kind", format!("may not stand below a partner of kind {}", parent.input.kind)));
    }
    let (id, now): (PartnerId, _) = (tx.id(), tx.now());
    // Not RETURNING: the new row is in scope only for statements that begin after it.
    sql("select set_config('stromtor.platform', 'on', true)").execute(&mut **tx).await.map_err(from_diesel)?;
    let created: Partner = diesel::insert_into(partner::table)
        .values((
            partner::id.eq(id),
            partner::parent_id.eq(parent_id),
            input,
            partner::created_at.eq(now),
            partner::updated_at.eq(now),
        ))
        .returning(Partner::as_returning())
        .get_result(&mut **tx)
        .await
        .map_err(from_diesel)?;
    let platform = if tx.actor().platform { "on" } else { "off" };
    sql("select set_config('stromtor.platform', $1, true)")
        .bind::<diesel::sql_types::Text, _>(platform)
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    note(tx, "create", None, Some(&created));
    Ok(created)
}

/// The kinds of the partner and everything above it, itself first: who a sub-CPO's drivers may belong to.
pub async fn ancestors(tx: &mut Tx, id: PartnerId) -> Result<Vec<PartnerId>> {
    #[derive(diesel::QueryableByName)]
    struct Row {
        #[diesel(sql_type = diesel::sql_types::Uuid)]
        id: uuid::Uuid,
    }
    let rows: Vec<Row> = sql("with recursive up as (select id, parent_id, 0 as depth from partner where id = $1 \
         union all select p.id, p.parent_id, depth + 1 from partner p join up on p.id = up.parent_id) \
         select id from up order by depth")
    .bind::<diesel::sql_types::Uuid, _>(id.0)
    .load(&mut **tx)
    .await
    .map_err(from_diesel)?;
    Ok(rows.into_iter().map(|row| PartnerId(row.id)).collect())
}
