//! Keys that sign access tokens, sealed.

use diesel::{BoolExpressionMethods as _, ExpressionMethods as _, QueryDsl as _};
use diesel_async::RunQueryDsl;
use serde_json::Value;
use stromtor_domain::{Result, Timestamp};
use stromtor_schema::schema::signing_key;
use uuid::Uuid;

use crate::{error::from_diesel, tx::Tx};

/// A key as it is kept.
#[derive(Debug, Clone, diesel::Queryable, diesel::Insertable)]
#[diesel(table_name = signing_key)]
pub struct StoredKey {
    /// `kid`.
    pub id: Uuid,
    /// Public half.
    pub public_jwk: Value,
    /// Private half, sealed.
    pub private_sealed: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Signs from here on.
    pub active_from: Timestamp,
    /// No longer accepted from here on.
    pub retired_at: Option<Timestamp>,
}

/// Every key that is not yet retired; few, so no pages.
pub async fn current(tx: &mut Tx) -> Result<Vec<StoredKey>> {
    let now = tx.now();
    signing_key::table
        .filter(signing_key::retired_at.is_null().or(signing_key::retired_at.gt(now)))
        .order(signing_key::active_from.desc())
        .load(&mut **tx)
        .await
        .map_err(from_diesel)
}

/// Adds a key; the others retire at `others_retire_at` unless they do so earlier.
pub async fn add(tx: &mut Tx, key: &StoredKey, others_retire_at: Option<Timestamp>) -> Result<()> {
    diesel::update(signing_key::table.filter(signing_key::retired_at.is_null()))
        .set(signing_key::retired_at.eq(others_retire_at))
        .execute(&mut **tx)
        .await
        .map_err(from_diesel)?;
    diesel::insert_into(signing_key::table).values(key).execute(&mut **tx).await.map_err(from_diesel)?;
    Ok(())
}
