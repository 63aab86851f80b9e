//! The REST API, one file per resource, thin: a handler opens a transaction, calls one function, answers.

pub mod network;

use poem_openapi::{OpenApiService, Tags};

use crate::state::App;

/// The parts of the API, as the reference page groups them.
#[derive(Tags)]
pub enum Tag {
    /// Sites with an address and coordinates, holding stations.
    Locations,
}

/// Every operation.
pub type Api = network::location::LocationApi;

/// The API as a service; its document is `spec()` run through `openapi::normalise`.
#[must_use]
pub fn service(app: &App) -> OpenApiService<Api, ()> {
    OpenApiService::new(network::location::LocationApi(app.clone()), "Stromtor", env!("CARGO_PKG_VERSION"))
        .description("The backend of a charge point operator's network.")
        .url_prefix("")
}
