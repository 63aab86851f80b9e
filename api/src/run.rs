//! Starting and stopping the process.
#![allow(clippy::print_stdout, reason = "the owner's password is printed once, and the demo says what to look at")]

use std::{sync::Arc, time::Duration};

use poem::{
    EndpointExt as _,
    listener::{Acceptor as _, TcpAcceptor},
};
use stromtor_domain::Error;
use stromtor_ocpp::{
    server::{Door, Settings},
    tls::{KeyFiles, Tls, TlsFiles},
};
use stromtor_persistence::{
    clock::SystemClock, command::COMMAND_CHANNEL, db::Urls, embedded::Embedded, listen::Listener, migrate,
    network::connection::CONNECTION_CHANNEL,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing_subscriber::EnvFilter;

use crate::{
    app::{bootstrap, charge::Charge, command, connection, cost, local_list},
    config::{Config, Log, LogFormat, ServerCertificate, TlsListener},
    demo, jobs, service,
    state::{App, Metrics},
};

/// What a process does. Several with roles of their own may share one database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Everything.
    All,
    /// Everything, with demo data and simulated stations.
    Demo,
    /// The REST API.
    Api,
    /// The OCPP gateway. Several may share its port.
    Gateway,
    /// Jobs and deliveries.
    Worker,
}

impl Role {
    const fn is_api(self) -> bool {
        matches!(self, Self::All | Self::Demo | Self::Api)
    }

    const fn is_gateway(self) -> bool {
        matches!(self, Self::All | Self::Demo | Self::Gateway)
    }

    const fn is_worker(self) -> bool {
        matches!(self, Self::All | Self::Demo | Self::Worker)
    }
}

/// Sends the log to standard error, JSON or for people.
pub fn start_logging(log: &Log) {
    let filter = EnvFilter::try_new(&log.filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second start in one process keeps the first subscriber.
    let _ = match log.format {
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
        LogFormat::Pretty => builder.try_init(),
    };
}

/// The configured database, or the embedded one.
async fn database(config: &Config) -> Result<(Urls, Option<Embedded>), String> {
    if let Some(urls) = bootstrap::configured_urls(&config.database) {
        return Ok((urls, None));
    }
    let embedded = Embedded::start(&config.storage.data_dir).await.map_err(|error| error.to_string())?;
    Ok((embedded.urls("stromtor"), Some(embedded)))
}

/// Brings the database up to date.
pub async fn migrate(config: Config) -> Result<(), String> {
    let (urls, embedded) = database(&config).await?;
    let done = migrate::run(&urls.owner).await.map_err(|error| say(&error));
    if let Some(embedded) = embedded {
        embedded.stop().await;
    }
    for name in done? {
        println!("{name}");
    }
    Ok(())
}

/// Serves until SIGINT or SIGTERM, then ends in order: no new requests, running ones finish, then the database.
pub async fn serve(config: Config, role: Role) -> Result<(), String> {
    allow_many_connections();
    let (urls, embedded) = database(&config).await?;
    let stop = CancellationToken::new();
    let data_dir = config.storage.data_dir.clone();
    let keeper = embedded.map(|embedded| tokio::spawn(embedded.keep(data_dir, stop.clone())));
    let served = serve_on(config, urls, role).await;
    stop.cancel();
    if let Some(keeper) = keeper {
        let _ = keeper.await;
    }
    served
}

async fn serve_on(mut config: Config, urls: Urls, role: Role) -> Result<(), String> {
    let ran = migrate::run(&urls.owner).await.map_err(|error| say(&error))?;
    if !ran.is_empty() {
        tracing::info!(migrations = ran.len(), "database brought up to date");
    }
    let metrics = metrics_exporter_prometheus::PrometheusBuilder::new()
        .set_buckets(&[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0])
        .and_then(metrics_exporter_prometheus::PrometheusBuilder::install_recorder)
        .map_err(|error| error.to_string())?;
    let listener = tokio::net::TcpListener::bind(config.server.listen)
        .await
        .map_err(|error| format!("{}: {error}", config.server.listen))?;
    config.server.listen = listener.local_addr().map_err(|error| error.to_string())?;
    let mut doors = Vec::new();
    if role.is_gateway() {
        let stations = stromtor_ocpp::server::listen(config.ocpp.listen)
            .map_err(|error| format!("{}: {error}", config.ocpp.listen))?;
        config.ocpp.listen = stations.local_addr().map_err(|error| error.to_string())?;
        doors.push(Door::from(stations));
    }
    let grace = Duration::from_secs(config.server.shutdown_grace_s);
    let app = bootstrap::assemble(config, urls, SystemClock::shared(), Some(Metrics(metrics)))
        .await
        .map_err(|error| say(&error))?;
    jobs::housekeep(&app).await.map_err(|error| say(&error))?;
    if let Some(owner) = bootstrap::first_start(&app).await.map_err(|error| say(&error))? {
        println!("The platform's owner was made. It is shown this once: {} {}", owner.email, owner.password);
    }
    let tasks = TaskTracker::new();
    jobs::start(&app, &tasks, role.is_worker());
    let acceptor = TcpAcceptor::from_tokio(listener).map_err(|error| error.to_string())?;
    tracing::info!(api = %acceptor.local_addr().first().map(ToString::to_string).unwrap_or_default(), "serving");
    if role.is_gateway() {
        tracing::info!(ocpp = %app.config.ocpp.listen, "stations connect here");
        // After our own CA is there: a listener may name it.
        for listener in &app.config.ocpp.tls {
            doors.push(tls_door(listener)?);
            tracing::info!(ocpp = %listener.listen, "stations connect here with TLS");
        }
        gateway(&app, doors, &tasks);
    }
    if role == Role::Demo {
        demo::start(&app, &tasks).await.map_err(|error| say(&error))?;
    }
    let cancelled = app.cancel.clone();
    let stopping = app.clone();
    tokio::spawn(async move {
        stop_signal().await;
        tracing::info!("stopping");
        stopping.cancel.cancel();
    });
    let endpoint = if role.is_api() { service::build(app.clone()).boxed() } else { service::probes(&app).boxed() };
    poem::Server::new_with_acceptor(acceptor)
        .run_with_graceful_shutdown(endpoint, async move { cancelled.cancelled().await }, Some(grace))
        .await
        .map_err(|error| error.to_string())?;
    finish(&app, tasks, grace).await;
    Ok(())
}

/// As many open files as this process may have: a connection is one.
fn allow_many_connections() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE)
        && soft < hard
        && let Err(error) = setrlimit(Resource::RLIMIT_NOFILE, hard, hard)
    {
        tracing::warn!(%error, soft, "the limit of open files stays as it is");
    }
}

/// Opens a configured listener with TLS.
pub fn tls_door(config: &TlsListener) -> Result<Door, String> {
    let say = |error: &dyn std::fmt::Display| format!("[[ocpp.tls]] {}: {error}", config.listen);
    let pair = |pair: &ServerCertificate| KeyFiles { chain: pair.chain.clone(), key: pair.key.clone() };
    let files = TlsFiles {
        certificates: config.certificates.iter().map(pair).collect(),
        client_ca: config.client_ca.clone(),
        client_crl: config.client_crl.clone(),
        require_client_certificate: config.require_client_certificate,
    };
    let tls = Tls::load(files).map_err(|error| say(&error))?;
    let listener = stromtor_ocpp::server::listen(config.listen).map_err(|error| say(&error))?;
    Ok(Door::tls(listener, Arc::new(tls)))
}

/// Takes stations in until the process stops.
pub fn gateway(app: &App, doors: Vec<Door>, tasks: &TaskTracker) {
    let config = &app.config.ocpp;
    let settings = Settings {
        ping_interval: Duration::from_secs(config.ping_interval_s),
        idle_timeout: Duration::from_secs(config.idle_timeout_s),
        heartbeat_interval: Duration::from_secs(config.heartbeat_interval_s.into()),
        max_frame: config.max_frame_bytes,
        call_queue: config.call_queue,
        messages_per_second: config.messages_per_second,
        ..Settings::default()
    };
    let charge = Arc::new(Charge::start(app, tasks));
    let registry = app.stations.clone();
    let (writer, backend) = (charge.clone(), charge);
    let (stop, connected) = (app.cancel.child_token(), registry.clone());
    tasks.spawn(async move {
        stromtor_ocpp::server::serve(doors, backend.clone(), connected, settings, stop).await;
        // What the last connections said is written too.
        let _ = backend.flush().await;
    });
    tasks.spawn(async move { writer.write_behind().await });
    tasks.spawn(live(app.clone()));
    // Of its own: what happens on other nodes reaches this one whatever else runs here.
    let listener =
        Listener::spawn(app.db.urls().worker.clone(), &[COMMAND_CHANNEL, CONNECTION_CHANNEL], app.cancel.child_token());
    tasks.spawn(connection::watch(app.clone(), listener.clone()));
    tasks.spawn(command::wake(app.clone(), listener));
    tasks.spawn(command::dispatch(app.clone()));
    tasks.spawn(local_list::run(app.clone()));
    tasks.spawn(cost::run(app.clone()));
}

/// Tells the others that this process lives, and ends the connections of those that do not.
async fn live(app: App) {
    while !app.cancel.is_cancelled() {
        if let Err(error) = connection::live(&app).await {
            tracing::warn!(%error, "cannot tell that this process lives");
        }
        tokio::select! {
            () = app.cancel.cancelled() => return,
            () = tokio::time::sleep(Duration::from_secs(5)) => {}
        }
    }
}

async fn finish(app: &App, tasks: TaskTracker, grace: Duration) {
    app.cancel.cancel();
    tasks.close();
    if tokio::time::timeout(grace, tasks.wait()).await.is_err() {
        tracing::warn!("some work did not end in time");
    }
    app.db.close();
}

async fn stop_signal() {
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        () = terminate => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

/// An error with its cause, for the terminal of those who run the process.
fn say(error: &Error) -> String {
    match error {
        Error::Internal(cause) | Error::Unavailable(cause) => format!("{error}: {cause}"),
        other => other.to_string(),
    }
}
