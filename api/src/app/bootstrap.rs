//! From a configuration to a running application: database, migrations, keys, the platform and its owner.

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use stromtor_domain::{
    Error, Result,
    clock::SharedClock,
    tenancy::partner::PartnerId,
    values::{Email, Name},
};
use stromtor_ocpi::{address::Addresses, client::Client};
use stromtor_persistence::{
    clock::SystemClock,
    db::{Db, PoolSizes, Urls},
    tenancy::bootstrap,
};
use tokio_util::sync::CancellationToken;

use crate::{
    app::{ca::Ca, keys},
    auth::{oidc::Issuers, password},
    config::{Config, Database},
    files::Files,
    limits::Limits,
    secrets::Secrets,
    state::{App, AppState, ClockHolder, Metrics},
};

/// The owner of the platform as the first start makes it; its password is printed once.
#[derive(Debug)]
pub struct FirstOwner {
    /// Log-in name.
    pub email: String,
    /// Password.
    pub password: String,
}

/// URLs of the configured database; `None` for the embedded one.
#[must_use]
pub fn configured_urls(database: &Database) -> Option<Urls> {
    if database.url.is_empty() {
        return None;
    }
    let or_role = |url: &str, role: &str| {
        if url.is_empty() { with_user(&database.url, role) } else { url.to_owned() }
    };
    Some(Urls {
        owner: or_role(&database.owner_url, "stromtor_owner"),
        request: database.url.clone(),
        ingest: or_role(&database.ingest_url, "stromtor_ingest"),
        worker: or_role(&database.worker_url, "stromtor_worker"),
    })
}

/// The same URL for another user, with the same password.
fn with_user(url: &str, user: &str) -> String {
    match url.split_once("://").and_then(|(scheme, rest)| rest.split_once('@').map(|(who, at)| (scheme, who, at))) {
        Some((scheme, who, at)) => {
            let password = who.split_once(':').map_or(String::new(), |(_, password)| format!(":{password}"));
            format!("{scheme}://{user}{password}@{at}")
        }
        // A key-value string: the last `user` counts.
        None => format!("{url} user='{user}'"),
    }
}

/// Puts the application together on a migrated database.
pub async fn assemble(config: Config, urls: Urls, clock: SharedClock, metrics: Option<Metrics>) -> Result<App> {
    let sizes = PoolSizes {
        request: config.database.request_pool,
        ingest: config.database.ingest_pool,
        worker: config.database.worker_pool,
        wait: Duration::from_secs(config.database.wait_s),
    };
    let db = Db::new(urls, sizes, clock.clone())?;
    let secrets = Secrets::load(&config.secrets.key, &config.storage.data_dir)?;
    let keys = keys::load(&db, &secrets, &clock).await?;
    let ca = Ca::load(&config.ca, &config.storage.data_dir, &clock)?;
    Ok(Arc::new(AppState {
        files: Files::open(&config.files, &config.storage.data_dir)?,
        public_url: config.public_url(),
        oidc: Issuers::new(config.auth.oidc.clone())?,
        ocpi: ocpi(&config)?,
        limits: Limits::new(config.server.requests_per_minute),
        metrics,
        cancel: CancellationToken::new(),
        node: clock.id(),
        commands_due: tokio::sync::Notify::new(),
        commands_changed: tokio::sync::Notify::new(),
        stations: stromtor_ocpp::route::Registry::default(),
        config,
        db,
        clock: ClockHolder(clock),
        secrets,
        ca,
        keys: ArcSwap::from_pointee(keys),
    }))
}

fn ocpi(config: &Config) -> Result<Client> {
    let addresses = Addresses { allow_http: config.ocpi.allow_http, allow_private: config.ocpi.allow_private };
    Client::new(addresses, Duration::from_secs(config.ocpi.timeout_s)).map_err(Error::internal)
}

/// An application that is connected to nothing: enough to describe itself.
pub fn offline() -> Result<App> {
    let config = Config::load(None).map_err(Error::internal)?;
    let clock = SystemClock::shared();
    let urls = Urls { owner: String::new(), request: String::new(), ingest: String::new(), worker: String::new() };
    Ok(Arc::new(AppState {
        files: Files::in_memory(),
        public_url: config.public_url(),
        oidc: Issuers::new(Vec::new())?,
        ocpi: ocpi(&config)?,
        limits: Limits::new(1),
        metrics: None,
        cancel: CancellationToken::new(),
        node: clock.id(),
        commands_due: tokio::sync::Notify::new(),
        commands_changed: tokio::sync::Notify::new(),
        stations: stromtor_ocpp::route::Registry::default(),
        db: Db::new(urls, PoolSizes::default(), clock.clone())?,
        secrets: Secrets::new(&[0; 32])?,
        ca: Ca::nobody(),
        keys: ArcSwap::default(),
        clock: ClockHolder(clock),
        config,
    }))
}

/// Makes the platform and its owner, unless they exist.
pub async fn first_start(app: &App) -> Result<Option<FirstOwner>> {
    let mut tx = app.db.begin_worker().await?;
    if bootstrap::platform(&mut tx).await?.is_some() {
        tx.commit().await?;
        return Ok(None);
    }
    let owner = FirstOwner { email: "owner@localhost.localdomain".into(), password: app.secrets.random_token()? };
    let hash = password::hash(owner.password.clone()).await?;
    let invalid = |message: String| Error::internal(message);
    let id = bootstrap::create_platform(&mut tx, Name::parse("Platform").map_err(invalid)?).await?;
    bootstrap::create_owner(&mut tx, id, Email::parse(&owner.email).map_err(invalid)?, hash).await?;
    tx.commit().await?;
    Ok(Some(owner))
}

/// The platform partner; it exists after [`first_start`].
pub async fn platform(app: &App) -> Result<PartnerId> {
    let mut tx = app.db.begin_worker().await?;
    let id = bootstrap::platform(&mut tx).await?;
    tx.commit().await?;
    id.ok_or_else(|| Error::internal("no platform partner"))
}
