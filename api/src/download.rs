//! Files on their way out: streamed, whole or in part (RFC 9110 section 14).

use std::ops::Range;

use poem::{
    Body, IntoResponse, Request, Response,
    http::{HeaderValue, StatusCode, header},
};
use poem_openapi::{
    ApiResponse,
    registry::{MetaHeader, MetaMediaType, MetaResponse, MetaResponses, MetaSchema, MetaSchemaRef, Registry},
    types::Type as _,
};
use stromtor_domain::Result;

use crate::{files::Files, problem::Problem};

/// A file as its row describes it.
#[derive(Debug, Clone)]
pub struct FileView {
    /// Where its bytes are.
    pub key: String,
    /// How many.
    pub size_bytes: i64,
    /// SHA-256, hexadecimal: its entity tag.
    pub sha256: String,
    /// A safe name.
    pub name: String,
    /// What it is.
    pub content_type: String,
}

/// A file's bytes, all of them or the range that was asked for.
#[derive(Debug)]
pub struct Download(Response);

/// What a `Range` header asks for.
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    Whole,
    Part(Range<u64>),
    Nothing,
}

/// One range of bytes. Several, other units and what cannot be read ask for the whole, as RFC 9110 allows.
fn asked(range: Option<&str>, size: u64) -> Asked {
    let Some((first, last)) = range.and_then(|text| text.trim().strip_prefix("bytes=")?.split_once('-')) else {
        return Asked::Whole;
    };
    let (first, last) = (first.trim(), last.trim());
    let number = |text: &str| text.parse::<u64>().ok();
    let range = match (number(first), number(last)) {
        (None, Some(suffix)) if first.is_empty() => size.saturating_sub(suffix)..size,
        (Some(first), None) if last.is_empty() => first..size,
        (Some(first), Some(last)) if first <= last => first..size.min(last.saturating_add(1)),
        _ => return Asked::Whole,
    };
    if range.start >= range.end { Asked::Nothing } else { Asked::Part(range) }
}

impl Download {
    /// Answers a request for a file.
    pub async fn of(files: &Files, request: &Request, file: FileView) -> Result<Self> {
        let size = u64::try_from(file.size_bytes).unwrap_or_default();
        let tag = format!("\"{}\"", file.sha256);
        // Of another file than the one that the client has begun with, a part is of no use.
        let same = request.header(header::IF_RANGE).is_none_or(|wanted| wanted == tag);
        let (status, range) = match asked(request.header(header::RANGE).filter(|_| same), size) {
            Asked::Whole => (StatusCode::OK, None),
            Asked::Part(range) => (StatusCode::PARTIAL_CONTENT, Some(range)),
            Asked::Nothing => {
                let detail = "the file has no such bytes";
                let problem = Problem::new(StatusCode::RANGE_NOT_SATISFIABLE, "range_not_satisfiable", detail);
                let mut response = problem.response();
                set(&mut response, header::CONTENT_RANGE, &format!("bytes */{size}"));
                return Ok(Self(response));
            }
        };
        let length = range.as_ref().map_or(size, |range| range.end - range.start);
        // Stores refuse to read nothing of nothing.
        let body = if length == 0 {
            Body::empty()
        } else {
            Body::from_bytes_stream(files.read(&file.key, range.clone()).await?)
        };
        let mut response = Response::builder().status(status).content_type(&file.content_type).body(body);
        set(&mut response, header::CONTENT_LENGTH, &length.to_string());
        set(&mut response, header::ACCEPT_RANGES, "bytes");
        set(&mut response, header::ETAG, &tag);
        set(&mut response, header::CONTENT_DISPOSITION, &format!("attachment; filename=\"{}\"", file.name));
        if let Some(Range { start, end }) = range {
            set(&mut response, header::CONTENT_RANGE, &format!("bytes {start}-{}/{size}", end - 1));
        }
        Ok(Self(response))
    }
}

fn set(response: &mut Response, name: header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

impl IntoResponse for Download {
    fn into_response(self) -> Response {
        self.0
    }
}

impl ApiResponse for Download {
    fn meta() -> MetaResponses {
        let header = |name: &str, description: &str| MetaHeader {
            name: name.into(),
            description: Some(description.into()),
            required: true,
            deprecated: false,
            schema: String::schema_ref(),
        };
        let answer = |status, description, more: Option<MetaHeader>| MetaResponse {
            description,
            status: Some(status),
            status_range: None,
            content: vec![MetaMediaType {
                content_type: "application/octet-stream",
                schema: MetaSchemaRef::Inline(Box::new(MetaSchema {
                    format: Some("binary"),
                    ..MetaSchema::new("string")
                })),
            }],
            headers: [
                header("Content-Disposition", "`attachment`, with the file's name."),
                header("ETag", "SHA-256 of the whole file, for `If-Range`."),
            ]
            .into_iter()
            .chain(more)
            .collect(),
        };
        MetaResponses {
            responses: vec![
                answer(200, "The file, in its own content type.", None),
                answer(
                    206,
                    "The bytes that `Range` asked for.",
                    Some(header("Content-Range", "Which bytes, and how many there are.")),
                ),
            ],
        }
    }

    fn register(_: &mut Registry) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        for (text, expected) in [
            ("bytes=0-3", Asked::Part(0..4)),
            ("bytes=4-", Asked::Part(4..10)),
            ("bytes=-3", Asked::Part(7..10)),
            ("bytes=-30", Asked::Part(0..10)),
            ("bytes=8-99999999999999999999", Asked::Whole),
            ("bytes=8-18446744073709551615", Asked::Part(8..10)),
            ("bytes=10-", Asked::Nothing),
            ("bytes=-0", Asked::Nothing),
            ("bytes=3-1", Asked::Whole),
            ("bytes=0-1,4-5", Asked::Whole),
            ("items=0-1", Asked::Whole),
            ("bytes=-", Asked::Whole),
        ] {
            assert_eq!(asked(Some(text), 10), expected, "{text}");
        }
        assert_eq!(asked(None, 10), Asked::Whole);
    }
}
