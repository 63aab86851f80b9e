//! The harness: a private database per test, the application on free ports, actors, and a clock that can be moved.

mod actor;
mod clock;
mod http;
pub mod postgres;

pub use actor::Client;
pub use http::Reply;

use std::sync::Arc;

use stromtor_api::{app::bootstrap, config::Config, service, state::App};
use stromtor_domain::{
    actor::{Actor, ActorKind, Permission},
    network::location::LocationId,
    tenancy::partner::PartnerId,
};
use stromtor_persistence::db::Urls;
use uuid::Uuid;

pub use clock::TestClock;

/// One running application with a database of its own.
pub struct World {
    pub app: App,
    pub clock: Arc<TestClock>,
    pub base: String,
    pub urls: Urls,
    pub platform: PartnerId,
    server: tokio::task::JoinHandle<()>,
    _folder: tempfile::TempDir,
}

impl World {
    /// With the default configuration.
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// With a changed configuration.
    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let urls = postgres::database().await;
        let mut config = Config::load(None).unwrap();
        config.storage.data_dir = folder.path().to_owned();
        config.database.request_pool = 6;
        config.database.ingest_pool = 4;
        config.database.worker_pool = 4;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        config.server.listen = listener.local_addr().unwrap();
        change(&mut config);
        let clock = Arc::new(TestClock::default());
        let app = bootstrap::assemble(config, urls.clone(), clock.clone(), None).await.unwrap();
        bootstrap::first_start(&app).await.unwrap();
        let platform = bootstrap::platform(&app).await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let acceptor = poem::listener::TcpAcceptor::from_tokio(listener).unwrap();
        let endpoint = service::build(app.clone());
        let server = tokio::spawn(async move {
            let _ = poem::Server::new_with_acceptor(acceptor).run(endpoint).await;
        });
        Self { app, clock, base, urls, platform, server, _folder: folder }
    }

    /// A client with a token that holds `permissions` at `partner`.
    pub fn client(&self, partner: PartnerId, permissions: &[Permission]) -> Client {
        self.client_at(partner, permissions, None)
    }

    /// The same, limited to some locations.
    pub fn client_at(
        &self,
        partner: PartnerId,
        permissions: &[Permission],
        locations: Option<Vec<LocationId>>,
    ) -> Client {
        let actor = Actor {
            kind: ActorKind::User,
            id: Uuid::from_u128(0x51),
            name: "test".into(),
            partner_id: partner,
            platform: partner == self.platform,
            permissions: permissions.iter().copied().collect(),
            locations,
            ip: None,
            request_id: None,
        };
        let token = stromtor_api::auth::token::issue(
            &self.app.keys.load(),
            &self.app.public_url,
            &actor,
            Uuid::from_u128(1),
            self.app.now(),
            // Tests move the clock by days.
            30 * 86_400,
        )
        .unwrap();
        Client::new(&self.base, Some(token))
    }

    /// A client of the platform that may do everything.
    pub fn root(&self) -> Client {
        self.client(self.platform, Permission::ALL)
    }

    /// A client without a token.
    pub fn anonymous(&self) -> Client {
        Client::new(&self.base, None)
    }

    /// A new partner below the platform, made by SQL so that it depends on no operation under test.
    pub async fn partner(&self, name: &str, kind: &str) -> PartnerId {
        self.partner_below(self.platform, name, kind).await
    }

    /// A new partner below another.
    pub async fn partner_below(&self, parent: PartnerId, name: &str, kind: &str) -> PartnerId {
        let id = uuid::Uuid::from_u128(u128::from(self.clock.next()));
        self.sql(&format!(
            "insert into partner (id, parent_id, name, kind, metadata, created_at, updated_at) \
             values ('{id}', '{parent}', '{name}', '{kind}', '{{}}', now(), now())"
        ))
        .await;
        PartnerId(id)
    }

    /// Opens the gateway; returns its URL.
    pub fn gateway(&self) -> String {
        let listener = stromtor_ocpp::server::listen("127.0.0.1:0".parse().unwrap()).unwrap();
        let url = format!("ws://{}", listener.local_addr().unwrap());
        stromtor_api::run::gateway(&self.app, vec![listener.into()], &tokio_util::task::TaskTracker::new());
        url
    }

    /// Opens the gateway with TLS listeners too; returns the plain one's URL and the others' addresses.
    pub fn gateways(&self, listeners: &[stromtor_api::config::TlsListener]) -> (String, Vec<std::net::SocketAddr>) {
        let listener = stromtor_ocpp::server::listen("127.0.0.1:0".parse().unwrap()).unwrap();
        let url = format!("ws://{}", listener.local_addr().unwrap());
        let mut doors = vec![stromtor_ocpp::server::Door::from(listener)];
        doors.extend(listeners.iter().map(|listener| stromtor_api::run::tls_door(listener).unwrap()));
        let addresses = doors.iter().skip(1).map(|door| door.address().unwrap()).collect();
        stromtor_api::run::gateway(&self.app, doors, &tokio_util::task::TaskTracker::new());
        (url, addresses)
    }

    /// The rows of a query with one text column, as the owner of the tables.
    pub async fn texts(&self, query: &str) -> Vec<String> {
        use diesel_async::{AsyncConnection as _, RunQueryDsl as _};
        #[derive(diesel::QueryableByName)]
        struct Text {
            #[diesel(sql_type = diesel::sql_types::Text)]
            value: String,
        }
        let mut conn = diesel_async::AsyncPgConnection::establish(&self.urls.owner).await.unwrap();
        let rows: Vec<Text> = diesel::sql_query(query).load(&mut conn).await.unwrap();
        rows.into_iter().map(|row| row.value).collect()
    }

    /// A statement as the owner of the tables.
    pub async fn sql(&self, statement: &str) {
        use diesel_async::{AsyncConnection as _, SimpleAsyncConnection as _};
        let mut conn = diesel_async::AsyncPgConnection::establish(&self.urls.owner).await.unwrap();
        conn.batch_execute(statement).await.unwrap();
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.app.cancel.cancel();
        self.server.abort();
        self.app.db.close();
    }
}
