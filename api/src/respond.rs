//! The forms every resource answers in, and the body every writing operation reads.

use poem::{Request, RequestBody};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ApiResponse, ExtractParamOptions,
    payload::{Json, ParsePayload, Payload},
    registry::{MetaMediaType, MetaRequest, MetaSchemaRef, Registry},
    types::{ParseFromJSON, ToJSON, Type},
};
use serde::de::DeserializeOwned;
use stromtor_domain::{Error, Result, patch};

use crate::problem::{Failure, Problem};

/// A resource, with its `ETag`.
#[derive(ApiResponse)]
pub enum Found<T: ToJSON + Type + Send + Sync> {
    /// The resource.
    #[oai(status = 200)]
    Ok(
        Json<T>,
        /// Version of the resource, for `If-Match`.
        #[oai(header = "ETag")]
        Option<String>,
    ),
}

/// A resource that was made, with its `ETag` and place.
#[derive(ApiResponse)]
pub enum Created<T: ToJSON + Type + Send + Sync> {
    /// The new resource.
    #[oai(status = 201)]
    Created(
        Json<T>,
        /// Where it is.
        #[oai(header = "Location")]
        String,
        /// Version of the resource, for `If-Match`.
        #[oai(header = "ETag")]
        Option<String>,
    ),
}

/// Done, nothing to show.
#[derive(ApiResponse)]
pub enum Done {
    /// Done.
    #[oai(status = 204)]
    NoContent,
}

impl<T: ToJSON + Type + Send + Sync> Found<T> {
    /// A resource with a version.
    pub fn versioned(resource: T, revision: i64) -> Self {
        Self::Ok(Json(resource), Some(etag(revision)))
    }

    /// A resource without one: computed views, things that never change.
    pub const fn plain(resource: T) -> Self {
        Self::Ok(Json(resource), None)
    }
}

impl<T: ToJSON + Type + Send + Sync> Created<T> {
    /// A new resource at `path` that has no versions.
    pub const fn plain(path: String, resource: T) -> Self {
        Self::Created(Json(resource), path, None)
    }

    /// A new resource at `path` with version `revision`.
    pub fn at(path: String, resource: T, revision: i64) -> Self {
        Self::Created(Json(resource), path, Some(etag(revision)))
    }
}

fn etag(revision: i64) -> String {
    format!("\"{revision}\"")
}

/// The version an `If-Match` header asks for; `*` and an absent header ask for none.
pub fn if_match(header: Option<String>) -> Result<Option<i64>> {
    match header.as_deref().map(str::trim) {
        None | Some("*") => Ok(None),
        Some(tag) => {
            let number = tag.trim_start_matches("W/").trim_matches('"').parse();
            // A tag that is none of ours matches no version.
            number.map(Some).map_err(|_| Error::PreconditionFailed)
        }
    }
}

/// A JSON body, parsed so that a wrong field is named by its JSON pointer; unknown fields are wrong.
#[derive(Debug)]
pub struct Body<T>(pub T);

impl<T: Type> Payload for Body<T> {
    const CONTENT_TYPE: &'static str = "application/json";

    fn check_content_type(content_type: &str) -> bool {
        <Json<T> as Payload>::check_content_type(content_type)
    }

    fn schema_ref() -> MetaSchemaRef {
        T::schema_ref()
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

impl<T: ParseFromJSON + DeserializeOwned> ParsePayload for Body<T> {
    const IS_REQUIRED: bool = true;

    async fn from_request(request: &Request, body: &mut RequestBody) -> poem::Result<Self> {
        let bytes = <Vec<u8> as poem::FromRequest>::from_request(request, body).await?;
        let value = serde_json::from_slice(&bytes).map_err(|error| {
            let mut problem = Problem::new(
                poem::http::StatusCode::BAD_REQUEST,
                "malformed_json",
                format!("the body is not JSON: line {} column {}", error.line(), error.column()),
            );
            problem.errors = None;
            poem::Error::from_response(problem.response())
        })?;
        patch::parse(value).map(Self).map_err(|error| Failure(error).into())
    }
}

impl<'a, T: ParseFromJSON + DeserializeOwned> ApiExtractor<'a> for Body<T> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        T::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        Some(MetaRequest {
            description: None,
            content: vec![MetaMediaType { content_type: Self::CONTENT_TYPE, schema: Self::schema_ref() }],
            required: true,
        })
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _: ExtractParamOptions<Self::ParamType>,
    ) -> poem::Result<Self> {
        match request.content_type() {
            Some(content_type) if Self::check_content_type(content_type) => {
                <Self as ParsePayload>::from_request(request, body).await
            }
            _ => Err(poem::Error::from_status(poem::http::StatusCode::UNSUPPORTED_MEDIA_TYPE)),
        }
    }
}
