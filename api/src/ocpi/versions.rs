//! Versions and their endpoints (OCPI 2.2.1 chapter 6).

use stromtor_ocpi::{
    v221::wire::versions::{Endpoint, InterfaceRole, Version, VersionDetails},
    values::Url,
};

use super::{
    VERSIONS,
    door::{Asked, Refusal, Reply},
};
use crate::state::App;

/// The modules that are served, each with our side of it.
const MODULES: [(&str, InterfaceRole); 6] = [
    ("cdrs", InterfaceRole::Sender),
    ("credentials", InterfaceRole::Sender),
    ("locations", InterfaceRole::Sender),
    ("sessions", InterfaceRole::Sender),
    ("tariffs", InterfaceRole::Sender),
    ("tokens", InterfaceRole::Receiver),
];

/// Where the details of a version are.
#[must_use]
pub fn details_url(app: &App, version: &str) -> String {
    format!("{}/ocpi/{version}", app.public_url)
}

pub fn list(app: &App, asked: &Asked) -> Result<Reply, Refusal> {
    asked.get()?;
    let of = |version: &str| Version { version: version.into(), url: Url::cut(&details_url(app, version)) };
    Reply::of(VERSIONS.map(of), app.now())
}

pub fn details(app: &App, asked: &Asked, version: &str) -> Result<Reply, Refusal> {
    asked.get()?;
    if !VERSIONS.contains(&version) {
        return Err(Refusal::not_found("this version is not spoken"));
    }
    let base = details_url(app, version);
    let endpoints = MODULES.map(|(module, role)| Endpoint {
        identifier: module.into(),
        role,
        url: Url::cut(&format!("{base}/{module}")),
    });
    Reply::of(VersionDetails { version: version.into(), endpoints: endpoints.into() }, app.now())
}
