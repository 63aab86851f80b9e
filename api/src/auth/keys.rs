//! The keys that sign access tokens: kept sealed in the database, rotated, published as a JWK set.

use std::collections::HashMap;

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{DecodingKey, EncodingKey};
use serde_json::{Value, json};
use stromtor_domain::{Error, Result, Timestamp};
use uuid::Uuid;

/// One key.
#[derive(Clone)]
pub struct SigningKey {
    /// `kid`.
    pub id: Uuid,
    /// Public half as a JWK (RFC 7517).
    pub jwk: Value,
    /// Signs from here on.
    pub active_from: Timestamp,
    /// No longer accepted from here on.
    pub retired_at: Option<Timestamp>,
    encoding: EncodingKey,
    decoding: DecodingKey,
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey").field("id", &self.id).finish_non_exhaustive()
    }
}

impl SigningKey {
    /// A new P-256 key pair: the PKCS #8 document, to be sealed, and the public JWK.
    pub fn generate(id: Uuid) -> Result<(Vec<u8>, Value)> {
        let failed = |_| Error::internal("key generation");
        let document =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).map_err(failed)?;
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref())
            .map_err(|_| Error::internal("key generation"))?;
        // Uncompressed point: 04 ‖ x ‖ y.
        let point = pair.public_key().as_ref();
        let jwk = json!({
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": id.to_string(),
            "x": URL_SAFE_NO_PAD.encode(&point[1..33]), "y": URL_SAFE_NO_PAD.encode(&point[33..65]),
        });
        Ok((document.as_ref().to_vec(), jwk))
    }

    /// From the unsealed PKCS #8 document and the JWK.
    pub fn new(
        id: Uuid,
        pkcs8: &[u8],
        jwk: Value,
        active_from: Timestamp,
        retired_at: Option<Timestamp>,
    ) -> Result<Self> {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str).unwrap_or_default();
        let decoding = DecodingKey::from_ec_components(text("x"), text("y")).map_err(Error::internal)?;
        Ok(Self { id, encoding: EncodingKey::from_ec_der(pkcs8), decoding, jwk, active_from, retired_at })
    }

    /// Signs.
    #[must_use]
    pub const fn encoding(&self) -> &EncodingKey {
        &self.encoding
    }

    /// Verifies.
    #[must_use]
    pub const fn decoding(&self) -> &DecodingKey {
        &self.decoding
    }
}

/// Every key that is still accepted.
#[derive(Debug, Clone, Default)]
pub struct KeyRing {
    keys: HashMap<Uuid, SigningKey>,
}

impl KeyRing {
    /// From keys that are not retired.
    #[must_use]
    pub fn new(keys: Vec<SigningKey>) -> Self {
        Self { keys: keys.into_iter().map(|key| (key.id, key)).collect() }
    }

    /// The key that signs now: the newest that is active.
    #[must_use]
    pub fn signer(&self, now: Timestamp) -> Option<&SigningKey> {
        self.keys.values().filter(|key| key.active_from <= now).max_by_key(|key| (key.active_from, key.id))
    }

    /// A key by its `kid`, unless retired.
    #[must_use]
    pub fn verifier(&self, id: Uuid, now: Timestamp) -> Option<&SigningKey> {
        self.keys.get(&id).filter(|key| key.retired_at.is_none_or(|retired| now < retired))
    }

    /// The JWK set (RFC 7517, section 5), newest first.
    #[must_use]
    pub fn jwks(&self, now: Timestamp) -> Value {
        let mut keys: Vec<_> =
            self.keys.values().filter(|key| key.retired_at.is_none_or(|retired| now < retired)).collect();
        keys.sort_by_key(|key| std::cmp::Reverse((key.active_from, key.id)));
        json!({ "keys": keys.iter().map(|key| &key.jwk).collect::<Vec<_>>() })
    }
}
