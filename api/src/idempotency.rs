//! `Idempotency-Key` on any POST: the same key and request get the same answer, and the work is done once.
//!
//! A server that dies between doing and noting leaves the key reserved: a repetition is then refused with
//! `idempotency_in_progress` for 24 hours rather than done twice.

use poem::{
    Body, Endpoint, IntoResponse as _, Request, Response,
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
};
use serde_json::{Map, Value};
use stromtor_domain::{Result, actor::Actor};
use stromtor_persistence::tenancy::idempotency::{self, Kept, Known};

use crate::{
    problem::{self, Problem},
    state::App,
};

const KEPT_HEADERS: [HeaderName; 4] = [header::CONTENT_TYPE, header::LOCATION, header::ETAG, header::LINK];

/// Answers a request, or repeats the answer it got before.
pub async fn call(app: &App, inner: &(impl Endpoint + 'static), mut request: Request) -> Response {
    let key = request.header("idempotency-key").map(str::to_owned);
    let actor = request.extensions().get::<Actor>().map(|actor| actor.id);
    let (Some(key), Some(actor), true) = (key, actor, request.method() == Method::POST) else {
        return answer(inner, request).await;
    };
    if key.is_empty() || key.len() > 255 {
        let detail = "Idempotency-Key must have 1 to 255 characters";
        return Problem::new(StatusCode::BAD_REQUEST, "idempotency_key_invalid", detail).response();
    }
    let Ok(body) = request.take_body().into_bytes_limit(app.config.server.body_limit).await else {
        let detail = "the body is larger than allowed";
        return Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", detail).response();
    };
    let told = format!("{} {}\n", request.method(), request.original_uri());
    let fingerprint = app.secrets.fingerprint(&[told.as_bytes(), &body].concat());
    request.set_body(body);
    let known = match reserve(app, actor, &key, &fingerprint).await {
        Ok(known) => known,
        Err(error) => return problem::response(error),
    };
    match known {
        Known::Answered(kept) => repeat(&kept),
        Known::Running => {
            let detail = "a request with this key is being worked on";
            Problem::new(StatusCode::CONFLICT, "idempotency_in_progress", detail).response()
        }
        Known::Other => {
            let detail = "the key was used for another request";
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused", detail).response()
        }
        Known::New => {
            // A client that hangs up must not leave the key reserved: the caller runs this in a task of its own.
            let response = answer(inner, request).await;
            note(app, actor, &key, response).await
        }
    }
}

async fn answer(inner: &(impl Endpoint + 'static), request: Request) -> Response {
    match inner.call(request).await {
        Ok(response) => response.into_response(),
        Err(error) => problem::from_poem(error),
    }
}

async fn reserve(app: &App, actor: uuid::Uuid, key: &str, fingerprint: &[u8]) -> Result<Known> {
    let mut tx = app.db.begin_unscoped().await?;
    let known = idempotency::reserve(&mut tx, actor, key, fingerprint).await?;
    tx.commit().await?;
    Ok(known)
}

async fn note(app: &App, actor: uuid::Uuid, key: &str, response: Response) -> Response {
    let (parts, body) = response.into_parts();
    let body = body.into_bytes().await.unwrap_or_default();
    let noted: Result<()> = async {
        let mut tx = app.db.begin_unscoped().await?;
        if parts.status.is_server_error() {
            idempotency::free(&mut tx, actor, key).await?;
        } else {
            let headers: Map<String, Value> = KEPT_HEADERS
                .iter()
                .filter_map(|name| Some((name.to_string(), parts.headers.get(name)?.to_str().ok()?.into())))
                .collect();
            let kept = Kept { status: parts.status.as_u16(), headers: Value::Object(headers), body: body.to_vec() };
            idempotency::keep(&mut tx, actor, key, &kept).await?;
        }
        tx.commit().await
    }
    .await;
    if let Err(error) = noted {
        tracing::warn!(%error, "could not note the answer of an idempotent request");
    }
    Response::from_parts(parts, Body::from_bytes(body))
}

fn repeat(kept: &Kept) -> Response {
    let status = StatusCode::from_u16(kept.status).unwrap_or(StatusCode::OK);
    let mut response = Response::builder().status(status).body(kept.body.clone());
    for (name, value) in kept.headers.as_object().into_iter().flatten() {
        let name = HeaderName::from_bytes(name.as_bytes());
        let value = HeaderValue::from_str(value.as_str().unwrap_or_default());
        if let (Ok(name), Ok(value)) = (name, value) {
            response.headers_mut().insert(name, value);
        }
    }
    response.headers_mut().insert("idempotency-replayed", HeaderValue::from_static("true"));
    response
}
