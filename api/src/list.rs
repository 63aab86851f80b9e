//! Lists: a page as JSON, or everything that matches as CSV, streamed.

use futures_util::stream;
use poem::{
    Body, IntoResponse, Request, Response,
    http::{StatusCode, header},
};
use poem_openapi::{
    ApiResponse, Object,
    registry::{MetaHeader, MetaMediaType, MetaResponse, MetaResponses, MetaSchema, MetaSchemaRef, Registry},
    types::{ParseFromJSON, ToJSON, Type},
};
use serde::Serialize;
use serde_json::Value;
use stromtor_domain::{
    Error, Result,
    actor::{Actor, Permission},
    page::{MAX_LIMIT, Page, PageRequest},
};
use stromtor_persistence::listing::Listing;

use crate::{
    problem::{Answer, Failure},
    state::App,
};

/// One page of a list.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct List<T: ParseFromJSON + ToJSON + Type + Send + Sync> {
    /// The items.
    pub items: Vec<T>,
    /// Send it back as `cursor` to get the next page; absent on the last page.
    pub next_cursor: Option<String>,
}

/// A page, with a `Link` header to the next one; or with `Accept: text/csv` every row.
pub enum Listed<T> {
    /// One page as JSON.
    Page(Page<T>, Option<String>),
    /// Everything as CSV.
    Csv(Body),
}

/// Answers a list in the form that the request accepts. An export ignores `limit` and holds no transaction while it is
/// read: it fetches page after page.
pub async fn list<L>(
    app: &App,
    request: &Request,
    actor: &Actor,
    permission: Permission,
    listing: L,
    page: PageRequest,
) -> Answer<Listed<L::Row>>
where
    L: Listing,
    L::Row: Type + Serialize + Sync,
{
    let csv = accepts_csv(request);
    let wanted = if csv { PageRequest { limit: Some(MAX_LIMIT), ..page } } else { page };
    let first = fetch(app, actor, permission, &listing, &wanted).await?;
    if !csv {
        let link = first.next_cursor.as_deref().map(|cursor| next_link(request, cursor));
        return Ok(Listed::Page(first, link));
    }
    let columns = columns::<L::Row>();
    let head = rows_to_csv(&columns, &[] as &[L::Row], true).map_err(Failure)?;
    let (app, actor) = (app.clone(), actor.clone());
    let start = (Some(first), app, actor, listing, columns);
    let rest = stream::try_unfold(start, move |(page, app, actor, listing, columns)| async move {
        let Some(page) = page else { return Ok::<_, Error>(None) };
        let chunk = rows_to_csv(&columns, &page.items, false)?;
        let next = match page.next_cursor {
            Some(cursor) => {
                let wanted = PageRequest { limit: Some(MAX_LIMIT), cursor: Some(cursor) };
                Some(fetch(&app, &actor, permission, &listing, &wanted).await?)
            }
            None => None,
        };
        Ok(Some((chunk, (next, app, actor, listing, columns))))
    });
    let whole = futures_util::StreamExt::chain(stream::once(async move { Ok(head) }), rest);
    let whole = futures_util::TryStreamExt::map_err(whole, |error| std::io::Error::other(error.to_string()));
    Ok(Listed::Csv(Body::from_bytes_stream(whole)))
}

async fn fetch<L: Listing>(
    app: &App,
    actor: &Actor,
    permission: Permission,
    listing: &L,
    page: &PageRequest,
) -> Result<Page<L::Row>> {
    let mut tx = app.begin(actor, permission).await?;
    let page = listing.page(&mut tx, page).await?;
    tx.commit().await?;
    Ok(page)
}

fn accepts_csv(request: &Request) -> bool {
    let accept = request.header(header::ACCEPT).unwrap_or_default();
    accept
        .split(',')
        .any(|kind| kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("text/csv")))
}

/// The columns of a row's CSV: the properties of its schema in their order, flattened ones where they stand.
fn columns<T: Type>() -> Vec<String> {
    fn collect(schema: &MetaSchema, registry: &Registry, names: &mut Vec<String>) {
        for part in &schema.all_of {
            match part {
                MetaSchemaRef::Inline(schema) => collect(schema, registry, names),
                MetaSchemaRef::Reference(name) => {
                    if let Some(schema) = registry.schemas.get(name) {
                        collect(schema, registry, names);
                    }
                }
            }
        }
        names.extend(schema.properties.iter().map(|(name, _)| (*name).to_owned()));
    }
    let mut registry = Registry::new();
    T::register(&mut registry);
    let mut names = Vec::new();
    match T::schema_ref() {
        MetaSchemaRef::Inline(schema) => collect(&schema, &registry, &mut names),
        MetaSchemaRef::Reference(name) => {
            if let Some(schema) = registry.schemas.get(&name) {
                collect(schema, &registry, &mut names);
            }
        }
    }
    names
}

fn rows_to_csv<T: Serialize>(columns: &[String], rows: &[T], head: bool) -> Result<Vec<u8>> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    if head {
        writer.write_record(columns).map_err(Error::internal)?;
    }
    for row in rows {
        let row = serde_json::to_value(row).map_err(Error::internal)?;
        writer.write_record(columns.iter().map(|name| cell(&row[name.as_str()]))).map_err(Error::internal)?;
    }
    writer.into_inner().map_err(|error| Error::internal(error.to_string()))
}

/// A cell: scalars as they are, the rest as JSON. Text that a spreadsheet would take for a formula gets an apostrophe.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => {
            let number = text.parse::<rust_decimal::Decimal>().is_ok();
            if text.starts_with(['=', '+', '-', '@', '\t', '\r']) && !number {
                format!("'{text}")
            } else {
                text.clone()
            }
        }
        other => other.to_string(),
    }
}

fn next_link(request: &Request, cursor: &str) -> String {
    let uri = request.original_uri();
    let kept =
        uri.query().unwrap_or_default().split('&').filter(|part| !part.is_empty() && !part.starts_with("cursor="));
    let query: Vec<&str> = kept.collect();
    let separator = if query.is_empty() { "" } else { "&" };
    format!("<{}?{}{separator}cursor={cursor}>; rel=\"next\"", uri.path(), query.join("&"))
}

impl<T: ParseFromJSON + ToJSON + Type + Send + Sync> IntoResponse for Listed<T> {
    fn into_response(self) -> Response {
        match self {
            Self::Page(page, link) => {
                let list = List { items: page.items, next_cursor: page.next_cursor };
                let body = list.to_json_string();
                let mut response = Response::builder()
                    .status(StatusCode::OK)
                    .content_type("application/json; charset=utf-8")
                    .body(body);
                if let Some(link) = link.and_then(|link| link.parse().ok()) {
                    response.headers_mut().insert(header::LINK, link);
                }
                response
            }
            Self::Csv(body) => Response::builder().content_type("text/csv; charset=utf-8").body(body),
        }
    }
}

impl<T: ParseFromJSON + ToJSON + Type + Send + Sync> ApiResponse for Listed<T> {
    fn meta() -> MetaResponses {
        let media = |content_type, schema| MetaMediaType { content_type, schema };
        MetaResponses {
            responses: vec![MetaResponse {
                description: "One page; or with `Accept: text/csv` every row that matches, streamed.",
                status: Some(200),
                status_range: None,
                content: vec![
                    media("application/json; charset=utf-8", List::<T>::schema_ref()),
                    media("text/csv", MetaSchemaRef::Inline(Box::new(MetaSchema::new("string")))),
                ],
                headers: vec![MetaHeader {
                    name: "Link".into(),
                    description: Some("The next page, `<…>; rel=\"next\"` (RFC 8288); absent on the last one.".into()),
                    required: false,
                    deprecated: false,
                    schema: String::schema_ref(),
                }],
            }],
        }
    }

    fn register(registry: &mut Registry) {
        List::<T>::register(registry);
    }
}
