//! The whole HTTP service: the API inside the layers that every request passes.

use std::{net::IpAddr, sync::Arc};

use poem::{
    Endpoint, EndpointExt as _, IntoResponse as _, Middleware as _, Request, Response, Route, get, handler,
    http::{HeaderValue, Method, StatusCode, header},
    middleware::{CatchPanic, Cors},
    web::{Data, Html, RemoteAddr},
};
use stromtor_domain::{Error, actor::Actor};
use uuid::Uuid;

use crate::{
    app::identity,
    auth::token,
    idempotency,
    limits::{Standing, Subject},
    ocpi,
    problem::{self, Problem},
    routes,
    state::App,
    transfer,
};

/// The contract as it is committed; the tests hold code and document together.
pub const CONTRACT: &str = include_str!("../../openapi/stromtor.json");

/// The service as the listener takes it.
pub fn build(app: App) -> impl Endpoint<Output = Response> + 'static {
    let api = routes::service(&app);
    let page = api.swagger_ui_html().replace(&api.spec(), CONTRACT).replace("<title>Swagger UI", "<title>Stromtor API");
    let cors = cors(&app.config.server.cors_origins);
    let routes = Route::new()
        .nest("/", api)
        .at("/docs", get(poem::endpoint::make_sync(move |_| Html(page.clone()))))
        .at("/openapi.json", get(contract))
        .at("/healthz", get(healthz))
        .at("/readyz", get(readyz))
        .at("/metrics", get(prometheus))
        .data(app.clone());
    let layered = Arc::new(CatchPanic::new().transform(routes));
    let outer = poem::endpoint::make(move |request: Request| {
        let (app, layered) = (app.clone(), layered.clone());
        async move {
            if ocpi::is_ours(request.uri().path()) {
                return Ok(tokio::spawn(async move { ocpi::handle(&app, request).await })
                    .await
                    .unwrap_or_else(|error| problem::response(Error::internal(error))));
            }
            if matches!(*request.method(), Method::GET | Method::HEAD) {
                return poem::Result::<Response>::Ok(handle(&app, &*layered, request).await);
            }
            // What was begun is finished, whether or not the client waits for it.
            let handled = tokio::spawn(async move { handle(&app, &*layered, request).await }).await;
            Ok(handled.unwrap_or_else(|error| problem::response(Error::internal(error))))
        }
    });
    outer.with(cors).map_to_response()
}

/// What a process without the API answers: whether it lives, and its metrics.
pub fn probes(app: &App) -> impl Endpoint<Output = Response> + 'static {
    Route::new()
        .at("/healthz", get(healthz))
        .at("/readyz", get(readyz))
        .at("/metrics", get(prometheus))
        .data(app.clone())
        .map_to_response()
}

/// One request: its id, its actor, its share, its problem document if it fails.
async fn handle(app: &App, inner: &(impl Endpoint + 'static), mut request: Request) -> Response {
    let (request_id, ip) = (app.clock.id(), address(&request));
    let limit = transfer::body_limit(&app.config, request.uri().path());
    let (method, path) = (request.method().clone(), transfer::prepare(&mut request));
    let started = std::time::Instant::now();
    let (mut subject, mut refused) = (Subject::Address(ip), None);
    if let Some(text) = bearer(&request) {
        match authenticate(app, text, ip, request_id).await {
            Ok(actor) => {
                subject = Subject::Actor(actor.id);
                request.extensions_mut().insert(actor);
            }
            Err(error) => refused = Some(error),
        }
    }
    let standing = app.limits.count(subject);
    let mut response = if let Some(retry_after) = standing.retry_after {
        problem::response(Error::TooMany { retry_after })
    } else if let Some(error) = refused {
        problem::response(error)
    } else if too_large(&request, limit) {
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", "the body is larger than allowed").response()
    } else {
        idempotency::call(app, inner, request).await
    };
    label(&mut response, request_id, standing);
    let (status, elapsed) = (response.status().as_u16(), started.elapsed());
    metrics::histogram!("stromtor_http_request_seconds", "status" => status.to_string()).record(elapsed.as_secs_f64());
    tracing::info!(%request_id, %method, path, status, ms = elapsed.as_millis() as u64, "request");
    response
}

fn label(response: &mut Response, request_id: Uuid, standing: Standing) {
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&request_id.to_string()) {
        headers.insert("x-request-id", value);
    }
    headers.insert("ratelimit-limit", HeaderValue::from(standing.limit));
    headers.insert("ratelimit-remaining", HeaderValue::from(standing.remaining));
    headers.insert("ratelimit-reset", HeaderValue::from(standing.retry_after.unwrap_or(0)));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
}

/// The actor of a bearer token, ours or a configured issuer's.
async fn authenticate(app: &App, text: &str, ip: Option<IpAddr>, request_id: Uuid) -> Result<Actor, Error> {
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

/// Whether the declared length is over the limit. A body of undeclared length is read up to the limit by `Body`.
fn too_large(request: &Request, limit: usize) -> bool {
    let length = request.header(header::CONTENT_LENGTH).and_then(|length| length.parse::<u64>().ok());
    length.is_some_and(|length| length > limit as u64)
}

fn cors(origins: &[String]) -> Cors {
    let exposed = ["etag", "link", "location", "x-request-id", "retry-after", "ratelimit-limit", "ratelimit-remaining"];
    let cors = Cors::new().expose_headers(exposed);
    if origins.iter().any(|origin| origin == "*") {
        return cors;
    }
    // Without origins none is allowed: an empty list would mean any.
    let allowed = origins.to_vec();
    cors.allow_origins_fn(move |origin| allowed.iter().any(|allowed| allowed == origin))
}

#[handler]
fn contract() -> Response {
    Response::builder().content_type("application/json").body(CONTRACT)
}

/// The process is alive.
#[handler]
const fn healthz() -> &'static str {
    "ok"
}

/// The process can serve: the database answers.
#[handler]
async fn readyz(Data(app): Data<&App>) -> Response {
    match app.db.ping().await {
        Ok(()) => "ok".into_response(),
        Err(error) => problem::response(error),
    }
}

/// Prometheus text format.
#[handler]
fn prometheus(Data(app): Data<&App>) -> String {
    app.metrics.as_ref().map_or_else(String::new, |metrics| metrics.render())
}
