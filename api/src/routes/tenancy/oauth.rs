//! Log-in over OAuth 2.0 (RFC 6749), log-out (RFC 7009), and the keys that tokens are signed with (RFC 7517).

use poem::{Request, web::RemoteAddr};
use poem_openapi::{
    ApiResponse, Object, OpenApi,
    auth::Basic,
    payload::{Form, Json},
};
use serde::{Deserialize, Serialize};

use crate::{
    app::identity::{self, Refused, Session},
    problem,
    routes::Tag,
    state::App,
};

/// Operations of log-in.
pub struct OauthApi(pub App);

/// A token request: fields by `grant_type`.
#[derive(Deserialize, Object)]
struct TokenRequest {
    /// `password` (with `username` and `password`), `refresh_token` (with `refresh_token`) or `client_credentials`
    /// (with `client_id` and `client_secret`, here or as HTTP Basic authentication).
    grant_type: String,
    /// Log-in name: the e-mail address.
    username: Option<String>,
    /// Password.
    password: Option<String>,
    /// The refresh token of the last answer; each works once.
    refresh_token: Option<String>,
    /// Id of the API client.
    client_id: Option<String>,
    /// Its secret.
    client_secret: Option<String>,
}

/// Tokens, RFC 6749 section 5.1.
#[derive(Serialize, Object)]
#[oai(skip_serializing_if_is_none)]
struct TokenResponse {
    /// JWT, sent as `Authorization: Bearer …`.
    access_token: String,
    /// Always `Bearer`.
    token_type: String,
    /// Seconds the access token is valid.
    expires_in: u32,
    /// For the next token request; replaces the one before. Users only.
    refresh_token: Option<String>,
}

/// Why there is no token, RFC 6749 section 5.2.
#[derive(Serialize, Object)]
struct OauthError {
    /// `invalid_request`, `invalid_client`, `invalid_grant`, `unsupported_grant_type` or `slow_down`.
    error: String,
    /// The same for people.
    error_description: String,
}

#[derive(ApiResponse)]
enum TokenAnswer {
    /// Tokens.
    #[oai(status = 200)]
    Ok(
        Json<TokenResponse>,
        /// `no-store`.
        #[oai(header = "Cache-Control")]
        String,
    ),
    /// The request or the grant is not valid.
    #[oai(status = 400)]
    Bad(Json<OauthError>),
    /// The API client is unknown or its secret wrong.
    #[oai(status = 401)]
    Client(Json<OauthError>),
    /// Too many failures; wait as `Retry-After` says.
    #[oai(status = 429)]
    Slow(
        Json<OauthError>,
        /// Seconds to wait.
        #[oai(header = "Retry-After")]
        String,
    ),
}

fn error(code: &str, description: &str) -> Json<OauthError> {
    Json(OauthError { error: code.to_owned(), error_description: description.to_owned() })
}

/// A JWK set.
#[derive(Serialize, Object)]
struct JwkSet {
    /// The keys; verifiers pick theirs by `kid`.
    keys: Vec<serde_json::Value>,
}

/// What log-out needs.
#[derive(Deserialize, Object)]
struct RevokeRequest {
    /// The refresh token.
    token: String,
}

#[derive(ApiResponse)]
enum Revoked {
    /// Ended, or never was.
    #[oai(status = 200)]
    Ok,
}

#[OpenApi(tag = "Tag::Login")]
impl OauthApi {
    /// Get a token
    ///
    /// OAuth 2.0 token endpoint. Access tokens are short-lived JWTs (ES256); refresh tokens rotate: each works once, and
    /// a second use ends all that came from the same log-in.
    ///
    /// Public.
    #[oai(path = "/oauth/token", method = "post", operation_id = "oauth_token")]
    async fn token(&self, request: &Request, Form(form): Form<TokenRequest>) -> Result<TokenAnswer, problem::Failure> {
        let RemoteAddr(address) = request.remote_addr();
        let ip = address.as_socket_addr().map(std::net::SocketAddr::ip);
        let missing = |field: &str| Ok(TokenAnswer::Bad(error("invalid_request", &format!("{field} is missing"))));
        let client_grant = form.grant_type == "client_credentials";
        let outcome = match form.grant_type.as_str() {
            "password" => {
                let Some(username) = form.username else { return missing("username") };
                let Some(password) = form.password else { return missing("password") };
                identity::with_password(&self.0, &username, password, ip).await
            }
            "refresh_token" => {
                let Some(token) = form.refresh_token else { return missing("refresh_token") };
                identity::with_refresh_token(&self.0, &token).await
            }
            "client_credentials" => {
                let basic = basic(request);
                let id = form.client_id.or_else(|| basic.as_ref().map(|basic| basic.username.clone()));
                let secret = form.client_secret.or_else(|| basic.map(|basic| basic.password));
                let Some(id) = id else { return missing("client_id") };
                let Some(secret) = secret else { return missing("client_secret") };
                identity::with_client_credentials(&self.0, &id, &secret, ip).await
            }
            _ => return Ok(TokenAnswer::Bad(error("unsupported_grant_type", "unknown grant_type"))),
        };
        Ok(match outcome {
            Ok(Session { access_token, refresh_token }) => TokenAnswer::Ok(
                Json(TokenResponse {
                    access_token,
                    token_type: "Bearer".into(),
                    expires_in: self.0.config.auth.access_token_ttl_s,
                    refresh_token,
                }),
                "no-store".into(),
            ),
            Err(Refused::Invalid) if client_grant => {
                TokenAnswer::Client(error("invalid_client", "unknown client or wrong secret"))
            }
            Err(Refused::Invalid) => TokenAnswer::Bad(error("invalid_grant", "wrong name, password or token")),
            Err(Refused::Throttled(seconds)) => {
                TokenAnswer::Slow(error("slow_down", "too many failures"), seconds.to_string())
            }
            Err(Refused::Error(error)) => return Err(error.into()),
        })
    }

    /// Log out
    ///
    /// Ends a refresh token and all that came from the same log-in (RFC 7009).
    ///
    /// Public.
    #[oai(path = "/oauth/revoke", method = "post", operation_id = "oauth_revoke")]
    async fn revoke(&self, Form(form): Form<RevokeRequest>) -> Result<Revoked, problem::Failure> {
        identity::revoke(&self.0, &form.token).await?;
        Ok(Revoked::Ok)
    }

    /// Read the signing keys
    ///
    /// The public keys that verify access tokens, as a JWK set (RFC 7517). A new key stands here five minutes before it signs.
    ///
    /// Public.
    #[oai(path = "/.well-known/jwks.json", method = "get", operation_id = "jwks_get")]
    async fn jwks(&self) -> Json<JwkSet> {
        let mut set = self.0.keys.load().jwks(self.0.now());
        Json(JwkSet { keys: set["keys"].as_array_mut().map(std::mem::take).unwrap_or_default() })
    }
}

fn basic(request: &Request) -> Option<Basic> {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let value = request.header("authorization")?.strip_prefix("Basic ")?;
    let decoded = String::from_utf8(STANDARD.decode(value).ok()?).ok()?;
    let (username, password) = decoded.split_once(':')?;
    Some(Basic { username: username.to_owned(), password: password.to_owned() })
}
