//! The whole HTTP service: the API inside the layers that every request passes.

use std::{net::IpAddr, sync::Arc};

use poem::{
    Endpoint, EndpointExt as _, IntoResponse as _, Middleware as _, Request, Response, Route,
    http::header,
    middleware::{CatchPanic, Cors},
    web::RemoteAddr,
};
use stromtor_domain::{Error, actor::Actor};
use uuid::Uuid;

use crate::{
    app::identity,
    auth::token,
    problem::{self, Problem},
    routes,
    state::App,
};

/// The service as the listener takes it.
pub fn build(app: App) -> impl Endpoint<Output = Response> + 'static {
    let api = routes::service(&app);
    let cors = cors(&app.config.server.cors_origins);
    let routes = Route::new().nest("/", api);
    let layered = Arc::new(CatchPanic::new().transform(routes));
    let outer = poem::endpoint::make(move |request: Request| {
        let (app, layered) = (app.clone(), layered.clone());
        async move { poem::Result::<Response>::Ok(handle(&app, &*layered, request).await) }
    });
    outer.with(cors).map_to_response()
}

/// One request: its id, its actor, its problem document if it fails.
async fn handle(app: &App, inner: &(impl Endpoint + 'static), mut request: Request) -> Response {
    let request_id = app.clock.id();
    let authorized = match bearer(&request) {
        Some(text) => match authenticate(app, text, address(&request), request_id).await {
            Ok(actor) => {
                request.extensions_mut().insert(actor);
                Ok(())
            }
            Err(error) => Err(error),
        },
        None => Ok(()),
    };
    let mut response = match authorized {
        Ok(()) if too_large(&request, app.config.server.body_limit) => {
            let status = poem::http::StatusCode::PAYLOAD_TOO_LARGE;
            Problem::new(status, "payload_too_large", "the body is larger than allowed").response()
        }
        Ok(()) => match inner.call(request).await {
            Ok(response) => response.into_response(),
            Err(error) => problem::from_poem(error),
        },
        Err(error) => problem::response(error),
    };
    if let Ok(value) = request_id.to_string().parse() {
        response.headers_mut().insert("x-request-id", value);
    }
    response
}

/// Whether the declared length is over the limit. A body of undeclared length is read up to the limit by `Body`.
fn too_large(request: &Request, limit: usize) -> bool {
    let length = request.header(header::CONTENT_LENGTH).and_then(|length| length.parse::<u64>().ok());
    length.is_some_and(|length| length > limit as u64)
}

/// The actor of a bearer token.
async fn authenticate(
    app: &App,
    text: &str,
    ip: Option<IpAddr>,
    request_id: Uuid,
) -> Result<Actor, Error> {
    if let Some(issuer) = app.oidc.of(text) {
        let email = app.oidc.email(issuer, text, app.now()).await?;
        let actor = identity::with_email(app, &email).await?;
        return Ok(Actor { ip, request_id: Some(request_id), ..actor });
    }
    let claims = token::read(&app.keys.load(), &app.public_url, text, app.now())?;
    Ok(claims.into_actor(ip, request_id))
}

fn bearer(request: &Request) -> Option<&str> {
    let value = request.header(header::AUTHORIZATION)?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn address(request: &Request) -> Option<IpAddr> {
    let RemoteAddr(address) = request.remote_addr();
    address.as_socket_addr().map(std::net::SocketAddr::ip)
}

fn cors(origins: &[String]) -> Cors {
    let cors = Cors::new().expose_headers(["ETag", "Link", "Location", "X-Request-Id", "Retry-After"]);
    if origins.iter().any(|origin| origin == "*") {
        return cors;
    }
    // Without origins none is allowed: an empty list would mean any.
    let allowed = origins.to_vec();
    cors.allow_origins_fn(move |origin| allowed.iter().any(|allowed| allowed == origin))
}
