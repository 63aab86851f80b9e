//! Tokens of configured external OpenID Connect issuers (OpenID Connect Core 1.0, section 3.1.3.7): a verified e-mail
//! address names the user here, who brings the permissions.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, jwk::JwkSet};
use serde::Deserialize;
use stromtor_domain::{Error, Result, Timestamp, error::Cause};
use tokio::sync::Mutex;

use crate::config::OidcIssuer;

/// How long an issuer's keys are believed before they are fetched again.
const FRESH: Duration = Duration::from_secs(600);
/// How soon an unknown key id makes us fetch again: rotation, but no stranger's way to make us call out.
const AT_MOST_EVERY: Duration = Duration::from_secs(10);
/// What may sign: asymmetric only.
const ALGORITHMS: [Algorithm; 5] =
    [Algorithm::ES256, Algorithm::RS256, Algorithm::RS384, Algorithm::RS512, Algorithm::PS256];

/// The configured issuers and their keys.
#[derive(Debug)]
pub struct Issuers {
    issuers: Vec<OidcIssuer>,
    keys: Mutex<HashMap<String, (Instant, JwkSet)>>,
    http: reqwest::Client,
}

#[derive(Deserialize)]
struct Unverified {
    iss: String,
}

#[derive(Deserialize)]
struct Identity {
    exp: i64,
    #[serde(default)]
    nbf: Option<i64>,
    email: Option<String>,
    #[serde(default)]
    email_verified: bool,
}

impl Issuers {
    /// From the configuration.
    pub fn new(issuers: Vec<OidcIssuer>) -> Result<Self> {
        let http = reqwest::Client::builder().timeout(Duration::from_secs(5)).build().map_err(Error::internal)?;
        Ok(Self { issuers, keys: Mutex::default(), http })
    }

    /// The configured issuer of a token, by what the token says of itself.
    #[must_use]
    pub fn of(&self, token: &str) -> Option<&OidcIssuer> {
        if self.issuers.is_empty() {
            return None;
        }
        let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
        let said: Unverified = serde_json::from_slice(&payload).ok()?;
        self.issuers.iter().find(|issuer| issuer.issuer == said.iss)
    }

    /// The verified e-mail address of a token.
    pub async fn email(&self, issuer: &OidcIssuer, token: &str, now: Timestamp) -> Result<String> {
        let invalid = || Error::Unauthenticated("the access token is not valid".into());
        let header = jsonwebtoken::decode_header(token).map_err(|_| invalid())?;
        if !ALGORITHMS.contains(&header.alg) {
            return Err(invalid());
        }
        let kid = header.kid.as_deref().ok_or_else(invalid)?;
        let key = self.key(issuer, kid).await?.ok_or_else(invalid)?;
        let mut validation = Validation::new(header.alg);
        validation.set_audience(&[&issuer.audience]);
        validation.set_issuer(&[&issuer.issuer]);
        // Checked against our clock, below.
        validation.validate_exp = false;
        let identity: Identity = jsonwebtoken::decode(token, &key, &validation).map_err(|_| invalid())?.claims;
        let now = now.utc().timestamp();
        if identity.exp <= now || identity.nbf.is_some_and(|nbf| nbf > now + 60) {
            return Err(Error::Unauthenticated("the access token has expired".into()));
        }
        identity.email.filter(|_| identity.email_verified).ok_or_else(invalid)
    }

    async fn key(&self, issuer: &OidcIssuer, kid: &str) -> Result<Option<DecodingKey>> {
        let mut known = self.keys.lock().await;
        let fetch = match known.get(&issuer.issuer) {
            None => true,
            Some((at, set)) => at.elapsed() > FRESH || (set.find(kid).is_none() && at.elapsed() > AT_MOST_EVERY),
        };
        if fetch {
            let set = self.fetch(issuer).await?;
            known.insert(issuer.issuer.clone(), (Instant::now(), set));
        }
        let key = known.get(&issuer.issuer).and_then(|(_, set)| set.find(kid));
        Ok(key.and_then(|jwk| DecodingKey::from_jwk(jwk).ok()))
    }

    async fn fetch(&self, issuer: &OidcIssuer) -> Result<JwkSet> {
        #[derive(Deserialize)]
        struct Discovery {
            issuer: String,
            jwks_uri: String,
        }
        let away = |error: reqwest::Error| Error::Unavailable(Cause::new(error));
        let url = if issuer.jwks_url.is_empty() {
            let base = issuer.issuer.trim_end_matches('/');
            let found: Discovery = self.get(&format!("{base}/.well-known/openid-configuration")).await.map_err(away)?;
            if found.issuer != issuer.issuer {
                return Err(Error::internal("the discovered issuer is another one"));
            }
            found.jwks_uri
        } else {
            issuer.jwks_url.clone()
        };
        self.get(&url).await.map_err(away)
    }

    async fn get<T: serde::de::DeserializeOwned>(&self, url: &str) -> reqwest::Result<T> {
        self.http.get(url).send().await?.error_for_status()?.json().await
    }
}
