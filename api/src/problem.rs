//! The only place that turns errors, ours and poem's own, into RFC 9457 `application/problem+json`.

use poem::{Response, error::ResponseError, http::StatusCode};
use poem_openapi::{
    ApiResponse, Object,
    registry::{MetaMediaType, MetaResponse, MetaResponses, Registry},
    types::Type as _,
};
use serde::Serialize;
use stromtor_domain::{Error, error::FieldError};

/// What handlers return.
pub type Answer<T> = Result<T, Failure>;

/// A domain error on its way out of a handler. Documented for every operation by `openapi::normalise` as `4XX` and `5XX`.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Failure(#[from] pub Error);

/// What went wrong, RFC 9457.
#[derive(Debug, Clone, Serialize, serde::Deserialize, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct Problem {
    /// Kind of problem: `urn:stromtor:problem:` and the code.
    #[serde(rename = "type")]
    #[oai(rename = "type")]
    pub kind: String,
    /// Short, the same for every occurrence.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// Stable machine code, for example `invalid_input`.
    pub code: String,
    /// What happened this time.
    pub detail: String,
    /// The fields of the input that are wrong or that the conflict is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub errors: Option<Vec<ProblemField>>,
    /// The permission that is missing, with code `permission_denied`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permission: Option<String>,
}

/// A wrong field.
#[derive(Debug, Clone, Serialize, serde::Deserialize, Object)]
pub struct ProblemField {
    /// JSON pointer into the body (`/address/city`), or a parameter's name (`limit`).
    pub pointer: String,
    /// What is wrong with it.
    pub message: String,
}

impl From<FieldError> for ProblemField {
    fn from(field: FieldError) -> Self {
        Self { pointer: field.pointer, message: field.message }
    }
}

const fn status_of(error: &Error) -> StatusCode {
    match error {
        Error::Invalid { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        Error::Unauthenticated(_) => StatusCode::UNAUTHORIZED,
        Error::Forbidden(_) | Error::ProductNeeded { .. } => StatusCode::FORBIDDEN,
        Error::NotFound(_) => StatusCode::NOT_FOUND,
        Error::Conflict { .. } => StatusCode::CONFLICT,
        Error::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
        Error::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
        Error::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        Error::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl Problem {
    /// A problem that has no domain error behind it.
    #[must_use]
    pub fn new(status: StatusCode, code: &str, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("urn:stromtor:problem:{code}"),
            title: status.canonical_reason().unwrap_or("Error").to_owned(),
            status: status.as_u16(),
            code: code.to_owned(),
            detail: detail.into(),
            errors: None,
            permission: None,
        }
    }

    /// The response.
    #[must_use]
    pub fn response(&self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = Response::builder()
            .status(status)
            .content_type("application/problem+json")
            .body(serde_json::to_vec(self).unwrap_or_default());
        if status == StatusCode::UNAUTHORIZED {
            response
                .headers_mut()
                .insert(poem::http::header::WWW_AUTHENTICATE, poem::http::HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// The problem document of a domain error. Logs internal causes: this is the boundary.
#[must_use]
pub fn response(error: Error) -> Response {
    let mut problem = Problem::new(status_of(&error), error.code(), error.to_string());
    let mut retry_after = None;
    match error {
        Error::Invalid { fields } => problem.errors = Some(fields.into_iter().map(Into::into).collect()),
        Error::Conflict { fields, .. } | Error::ProductNeeded { fields, .. } if !fields.is_empty() => {
            problem.errors = Some(fields.into_iter().map(Into::into).collect());
        }
        Error::Forbidden(permission) => problem.permission = Some(permission.to_string()),
        Error::TooMany { retry_after: seconds } => retry_after = Some(seconds),
        Error::Unavailable(cause) => {
            tracing::warn!(%cause, "unavailable");
            retry_after = Some(2);
        }
        Error::Internal(cause) => tracing::error!(%cause, "internal error"),
        _ => {}
    }
    let mut response = problem.response();
    if let Some(seconds) = retry_after {
        response.headers_mut().insert("retry-after", poem::http::HeaderValue::from(seconds));
    }
    response
}

impl ResponseError for Failure {
    fn status(&self) -> StatusCode {
        status_of(&self.0)
    }

    fn as_response(&self) -> Response
    where
        Self: std::error::Error + Send + Sync + 'static,
    {
        // Never reached with a cause to log: `from_poem` takes the error out first.
        Problem::new(self.status(), self.0.code(), self.0.to_string()).response()
    }
}

impl ApiResponse for Failure {
    fn meta() -> MetaResponses {
        let content =
            || vec![MetaMediaType { content_type: "application/problem+json", schema: Problem::schema_ref() }];
        let range = |range: &str| MetaResponse {
            description: "",
            status: None,
            status_range: Some(range.to_owned()),
            content: content(),
            headers: Vec::new(),
        };
        MetaResponses { responses: vec![range("4XX"), range("5XX")] }
    }

    fn register(registry: &mut Registry) {
        Problem::register(registry);
    }
}

/// Whatever error reached the outermost endpoint, as a problem document.
#[must_use]
pub fn from_poem(error: poem::Error) -> Response {
    if error.is::<Failure>() {
        return match error.downcast::<Failure>() {
            Ok(Failure(error)) => response(error),
            Err(error) => error.into_response(),
        };
    }
    if error.is_from_response() {
        return error.into_response();
    }
    if let Some(error) = error.downcast_ref::<poem_openapi::error::ParseParamError>() {
        return self::response(Error::invalid(error.name, parameter_message(&error.reason)));
    }
    if let Some(error) = error.downcast_ref::<poem_openapi::error::ParsePathError>() {
        // An id that is none names nothing.
        tracing::debug!(%error, "path parameter");
        return Problem::new(StatusCode::NOT_FOUND, "not_found", "no such resource").response();
    }
    let status = error.status();
    let (code, detail) = match status {
        StatusCode::BAD_REQUEST => ("malformed_request", "the request could not be read"),
        StatusCode::UNAUTHORIZED => ("unauthenticated", "a valid bearer token is needed"),
        StatusCode::NOT_FOUND => ("not_found", "no such path"),
        StatusCode::METHOD_NOT_ALLOWED => ("method_not_allowed", "the resource does not know this method"),
        StatusCode::PAYLOAD_TOO_LARGE => ("payload_too_large", "the body is larger than allowed"),
        StatusCode::LENGTH_REQUIRED => ("length_required", "the body's length must be declared"),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => ("unsupported_media_type", "the body's content type is not supported"),
        status if status.is_client_error() => ("bad_request", "the request is not acceptable"),
        _ => {
            tracing::error!(%error, "unexpected error");
            ("internal", "an internal error occurred")
        }
    };
    Problem::new(status, code, detail).response()
}

/// poem's reasons name Rust types; people get the sense of it.
fn parameter_message(reason: &str) -> String {
    match reason.strip_prefix("failed to parse ").and_then(|rest| rest.split_once(": ")) {
        Some((_, message)) => message.to_owned(),
        None => reason.to_owned(),
    }
}
