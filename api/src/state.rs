//! What every handler and job holds.

use std::sync::Arc;

use arc_swap::ArcSwap;
use stromtor_domain::{
    Result, Timestamp,
    actor::{Actor, Permission},
    clock::SharedClock,
};
use stromtor_persistence::{db::Db, tx::Tx};
use tokio_util::sync::CancellationToken;

use crate::{
    app::ca::Ca,
    auth::{keys::KeyRing, oidc::Issuers},
    config::Config,
    limits::Limits,
    secrets::Secrets,
};

/// The running application. Cheap to clone.
pub type App = Arc<AppState>;

/// The parts of the running application.
#[derive(Debug)]
pub struct AppState {
    /// Configuration.
    pub config: Config,
    /// Where clients reach the API; issuer of tokens.
    pub public_url: String,
    /// The database.
    pub db: Db,
    /// Time and ids.
    pub clock: ClockHolder,
    /// The server's secret.
    pub secrets: Secrets,
    /// Files of stations, firmware images.
    pub files: crate::files::Files,
    /// Who signs stations' certificates.
    pub ca: Ca,
    /// Keys that sign access tokens; swapped when they rotate.
    pub keys: ArcSwap<KeyRing>,
    /// External issuers whose tokens are accepted.
    pub oidc: Issuers,
    /// What calls OCPI peers.
    pub ocpi: stromtor_ocpi::client::Client,
    /// Requests per actor.
    pub limits: Limits,
    /// This process, as commands to stations are routed.
    pub node: uuid::Uuid,
    /// The stations connected to this process.
    pub stations: stromtor_ocpp::route::Registry,
    /// Told when a command was given: somebody has to send it.
    pub commands_due: tokio::sync::Notify,
    /// Told when a command changed its state on this node.
    pub commands_changed: tokio::sync::Notify,
    /// Prometheus metrics, when this process records them.
    pub metrics: Option<Metrics>,
    /// Told when the process is to stop.
    pub cancel: CancellationToken,
}

/// The recorder behind `/metrics`, printable.
pub struct Metrics(pub metrics_exporter_prometheus::PrometheusHandle);

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metrics")
    }
}

impl Metrics {
    /// The text of `/metrics`.
    #[must_use]
    pub fn render(&self) -> String {
        self.0.render()
    }
}

/// A shared clock that can be printed.
pub struct ClockHolder(pub SharedClock);

impl std::fmt::Debug for ClockHolder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}

impl std::ops::Deref for ClockHolder {
    type Target = SharedClock;
    fn deref(&self) -> &SharedClock {
        &self.0
    }
}

impl AppState {
    /// Opens a transaction for an actor who holds the permission.
    pub async fn begin(&self, actor: &Actor, permission: Permission) -> Result<Tx> {
        self.db.begin(actor, permission).await
    }

    /// Now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
