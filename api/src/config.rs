//! Configuration: the compiled-in, commented default, then a file, then environment variables.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf};

use figment::{
    Figment,
    providers::{Env, Format as _, Toml},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stromtor_domain::{money::Percent, network::evse_prefix::UrlPattern, values::CountryCode};

/// The default, which is also the reference: every key with its meaning.
pub const DEFAULT: &str = include_str!("config.default.toml");

/// The whole configuration. Every key is explained in `config.default.toml`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The REST API.
    pub server: Server,
    /// The OCPP gateway.
    pub ocpp: Ocpp,
    /// Plug & Charge.
    pub iso15118: Iso15118,
    /// The CA of stations' certificates.
    pub ca: Ca,
    /// PostgreSQL.
    pub database: Database,
    /// Files.
    pub storage: Storage,
    /// Files to and from stations.
    pub files: FileConfig,
    /// Keys.
    pub secrets: SecretConfig,
    /// Log-in and tokens.
    pub auth: Auth,
    /// Outgoing mail.
    pub mail: Mail,
    /// Logging.
    pub log: Log,
    /// Charging sessions.
    pub session: Session,
    /// How long things are kept.
    pub retention: Retention,
    /// Prices and taxes.
    pub billing: Billing,
    /// Stickers of charge points.
    pub sticker: Sticker,
    /// Roaming over OCPI.
    pub ocpi: Ocpi,
}

/// Roaming over OCPI.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ocpi {
    /// Whether peers may be called over plain HTTP.
    pub allow_http: bool,
    /// Whether peers may have addresses of private networks and of this machine.
    pub allow_private: bool,
    /// How long an answer of a peer is waited for, seconds.
    pub timeout_s: u64,
}

/// The REST API.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Address and port.
    pub listen: SocketAddr,
    /// Address as clients see it; empty for the one made from `listen`.
    pub public_url: String,
    /// Largest body, bytes.
    pub body_limit: usize,
    /// Origins that browsers may call from.
    pub cors_origins: Vec<String>,
    /// Requests per minute and actor.
    pub requests_per_minute: u32,
    /// Grace at shutdown, seconds.
    pub shutdown_grace_s: u64,
}

/// The OCPP gateway.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ocpp {
    /// Address and port.
    pub listen: SocketAddr,
    /// Interval told at boot, seconds.
    pub heartbeat_interval_s: u32,
    /// WebSocket ping interval, seconds; 0 for none.
    pub ping_interval_s: u64,
    /// Silence after which a connection is dead, seconds; two and a half heartbeats for one that answers no pings.
    pub idle_timeout_s: u64,
    /// Largest frame, bytes.
    pub max_frame_bytes: usize,
    /// Time for an answer, seconds.
    pub call_timeout_s: u64,
    /// Calls waiting per station.
    pub call_queue: usize,
    /// Messages per second and station in the long run.
    pub messages_per_second: u32,
    /// Workers that write what stations report.
    pub ingest_shards: usize,
    /// Listeners with TLS.
    pub tls: Vec<TlsListener>,
}

/// A listener with TLS.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TlsListener {
    /// Address and port.
    pub listen: SocketAddr,
    /// Server certificates: one, or one ECDSA and one RSA.
    pub certificates: Vec<ServerCertificate>,
    /// PEM file with the CAs of client certificates; absent: none is asked for.
    #[serde(default)]
    pub client_ca: Option<PathBuf>,
    /// PEM files with revocation lists.
    #[serde(default)]
    pub client_crl: Vec<PathBuf>,
    /// Whether a station without a certificate is refused in the handshake.
    #[serde(default)]
    pub require_client_certificate: bool,
}

/// A server certificate with its key.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServerCertificate {
    /// PEM file: the certificate, then those that signed it.
    pub chain: PathBuf,
    /// PEM file: its private key.
    pub key: PathBuf,
}

/// The CA of stations' certificates.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ca {
    /// PEM file; empty for one that is made at first start.
    pub certificate: PathBuf,
    /// PEM file.
    pub key: PathBuf,
    /// Days.
    pub validity_days: u32,
    /// URL of an external CA; empty for our own.
    pub hook_url: String,
}

impl std::fmt::Debug for Ca {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The URL may hold a password.
        f.debug_struct("Ca").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}

/// Plug & Charge.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Iso15118 {
    /// Where questions about cars' certificates go; empty for nowhere.
    pub upstream_url: String,
}

/// PostgreSQL.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// URL of the request role; empty for the embedded PostgreSQL.
    pub url: String,
    /// URL of the tables' owner.
    pub owner_url: String,
    /// URL of the ingest role.
    pub ingest_url: String,
    /// URL of the worker role.
    pub worker_url: String,
    /// Connections of the request role.
    pub request_pool: usize,
    /// Connections of the ingest role.
    pub ingest_pool: usize,
    /// Connections of the worker role.
    pub worker_pool: usize,
    /// Wait for a connection, seconds.
    pub wait_s: u64,
}

/// Files.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Storage {
    /// Folder of everything on disk.
    pub data_dir: PathBuf,
}

/// Files to and from stations.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileConfig {
    /// The object store; empty for a folder.
    pub url: String,
    /// Largest file, bytes.
    pub max_upload_bytes: u64,
    /// Address as stations see it; empty for `server.public_url`.
    pub station_url: String,
    /// Hours that a station has for a transfer.
    pub token_ttl_h: u32,
    /// Options of the object store.
    pub options: BTreeMap<String, String>,
}

impl std::fmt::Debug for FileConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The options hold keys.
        f.debug_struct("FileConfig").field("station_url", &self.station_url).finish_non_exhaustive()
    }
}

/// Keys.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecretConfig {
    /// 32 bytes in hexadecimal; empty for a file in the data folder.
    pub key: String,
}

impl std::fmt::Debug for SecretConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretConfig")
    }
}

/// Log-in and tokens.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Auth {
    /// Seconds.
    pub access_token_ttl_s: u32,
    /// Seconds.
    pub refresh_token_ttl_s: u32,
    /// Hours.
    pub invitation_ttl_h: u32,
    /// Minutes.
    pub password_reset_ttl_min: u32,
    /// Days.
    pub key_rotation_days: u32,
    /// External issuers.
    pub oidc: Vec<OidcIssuer>,
}

/// An external OpenID Connect issuer.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OidcIssuer {
    /// `iss` of its tokens.
    pub issuer: String,
    /// `aud` they must carry.
    pub audience: String,
    /// Where its keys are; empty for discovery.
    #[serde(default)]
    pub jwks_url: String,
}

/// Outgoing mail.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// SMTP server; empty for a local folder.
    pub smtp_url: String,
    /// Sender.
    pub from: String,
}

impl std::fmt::Debug for Mail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The URL holds a password.
        f.debug_struct("Mail").field("from", &self.from).finish_non_exhaustive()
    }
}

/// Logging.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// tracing EnvFilter.
    pub filter: String,
    /// Form.
    pub format: LogFormat,
}

/// Form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Pretty,
}

/// Charging sessions.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Session {
    /// Grace for late meter values, seconds.
    pub late_value_grace_s: u32,
    /// Clock difference that is believed, seconds.
    pub clock_tolerance_s: u32,
    /// Wait for a missing end, seconds.
    pub missing_stop_grace_s: u32,
    /// Whether a token charges at one place at a time.
    pub one_session_per_token: bool,
    /// Hours of silence after which a session ends when its connector is free or its station gone.
    pub silent_end_h: u32,
    /// Hours of silence after which any session ends.
    pub abandoned_end_h: u32,
}

/// How long things are kept.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    /// Days.
    pub ocpp_message_days: u32,
    /// Days.
    pub authorization_days: u32,
    /// Days.
    pub event_days: u32,
    /// Days.
    pub command_days: u32,
    /// Days.
    pub job_days: u32,
    /// Days.
    pub station_file_days: u32,
    /// Days.
    pub log_request_days: u32,
    /// Days.
    pub firmware_days: u32,
}

/// Prices and taxes.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Billing {
    /// Seconds between messages of what a running session costs; 0 for none.
    pub cost_update_s: u32,
    /// VAT in percent by country.
    #[schemars(with = "BTreeMap<String, Percent>")]
    pub vat: BTreeMap<CountryCode, Percent>,
}

/// Stickers of charge points.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sticker {
    /// What QR codes hold; empty for the EVSE-ID alone.
    #[serde(deserialize_with = "unless_empty")]
    #[schemars(with = "String")]
    pub url_pattern: Option<UrlPattern>,
}

fn unless_empty<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<UrlPattern>, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() { Ok(None) } else { UrlPattern::parse(&text).map(Some).map_err(serde::de::Error::custom) }
}

impl Config {
    /// Default, then `file`, then environment variables `STROMTOR_<SECTION>__<KEY>`.
    pub fn load(file: Option<&std::path::Path>) -> Result<Self, Box<figment::Error>> {
        let mut figment = Figment::from(Toml::string(DEFAULT));
        if let Some(file) = file {
            figment = figment.merge(Toml::file_exact(file));
        }
        figment.merge(Env::prefixed("STROMTOR_").ignore(&["config"]).split("__")).extract().map_err(Box::new)
    }

    /// The JSON schema of the configuration.
    #[must_use]
    pub fn schema() -> serde_json::Value {
        schemars::schema_for!(Self).to_value()
    }

    /// Where clients reach the API, without a slash at the end.
    #[must_use]
    pub fn public_url(&self) -> String {
        if self.server.public_url.is_empty() {
            format!("http://{}", self.server.listen)
        } else {
            self.server.public_url.trim_end_matches('/').to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_complete() {
        let config = Config::load(None).expect("the compiled-in default holds every key");
        assert_eq!(config.server.listen.port(), 8080);
    }
}
