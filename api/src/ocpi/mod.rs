//! What OCPI peers call: `/ocpi/versions`, `/ocpi/2.2.1/…`. Errors are OCPI's own (OCPI 2.2.1 chapter 5), not problem documents.

mod credentials;
mod door;
mod drives;
mod locations;
pub(crate) mod log;
mod tariffs;
mod tokens;
mod versions;

pub use versions::details_url;

use poem::{Request, Response};

use crate::{ocpi::door::Asked, state::App};

/// Versions that are spoken; their wire is the same.
pub const VERSIONS: [&str; 2] = ["2.2.1", "2.2"];

/// Where peers find our versions.
#[must_use]
pub fn versions_url(app: &App) -> String {
    format!("{}/ocpi/versions", app.public_url)
}

/// Whether a path is a peer's.
#[must_use]
pub fn is_ours(path: &str) -> bool {
    path.starts_with("/ocpi/")
}

/// One call of a peer.
pub async fn handle(app: &App, request: Request) -> Response {
    door::answer(app, request, dispatch).await
}

async fn dispatch(app: App, asked: Asked) -> Result<door::Reply, door::Refusal> {
    let segments: Vec<&str> = asked.path.iter().map(String::as_str).collect();
    match segments.as_slice() {
        ["versions"] => versions::list(&app, &asked),
        [version] => versions::details(&app, &asked, version),
        [version, rest @ ..] if VERSIONS.contains(version) => match rest {
            ["credentials"] => credentials::call(&app, &asked, version).await,
            ["locations", rest @ ..] if rest.len() <= 3 => locations::call(&app, &asked, rest).await,
            ["sessions"] => drives::sessions(&app, &asked).await,
            ["cdrs"] => drives::cdrs(&app, &asked).await,
            ["tariffs"] => tariffs::call(&app, &asked).await,
            ["tokens", country, party, uid] => tokens::call(&app, &asked, country, party, uid).await,
            _ => Err(door::Refusal::not_found("there is nothing here")),
        },
        _ => Err(door::Refusal::not_found("there is nothing here")),
    }
}
