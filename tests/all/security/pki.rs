//! CAs, certificates and revocation lists, made for one test.

use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber,
};
use stromtor_api::config::{ServerCertificate, TlsListener};
use time::{Duration, OffsetDateTime};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

pub fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = now() - Duration::days(2);
    params.not_after = now() + Duration::days(2);
    params
}

/// A certificate with its key.
pub struct Identity {
    pub chain: Vec<CertificateDer<'static>>,
    pub key: PrivateKeyDer<'static>,
}

/// A certificate authority.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub fn new(name: &str) -> Self {
        let mut params = params(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub fn pem(&self) -> String {
        self.0.pem()
    }

    pub fn der(&self) -> CertificateDer<'static> {
        self.0.der().clone()
    }

    /// Writes a server certificate for localhost.
    pub fn server(&self, folder: &Path, name: &str, key: &KeyPair) -> ServerCertificate {
        let mut params = params("server");
        params.subject_alt_names = CertificateParams::new(["localhost".to_owned()]).unwrap().subject_alt_names;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let certificate = params.signed_by(key, &self.0).unwrap();
        let files =
            ServerCertificate { chain: folder.join(format!("{name}.pem")), key: folder.join(format!("{name}.key")) };
        std::fs::write(&files.key, key.serialize_pem()).unwrap();
        std::fs::write(&files.chain, certificate.pem()).unwrap();
        files
    }

    /// A station's certificate that ends in so many hours.
    pub fn client(&self, name: &str, serial: u8, hours: i64) -> Identity {
        let key = KeyPair::generate().unwrap();
        let mut params = params(name);
        params.serial_number = Some(SerialNumber::from_slice(&[serial]));
        params.not_after = now() + Duration::hours(hours);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Identity { chain: vec![certificate.der().clone()], key: PrivateKeyDer::try_from(key.serialize_der()).unwrap() }
    }

    /// Writes a revocation list of these serial numbers.
    pub fn revoke(&self, file: &Path, serials: &[u8]) {
        let revoked = serials.iter().map(|serial| RevokedCertParams {
            serial_number: SerialNumber::from_slice(&[*serial]),
            revocation_time: now() - Duration::hours(1),
            reason_code: None,
            invalidity_date: None,
        });
        let list = CertificateRevocationListParams {
            this_update: now() - Duration::hours(1),
            next_update: now() + Duration::days(1),
            crl_number: SerialNumber::from_slice(&[1]),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        std::fs::write(file, list.signed_by(&self.0).unwrap().pem().unwrap()).unwrap();
    }

    /// Signs a request as an external CA would.
    pub fn sign(&self, csr: &str) -> String {
        let request = rcgen::CertificateSigningRequestParams::from_pem(csr).unwrap();
        format!("{}{}", request.signed_by(&self.0).unwrap().pem(), self.pem())
    }
}

/// A request for a certificate.
pub fn csr(name: &str, key: &KeyPair) -> String {
    params(name).serialize_request(key).unwrap().pem().unwrap()
}

/// A listener on a free port.
pub fn listener(certificates: Vec<ServerCertificate>, client_ca: Option<PathBuf>, crl: Vec<PathBuf>) -> TlsListener {
    TlsListener {
        listen: "127.0.0.1:0".parse().unwrap(),
        certificates,
        client_ca,
        client_crl: crl,
        require_client_certificate: false,
    }
}
