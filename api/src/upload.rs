//! Files on their way in: the raw body of a request, or the one file of a form.

use poem::{Body, FromRequest, Request, RequestBody, web::Multipart};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions,
    registry::{MetaMediaType, MetaRequest, MetaSchema, MetaSchemaRef},
};
use stromtor_domain::Error;
use tokio::io::AsyncRead;

use crate::problem::Failure;

/// A file that is not read yet.
pub enum Upload {
    /// The body is the file.
    Raw(Body, String),
    /// The file is in a form.
    Form(Multipart),
}

impl std::fmt::Debug for Upload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Upload")
    }
}

/// A file that is being read.
pub struct Incoming {
    /// What the sender calls it.
    pub name: Option<String>,
    /// What the sender says it is.
    pub content_type: String,
    /// Its bytes.
    pub body: Box<dyn AsyncRead + Send + Unpin>,
}

impl std::fmt::Debug for Incoming {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Incoming").field("name", &self.name).finish_non_exhaustive()
    }
}

const ANY: &str = "application/octet-stream";

/// Up to 100 visible characters, or "some bytes".
fn content_type(text: Option<&str>) -> String {
    let plain = |text: &&str| text.len() <= 100 && text.contains('/') && text.bytes().all(|b| (32..127).contains(&b));
    text.filter(plain).unwrap_or(ANY).to_owned()
}

impl Upload {
    /// Finds the file and begins to read it.
    pub async fn begin(self) -> poem::Result<Incoming> {
        match self {
            Self::Raw(body, content_type) => {
                Ok(Incoming { name: None, content_type, body: Box::new(body.into_async_read()) })
            }
            Self::Form(mut form) => {
                while let Some(field) = form.next_field().await? {
                    if field.file_name().is_some() || field.name() == Some("file") {
                        return Ok(Incoming {
                            name: field.file_name().map(str::to_owned),
                            content_type: content_type(field.content_type()),
                            body: Box::new(Box::pin(field.into_async_read())),
                        });
                    }
                }
                Err(Failure(Error::invalid("/file", "the form holds no file")).into())
            }
        }
    }
}

impl<'a> ApiExtractor<'a> for Upload {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];
    type ParamType = ();
    type ParamRawType = ();

    fn request_meta() -> Option<MetaRequest> {
        let bytes =
            || MetaSchemaRef::Inline(Box::new(MetaSchema { format: Some("binary"), ..MetaSchema::new("string") }));
        let form =
            MetaSchema { properties: vec![("file", bytes())], required: vec!["file"], ..MetaSchema::new("object") };
        Some(MetaRequest {
            description: Some("The file: the body itself whatever its content type, or one part of a form."),
            content: vec![
                MetaMediaType { content_type: ANY, schema: bytes() },
                MetaMediaType { content_type: "multipart/form-data", schema: MetaSchemaRef::Inline(Box::new(form)) },
            ],
            required: true,
        })
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _: ExtractParamOptions<Self::ParamType>,
    ) -> poem::Result<Self> {
        let kind = request.content_type();
        let is_form =
            kind.is_some_and(|kind| kind.trim_start().to_ascii_lowercase().starts_with("multipart/form-data"));
        if is_form {
            Ok(Self::Form(<Multipart as FromRequest>::from_request(request, body).await?))
        } else {
            Ok(Self::Raw(body.take()?, content_type(kind)))
        }
    }
}

/// A CSV file as the body of a request.
pub struct CsvFile(Vec<u8>);

impl std::fmt::Debug for CsvFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("CsvFile").field(&self.0.len()).finish()
    }
}

impl CsvFile {
    /// Its text, which must be UTF-8.
    pub fn text(self) -> stromtor_domain::Result<String> {
        String::from_utf8(self.0).map_err(|_| Error::invalid("/", "the file is not UTF-8"))
    }
}

impl<'a> ApiExtractor<'a> for CsvFile {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];
    type ParamType = ();
    type ParamRawType = ();

    fn request_meta() -> Option<MetaRequest> {
        let example = "kind,uid,status,label\nrfid,04:A2:B3:C4,active,Van 7\n";
        let schema = MetaSchema { example: Some(example.into()), ..MetaSchema::new("string") };
        Some(MetaRequest {
            description: Some("The file, whatever its content type."),
            content: vec![MetaMediaType { content_type: "text/csv", schema: MetaSchemaRef::Inline(Box::new(schema)) }],
            required: true,
        })
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _: ExtractParamOptions<Self::ParamType>,
    ) -> poem::Result<Self> {
        Ok(Self(<Vec<u8> as FromRequest>::from_request(request, body).await?))
    }
}
