//! Access tokens: short-lived JWTs signed ES256, carrying who acts and what that actor may do.

pub mod keys;
pub mod oidc;
pub mod password;
pub mod token;

use poem::Request;
use poem_openapi::{SecurityScheme, auth::Bearer};
use stromtor_domain::actor::Actor;

/// The actor of a request: a JWT of this platform or of a configured external issuer, `Authorization: Bearer …`.
#[derive(Debug, SecurityScheme)]
#[oai(ty = "bearer", key_name = "Authorization", bearer_format = "JWT", checker = "check", rename = "bearer")]
pub struct Auth(pub Actor);

/// The middleware in `service` has resolved the token already, for rate limits and idempotency keys need the actor too.
async fn check(request: &Request, _: Bearer) -> Option<Actor> {
    request.extensions().get::<Actor>().cloned()
}
