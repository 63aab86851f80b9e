//! API clients.

use stromtor_domain::tenancy::api_client::{ApiClient, ApiClientId, ApiClientInput};
use stromtor_schema::schema::api_client;

use crate::resource::{Owned as _, prelude::*};

resource!(api_client: ApiClient, ApiClientInput, ApiClientId, "api_client");

/// What a list of API clients may be narrowed by.
#[derive(Debug, Clone, Default)]
pub struct ApiClientFilter {
    /// Of this partner alone.
    pub partner_id: Option<PartnerId>,
    /// With this id of the caller's.
    pub external_id: Option<String>,
}

listing!(ApiClientFilter => ApiClient);

/// One page, oldest first.
pub async fn list(tx: &mut Tx, filter: &ApiClientFilter, page: &PageRequest) -> Result<Page<ApiClient>> {
    let limit = page.limit()?;
    let mut query = api_client::table.select(ApiClient::as_select()).order(api_client::id).into_boxed();
    if let Some(after) = page.after::<ApiClientId>()? {
        query = query.filter(api_client::id.gt(after));
    }
    if let Some(partner_id) = filter.partner_id {
        query = query.filter(api_client::partner_id.eq(partner_id));
    }
    if let Some(external_id) = &filter.external_id {
        query = query.filter(api_client::external_id.eq(external_id));
    }
    let rows = query.limit(limit as i64 + 1).load(&mut **tx).await.map_err(from_diesel)?;
    Ok(Page::cut(rows, limit, |row: &ApiClient| row.id))
}

/// Creates an API client with the fingerprint of its secret.
pub async fn create(
    tx: &mut Tx,
    partner_id: PartnerId,
    input: ApiClientInput,
    client_id: String,
    secret_hmac: Vec<u8>,
) -> Result<ApiClient> {
    input.check()?;
    let (id, now): (ApiClientId, _) = (tx.id(), tx.now());
    let created: ApiClient = diesel::insert_into(api_client::table)
        .values((
            api_client::id.eq(id),
            api_client::partner_id.eq(partner_id),
            input,
            api_client::client_id.eq(client_id),
            api_client::secret_hmac.eq(secret_hmac),
            api_client::created_at.eq(now),
            api_client::updated_at.eq(now),
        ))
        .returning(ApiClient::as_returning())
        .get_result(&mut **tx)
        .await
        .map_err(from_diesel)?;
    note(tx, "create", None, Some(&created));
    Ok(created)
}

/// Replaces the fingerprint of its secret.
pub async fn set_secret(tx: &mut Tx, id: ApiClientId, secret_hmac: Vec<u8>) -> Result<ApiClient> {
    let before = lock(tx, id, None).await?;
    let after: ApiClient = diesel::update(api_client::table.filter(api_client::id.eq(id)))
        .set((
            api_client::secret_hmac.eq(secret_hmac),
            api_client::revision.eq(api_client::revision + 1),
            api_client::updated_at.eq(tx.now()),
        ))
        .returning(ApiClient::as_returning())
        .get_result(&mut **tx)
        .await
        .map_err(from_diesel)?;
    note(tx, "rotate_secret", Some(&before), Some(&after));
    Ok(after)
}
