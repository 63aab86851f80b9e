//! Loads and rotates the keys that sign access tokens.

use chrono::TimeDelta;
use stromtor_domain::{Result, Timestamp, clock::SharedClock};
use stromtor_persistence::{
    db::Db,
    tenancy::signing_key::{self, StoredKey},
};

use crate::{
    auth::keys::{KeyRing, SigningKey},
    secrets::Secrets,
};

/// The current keys; the first start makes one.
pub async fn load(db: &Db, secrets: &Secrets, clock: &SharedClock) -> Result<KeyRing> {
    let mut tx = db.begin_unscoped().await?;
    let mut stored = signing_key::current(&mut tx).await?;
    if stored.is_empty() {
        let key = make(secrets, clock, clock.now())?;
        signing_key::add(&mut tx, &key, None).await?;
        stored.push(key);
    }
    tx.commit().await?;
    let open = |key: StoredKey| {
        SigningKey::new(key.id, &secrets.open(&key.private_sealed)?, key.public_jwk, key.active_from, key.retired_at)
    };
    Ok(KeyRing::new(stored.into_iter().map(open).collect::<Result<_>>()?))
}

/// Adds a key that signs in five minutes, when every verifier has seen it; the present ones stay valid for `overlap` more.
pub async fn rotate(db: &Db, secrets: &Secrets, clock: &SharedClock, overlap: TimeDelta) -> Result<KeyRing> {
    let active_from = clock.now() + TimeDelta::minutes(5);
    let key = make(secrets, clock, active_from)?;
    let mut tx = db.begin_unscoped().await?;
    signing_key::add(&mut tx, &key, Some(active_from + overlap)).await?;
    tx.commit().await?;
    load(db, secrets, clock).await
}

fn make(secrets: &Secrets, clock: &SharedClock, active_from: Timestamp) -> Result<StoredKey> {
    let id = clock.id();
    let (private, public_jwk) = SigningKey::generate(id)?;
    let private_sealed = secrets.seal(&private)?;
    Ok(StoredKey { id, public_jwk, private_sealed, created_at: clock.now(), active_from, retired_at: None })
}
