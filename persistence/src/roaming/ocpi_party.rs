//! Who operators are in OCPI.

use diesel::sql_types::{Nullable, Text, Uuid as SqlUuid};
use stromtor_domain::roaming::ocpi_party::{OcpiParty, OcpiPartyId, OcpiPartyInput};
use stromtor_schema::schema::ocpi_party;

use crate::resource::{Owned as _, prelude::*};

resource!(ocpi_party: OcpiParty, OcpiPartyInput, OcpiPartyId, "ocpi_party"; create);

/// What a list of them may be narrowed by.
#[derive(Debug, Clone, Default)]
pub struct OcpiPartyFilter {
    /// Of this partner alone.
    pub partner_id: Option<PartnerId>,
}

listing!(OcpiPartyFilter => OcpiParty);

/// One page, oldest first.
pub async fn list(tx: &mut Tx, filter: &OcpiPartyFilter, page: &PageRequest) -> Result<Page<OcpiParty>> {
    let limit = page.limit()?;
    let mut query = ocpi_party::table.select(OcpiParty::as_select()).order(ocpi_party::id).into_boxed();
    if let Some(after) = page.after::<OcpiPartyId>()? {
        query = query.filter(ocpi_party::id.gt(after));
    }
    if let Some(partner_id) = filter.partner_id {
        query = query.filter(ocpi_party::partner_id.eq(partner_id));
    }
    let rows = query.limit(limit as i64 + 1).load(&mut **tx).await.map_err(from_diesel)?;
    Ok(Page::cut(rows, limit, |row: &OcpiParty| row.id))
}

/// A party that we speak for.
#[derive(Debug, Clone, PartialEq, Eq, diesel::QueryableByName)]
pub struct OwnParty {
    /// The operator.
    #[diesel(sql_type = SqlUuid)]
    pub partner_id: PartnerId,
    /// Country.
    #[diesel(sql_type = Text)]
    pub country_code: String,
    /// Party.
    #[diesel(sql_type = Text)]
    pub party_id: String,
    /// What peers call it.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// Its website.
    #[diesel(sql_type = Nullable<Text>)]
    pub website: Option<String>,
}

/// The parties of a partner and of those below it: what a peer that is connected to it sees.
pub async fn below(tx: &mut Tx, partner_id: PartnerId) -> Result<Vec<OwnParty>> {
    sql("with recursive down as (select id, name from partner where id = $1 \
           union all select p.id, p.name from partner p join down on p.parent_id = down.id) \
         select o.partner_id, o.country_code, o.party_id, coalesce(o.name, down.name) as name, o.website \
         from ocpi_party o join down on down.id = o.partner_id order by o.country_code, o.party_id")
    .bind::<SqlUuid, _>(partner_id)
    .load(&mut **tx)
    .await
    .map_err(from_diesel)
}
