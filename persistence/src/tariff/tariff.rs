//! Tariffs and their versions.

use stromtor_domain::{
    money::CurrencyCode,
    tariff::tariff::{Tariff, TariffId, TariffInput, TariffVersion, TariffVersionId},
};
use stromtor_schema::schema::{partner, tariff, tariff_version};

use crate::resource::{Owned as _, prelude::*};

resource!(tariff: Tariff, TariffInput, TariffId, "tariff", event EventType::TariffChanged);

/// What a list of tariffs may be narrowed by.
#[derive(Debug, Clone, Default)]
pub struct TariffFilter {
    /// Of this partner alone.
    pub partner_id: Option<PartnerId>,
    /// With this short name.
    pub code: Option<String>,
    /// With this id of the caller's.
    pub external_id: Option<String>,
    /// Changed at or after.
    pub updated_since: Option<Timestamp>,
}

listing!(TariffFilter => Tariff);

/// One page, oldest first.
pub async fn list(tx: &mut Tx, filter: &TariffFilter, page: &PageRequest) -> Result<Page<Tariff>> {
    let limit = page.limit()?;
    let mut query = tariff::table.select(Tariff::as_select()).order(tariff::id).into_boxed();
    if let Some(after) = page.after::<TariffId>()? {
        query = query.filter(tariff::id.gt(after));
    }
    if let Some(partner_id) = filter.partner_id {
        query = query.filter(tariff::partner_id.eq(partner_id));
    }
    if let Some(code) = &filter.code {
        query = query.filter(tariff::code.eq(code));
    }
    if let Some(external_id) = &filter.external_id {
        query = query.filter(tariff::external_id.eq(external_id));
    }
    if let Some(since) = filter.updated_since {
        query = query.filter(tariff::updated_at.ge(since));
    }
    let rows = query.limit(limit as i64 + 1).load(&mut **tx).await.map_err(from_diesel)?;
    Ok(Page::cut(rows, limit, |row: &Tariff| row.id))
}

/// The currency that counts for a partner when none is named.
async fn default_currency(tx: &mut Tx, partner_id: PartnerId) -> Result<CurrencyCode> {
    let found: Option<Option<CurrencyCode>> = partner::table
        .filter(partner::id.eq(partner_id))
        .select(partner::currency)
        .first(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)?;
    let missing =
        || Error::invalid("/currency", "is missing, and the partner's first tariff has not set a default yet");
    found.flatten().ok_or_else(missing)
}

/// Creates a tariff and its first version. The first tariff's currency becomes its partner's default.
pub async fn create(tx: &mut Tx, partner_id: PartnerId, mut input: TariffInput) -> Result<Tariff> {
    input.check()?;
    if input.currency.is_none() {
        input.currency = default_currency(tx, partner_id).await?;
    }
    let (id, version_id, now): (TariffId, TariffVersionId, _) = (tx.id(), tx.id(), tx.now());
    let currency = input.currency.clone();
    let created: Tariff = diesel::insert_into(tariff::table)
        .values((
            tariff::id.eq(id),
            tariff::partner_id.eq(partner_id),
            input,
            tariff::version.eq(1),
            tariff::version_id.eq(version_id),
            tariff::created_at.eq(now),
            tariff::updated_at.eq(now),
        ))
        .returning(Tariff::as_returning())
        .get_result(&mut **tx)
        .await
        .map_err(from_diesel)?;
    keep_version(tx, &created).await?;
    diesel::update(partner::table.filter(partner::id.eq(partner_id).and(partner::currency.is_null())))
        .set(partner::currency.eq(currency))
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    note(tx, "create", None, Some(&created));
    Ok(created)
}

async fn keep_version(tx: &mut Tx, tariff: &Tariff) -> Result<()> {
    let version = TariffVersion {
        id: tariff.version_id,
        partner_id: tariff.partner_id,
        tariff_id: tariff.id,
        version: tariff.version,
        name: tariff.input.name.clone(),
        code: tariff.input.code.clone(),
        currency: tariff.input.currency.clone(),
        ac: tariff.input.ac.clone(),
        dc: tariff.input.dc.clone(),
        created_at: tx.now(),
    };
    diesel::insert_into(tariff_version::table).values(version).execute(&mut **tx).await.map_err(from_diesel)?;
    Ok(())
}

/// Like `update`; what a CDR shows changes in a new version, and sessions that run keep theirs. A tariff that is assigned does
/// not grow dearer without notice: for that there are another tariff and another assignment.
pub async fn change(
    tx: &mut Tx,
    id: TariffId,
    revision: Option<i64>,
    change: impl FnOnce(&TariffInput) -> Result<TariffInput> + Send,
) -> Result<Tariff> {
    let before = lock(tx, id, revision).await?;
    let mut input = change(&before.input)?;
    if input.currency.is_none() {
        input.currency = before.input.currency.clone();
    }
    if input.currency != before.input.currency {
        return Err(Error::invalid("/currency", "never changes; make another tariff"));
    }
    let reprices = input.reprices(&before.input);
    let mut after = update(tx, id, None, |_| Ok(input)).await?;
    if reprices {
        super::notice::check_change(tx, &before, &after).await?;
        (after.version, after.version_id) = (before.version + 1, tx.id());
        diesel::update(tariff::table.filter(tariff::id.eq(id)))
            .set((tariff::version.eq(after.version), tariff::version_id.eq(after.version_id)))
            .execute(&mut **tx)
            .await
            .map_err(from_diesel)?;
        keep_version(tx, &after).await?;
    }
    Ok(after)
}

/// One version; the one that holds now when none is named.
pub async fn version(tx: &mut Tx, id: TariffId, version: Option<i32>) -> Result<TariffVersion> {
    let version = match version {
        Some(version) => version,
        None => get(tx, id).await?.version,
    };
    tariff_version::table
        .filter(tariff_version::tariff_id.eq(id).and(tariff_version::version.eq(version)))
        .select(TariffVersion::as_select())
        .first(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)?
        .ok_or(Error::NotFound("tariff version"))
}

/// One version by its id.
pub async fn version_by_id(tx: &mut Tx, id: TariffId, version_id: TariffVersionId) -> Result<TariffVersion> {
    tariff_version::table
        .filter(tariff_version::tariff_id.eq(id).and(tariff_version::id.eq(version_id)))
        .select(TariffVersion::as_select())
        .first(&mut **tx)
        .await
        .optional()
        .map_err(from_diesel)?
        .ok_or(Error::NotFound("tariff version"))
}

/// The versions of one tariff.
#[derive(Debug, Clone)]
pub struct VersionFilter {
    /// The tariff.
    pub tariff_id: TariffId,
}

impl crate::listing::Listing for VersionFilter {
    type Row = TariffVersion;

    fn page<'a>(
        &'a self,
        tx: &'a mut Tx,
        page: &'a PageRequest,
    ) -> futures_util::future::BoxFuture<'a, Result<Page<TariffVersion>>> {
        Box::pin(versions(tx, self.tariff_id, page))
    }
}

/// Every version of a tariff, newest first.
pub async fn versions(tx: &mut Tx, id: TariffId, page: &PageRequest) -> Result<Page<TariffVersion>> {
    get(tx, id).await?;
    let limit = page.limit()?;
    let mut query = tariff_version::table
        .filter(tariff_version::tariff_id.eq(id))
        .select(TariffVersion::as_select())
        .order(tariff_version::version.desc())
        .into_boxed();
    if let Some(after) = page.after::<i32>()? {
        query = query.filter(tariff_version::version.lt(after));
    }
    let rows = query.limit(limit as i64 + 1).load(&mut **tx).await.map_err(from_diesel)?;
    Ok(Page::cut(rows, limit, |row: &TariffVersion| row.version))
}
