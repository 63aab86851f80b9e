//! People's passwords: argon2id, on a blocking thread.

use argon2::{
    Argon2, PasswordHasher as _, PasswordVerifier as _,
    password_hash::{PasswordHash, SaltString, rand_core::OsRng},
};
use stromtor_domain::{Error, Result};

/// Hashes with the crate's default cost (19 MiB, two passes: OWASP's minimum for argon2id).
pub async fn hash(password: String) -> Result<String> {
    tokio::task::spawn_blocking(move || {
        let salt = SaltString::generate(&mut OsRng);
        let hash = Argon2::default().hash_password(password.as_bytes(), &salt);
        hash.map(|hash| hash.to_string()).map_err(|error| Error::internal(error.to_string()))
    })
    .await
    .map_err(Error::internal)?
}

/// Whether the password is right. Without a hash it takes as long and is wrong, so that nobody learns which users exist.
pub async fn verify(password: String, hash: Option<String>) -> Result<bool> {
    tokio::task::spawn_blocking(move || {
        const NOBODY: &str =
            "$argon2id$v=19$m=19456,t=2,p=1$c3Ryb210b3Itbm9ib2R5$4hQYnT1rzXW0vQm1gq3pOZJH0m3l0l6b9K6H2m0pYqk";
        let known = hash.is_some();
        let text = hash.unwrap_or_else(|| NOBODY.to_owned());
        let parsed = PasswordHash::new(&text).map_err(|error| Error::internal(error.to_string()))?;
        Ok(Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok() && known)
    })
    .await
    .map_err(Error::internal)?
}
