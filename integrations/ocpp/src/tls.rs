//! TLS for stations: certificates, the CA of client certificates and revocation lists, read anew while we run.
//!
//! OCPP security whitepaper ed. 2 section 3 (profiles 2 and 3); OCPP 2.0.1 block A. TLS 1.2 and 1.3 by rustls, which offers
//! ECDHE suites alone: a station that can only do TLS_RSA_* needs a TLS proxy in front.

use std::{
    fmt,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use arc_swap::ArcSwap;
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        self, RootCertStore, ServerConfig,
        crypto::{CryptoProvider, aws_lc_rs},
        pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer, pem::PemObject as _},
        server::{ClientHello, NoServerSessionStorage, ResolvesServerCert, WebPkiClientVerifier},
        sign::CertifiedKey,
    },
};
use tokio_util::sync::CancellationToken;

use crate::backend::{ClientCertificate, Transport};

/// How often the files are looked at.
pub const LOOK_EVERY: Duration = Duration::from_secs(10);

/// A server certificate with its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFiles {
    /// PEM: the server's certificate, then those that signed it.
    pub chain: PathBuf,
    /// PEM: its private key.
    pub key: PathBuf,
}

/// Everything a TLS listener is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// One, or two of different kinds (ECDSA and RSA): the first that a station can use is shown to it.
    pub certificates: Vec<KeyFiles>,
    /// PEM with the CAs of client certificates; without, none is asked for.
    pub client_ca: Option<PathBuf>,
    /// PEM files with revocation lists of those CAs.
    pub client_crl: Vec<PathBuf>,
    /// Whether a station without a certificate is refused in the handshake.
    pub require_client_certificate: bool,
}

/// What is wrong with the files.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read, or holds something else.
    #[error("{path}: {reason}")]
    File {
        /// Which.
        path: String,
        /// Why.
        reason: String,
    },
    /// The files do not make a working listener.
    #[error("{0}")]
    Unusable(String),
}

impl TlsFiles {
    fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        let keys = self.certificates.iter().flat_map(|pair| [&pair.chain, &pair.key]);
        keys.chain(&self.client_ca).chain(&self.client_crl)
    }

    /// When each file was last written, and its length; none for one that is not there.
    fn stamps(&self) -> Vec<Option<(SystemTime, u64)>> {
        let stamp =
            |path: &PathBuf| std::fs::metadata(path).ok().and_then(|meta| Some((meta.modified().ok()?, meta.len())));
        self.paths().map(stamp).collect()
    }

    fn config(&self) -> Result<ServerConfig, TlsError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let unusable = |error: &dyn fmt::Display| TlsError::Unusable(error.to_string());
        let mut keys = Vec::new();
        for pair in &self.certificates {
            keys.push(Arc::new(certified(pair, &provider)?));
        }
        if keys.is_empty() {
            return Err(TlsError::Unusable("a TLS listener needs at least one certificate".into()));
        }
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .map_err(|error| unusable(&error))?;
        let builder = match &self.client_ca {
            None if self.require_client_certificate => {
                return Err(TlsError::Unusable("require_client_certificate needs client_ca".into()));
            }
            None => builder.with_no_client_auth(),
            Some(path) => {
                let mut roots = RootCertStore::empty();
                for ca in certificates(path)? {
                    roots.add(ca).map_err(|error| file(path, error))?;
                }
                let mut lists = Vec::new();
                for path in &self.client_crl {
                    let found = CertificateRevocationListDer::pem_file_iter(path).map_err(|error| file(path, error))?;
                    let before = lists.len();
                    for list in found {
                        lists.push(list.map_err(|error| file(path, error))?);
                    }
                    if lists.len() == before {
                        return Err(file(path, "holds no revocation list"));
                    }
                }
                // A CA without a list of its own revokes nothing; a list counts until the next one is there.
                let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider)
                    .with_crls(lists)
                    .allow_unknown_revocation_status();
                let verifier =
                    if self.require_client_certificate { verifier } else { verifier.allow_unauthenticated() };
                builder.with_client_cert_verifier(verifier.build().map_err(|error| unusable(&error))?)
            }
        };
        let mut config = builder.with_cert_resolver(Arc::new(Keys(keys)));
        if self.client_ca.is_some() {
            // A resumed session shows no certificate again: one that was revoked or has ended would still be let in.
            config.session_storage = Arc::new(NoServerSessionStorage {});
            config.send_tls13_tickets = 0;
        }
        Ok(config)
    }
}

fn file(path: &std::path::Path, reason: impl fmt::Display) -> TlsError {
    TlsError::File { path: path.display().to_string(), reason: reason.to_string() }
}

fn certificates(path: &std::path::Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found = CertificateDer::pem_file_iter(path).map_err(|error| file(path, error))?;
    let found: Vec<_> = found.collect::<Result<_, _>>().map_err(|error| file(path, error))?;
    if found.is_empty() { Err(file(path, "holds no certificate")) } else { Ok(found) }
}

fn certified(pair: &KeyFiles, provider: &CryptoProvider) -> Result<CertifiedKey, TlsError> {
    let chain = certificates(&pair.chain)?;
    let key = PrivateKeyDer::from_pem_file(&pair.key).map_err(|error| file(&pair.key, error))?;
    // Fails too when the key is not the certificate's: half of a pair was replaced.
    CertifiedKey::from_der(chain, key, provider).map_err(|error| file(&pair.key, error))
}

/// The server's certificates; a station is shown the first whose signatures it understands.
#[derive(Debug)]
struct Keys(Vec<Arc<CertifiedKey>>);

impl ResolvesServerCert for Keys {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let usable = |key: &&Arc<CertifiedKey>| key.key.choose_scheme(hello.signature_schemes()).is_some();
        self.0.iter().find(usable).cloned()
    }
}

/// A TLS listener's certificates as they are now.
pub struct Tls {
    files: TlsFiles,
    config: ArcSwap<ServerConfig>,
    stamps: Mutex<Vec<Option<(SystemTime, u64)>>>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("files", &self.files).finish_non_exhaustive()
    }
}

impl Tls {
    /// Reads the files.
    pub fn load(files: TlsFiles) -> Result<Self, TlsError> {
        let stamps = Mutex::new(files.stamps());
        let config = ArcSwap::from_pointee(files.config()?);
        Ok(Self { files, config, stamps })
    }

    /// For one handshake.
    #[must_use]
    pub fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.config.load_full())
    }

    /// Reads the files again if one was written since: whether the new ones count from here on. When they are of no use those
    /// before stay. Connections that stand are not touched.
    pub fn refresh(&self) -> bool {
        let stamps = self.files.stamps();
        match self.stamps.lock() {
            Ok(mut seen) if *seen != stamps => *seen = stamps,
            _ => return false,
        }
        let outcome = match self.files.config() {
            Ok(config) => {
                self.config.store(config.into());
                tracing::info!("the gateway's certificates were read anew");
                "ok"
            }
            Err(error) => {
                tracing::warn!(%error, "the gateway's new certificates cannot be used; those before stay");
                "error"
            }
        };
        metrics::counter!("stromtor_ocpp_tls_reloads_total", "outcome" => outcome).increment(1);
        outcome == "ok"
    }

    /// Looks at the files again and again, until told to stop.
    pub async fn watch(self: Arc<Self>, every: Duration, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(every) => {}
            }
            let this = self.clone();
            // Files are read where nobody waits for the thread.
            let _ = tokio::task::spawn_blocking(move || this.refresh()).await;
        }
    }
}

/// What a finished handshake says of the station.
#[must_use]
pub fn transport(connection: &rustls::ServerConnection) -> Transport {
    let shown = connection.peer_certificates().and_then(<[_]>::first);
    Transport::Tls { certificate: shown.map(|der| names(der)) }
}

/// The names of a certificate. The handshake has verified it; one that cannot be read here names nobody.
fn names(der: &[u8]) -> ClientCertificate {
    use x509_parser::{extensions::GeneralName, prelude::FromDer as _};
    let Ok((_, parsed)) = x509_parser::certificate::X509Certificate::from_der(der) else {
        return ClientCertificate::default();
    };
    let common_name = parsed.subject().iter_common_name().next().and_then(|name| name.as_str().ok());
    let mut dns_names = Vec::new();
    if let Ok(Some(extension)) = parsed.subject_alternative_name() {
        for name in &extension.value.general_names {
            if let GeneralName::DNSName(name) = name {
                dns_names.push((*name).to_owned());
            }
        }
    }
    ClientCertificate { common_name: common_name.map(ToOwned::to_owned), dns_names }
}
