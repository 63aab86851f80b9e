//! Issues and reads access tokens.

use std::{collections::BTreeSet, net::IpAddr};

use jsonwebtoken::{Algorithm, Header, Validation};
use serde::{Deserialize, Serialize};
use stromtor_domain::{
    Error, Result, Timestamp,
    actor::{Actor, ActorKind, Permission},
    network::location::LocationId,
    tenancy::partner::PartnerId,
};
use uuid::Uuid;

use super::keys::KeyRing;

/// Who the tokens are for.
pub const AUDIENCE: &str = "stromtor";

/// What an access token says. Registered names as in RFC 7519, section 4.1.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Claims {
    /// Issuer: the API's public URL.
    pub iss: String,
    /// Audience.
    pub aud: String,
    /// Id of the user or API client.
    pub sub: Uuid,
    /// Expiry, seconds since 1970.
    pub exp: i64,
    /// Issued at.
    pub iat: i64,
    /// Id of this token.
    pub jti: Uuid,
    /// Kind of actor.
    pub kind: ActorKind,
    /// Name for the audit log.
    pub name: String,
    /// The actor's partner.
    pub partner_id: PartnerId,
    /// Whether that is the platform.
    #[serde(default)]
    pub platform: bool,
    /// What the actor may do.
    pub permissions: BTreeSet<Permission>,
    /// The only locations it may see; absent for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locations: Option<Vec<LocationId>>,
}

/// Signs a token for `actor`.
pub fn issue(keys: &KeyRing, issuer: &str, actor: &Actor, id: Uuid, now: Timestamp, ttl_s: u32) -> Result<String> {
    let key = keys.signer(now).ok_or_else(|| Error::internal("no signing key"))?;
    let claims = Claims {
        iss: issuer.to_owned(),
        aud: AUDIENCE.to_owned(),
        sub: actor.id,
        exp: now.utc().timestamp() + i64::from(ttl_s),
        iat: now.utc().timestamp(),
        jti: id,
        kind: actor.kind,
        name: actor.name.clone(),
        partner_id: actor.partner_id,
        platform: actor.platform,
        permissions: actor.permissions.clone(),
        locations: actor.locations.clone(),
    };
    let mut header = Header::new(Algorithm::ES256);
    header.kid = Some(key.id.to_string());
    jsonwebtoken::encode(&header, &claims, key.encoding()).map_err(Error::internal)
}

/// Reads a token of ours; the error never says more than that it is not valid.
pub fn read(keys: &KeyRing, issuer: &str, token: &str, now: Timestamp) -> Result<Claims> {
    let invalid = || Error::Unauthenticated("the access token is not valid".into());
    let header = jsonwebtoken::decode_header(token).map_err(|_| invalid())?;
    let id: Uuid = header.kid.as_deref().and_then(|kid| kid.parse().ok()).ok_or_else(invalid)?;
    let key = keys.verifier(id, now).ok_or_else(invalid)?;
    let mut validation = Validation::new(Algorithm::ES256);
    validation.set_audience(&[AUDIENCE]);
    validation.set_issuer(&[issuer]);
    // The expiry is checked against our clock, below.
    validation.validate_exp = false;
    let claims: Claims = jsonwebtoken::decode(token, key.decoding(), &validation).map_err(|_| invalid())?.claims;
    if claims.exp <= now.utc().timestamp() {
        return Err(Error::Unauthenticated("the access token has expired".into()));
    }
    Ok(claims)
}

impl Claims {
    /// The actor of a request that came with this token.
    #[must_use]
    pub fn into_actor(self, ip: Option<IpAddr>, request_id: Uuid) -> Actor {
        Actor {
            kind: self.kind,
            id: self.sub,
            name: self.name,
            partner_id: self.partner_id,
            platform: self.platform,
            permissions: self.permissions,
            locations: self.locations,
            ip,
            request_id: Some(request_id),
        }
    }
}
