//! The small CA that signs stations' client certificates (security profile 3), or an external one behind a hook.
//!
//! Ours is ECDSA P-256 unless files of another are configured. Rules for requests: OCPP security whitepaper ed. 2 section 4;
//! OCPP 2.0.1 block A02, A03.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use chrono::{TimeDelta, Utc};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SerialNumber, SubjectPublicKeyInfo,
};
use stromtor_domain::{
    Error, Result, Timestamp,
    clock::SharedClock,
    network::certificate::{CertificateAuthority, CertificateUse},
};
use x509_parser::{
    certificate::X509Certificate, certification_request::X509CertificationRequest, pem::Pem, prelude::FromDer as _,
    public_key::PublicKey,
};

use crate::config;

/// Years that our own CA certificate is valid.
const CA_YEARS: i64 = 20;
/// Stations' clocks are behind at times: certificates begin a little earlier.
const BEFORE: TimeDelta = TimeDelta::hours(24);
/// Longest chain that an external CA may answer with, bytes (OCPP 2.0.1 certificateChain: 10,000 characters).
const MAX_CHAIN: usize = 10_000;

/// A certificate that was signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// PEM, the station's certificate first.
    pub chain: String,
    /// Serial number, hexadecimal.
    pub serial_number: String,
    /// Its end.
    pub valid_until: Timestamp,
}

/// Why a request is not signed.
#[derive(Debug)]
pub enum Refusal {
    /// It never will be.
    Final(String),
    /// Perhaps later.
    Later(Error),
}

/// Who signs.
#[derive(Debug)]
pub struct Ca {
    signer: Signer,
    validity: TimeDelta,
}

#[derive(Debug)]
enum Signer {
    Own { certificate: String, issuer: Box<Issuer<'static, KeyPair>> },
    Hook { url: String, client: reqwest::Client },
    Nobody,
}

impl Ca {
    /// By the configuration; our own CA is made at first start.
    pub fn load(config: &config::Ca, data_dir: &Path, clock: &SharedClock) -> Result<Self> {
        let validity = TimeDelta::days(config.validity_days.clamp(1, 3650).into());
        if !config.hook_url.is_empty() {
            let client = reqwest::Client::builder()
                .timeout(Duration::from_secs(30))
                .redirect(reqwest::redirect::Policy::none())
                .build()
                .map_err(Error::internal)?;
            return Ok(Self { signer: Signer::Hook { url: config.hook_url.clone(), client }, validity });
        }
        let (certificate, key) = match (config.certificate.as_os_str().is_empty(), config.key.as_os_str().is_empty()) {
            (false, false) => (read(&config.certificate)?, read(&config.key)?),
            (true, true) => own(data_dir, clock)?,
            _ => return Err(Error::internal("[ca] certificate and key belong together: set both or neither")),
        };
        let pair = KeyPair::from_pem(&key).map_err(|_| Error::internal("[ca] key: is no private key in PEM"))?;
        let issuer = Issuer::from_ca_cert_pem(&certificate, pair).map_err(Error::internal)?;
        if public_key(&certificate)? != rcgen::PublicKeyData::subject_public_key_info(issuer.key()) {
            return Err(Error::internal("[ca] key is not that of [ca] certificate"));
        }
        Ok(Self { signer: Signer::Own { certificate, issuer: Box::new(issuer) }, validity })
    }

    /// Signs nothing: for an application that is connected to nothing.
    #[must_use]
    pub const fn nobody() -> Self {
        Self { signer: Signer::Nobody, validity: TimeDelta::zero() }
    }

    /// Our CA, for those who must trust it; none when an external one signs.
    pub fn describe(&self) -> Result<Option<CertificateAuthority>> {
        let Signer::Own { certificate, .. } = &self.signer else { return Ok(None) };
        let pem = first_pem(certificate).map_err(Error::internal)?;
        let (_, parsed) =
            X509Certificate::from_der(&pem.contents).map_err(|error| Error::internal(error.to_string()))?;
        Ok(Some(CertificateAuthority {
            certificate: certificate.clone(),
            subject: parsed.subject().to_string(),
            serial_number: serial(parsed.raw_serial()),
            valid_from: Timestamp::from_millis(parsed.validity().not_before.timestamp() * 1000),
            valid_until: Timestamp::from_millis(parsed.validity().not_after.timestamp() * 1000),
            validity_days: u32::try_from(self.validity.num_days()).unwrap_or_default(),
        }))
    }

    /// Whether a request will be signed, as far as can be told at once; the reason when not.
    pub fn check(&self, csr: &str, of: CertificateUse, identity: &str) -> std::result::Result<(), String> {
        if of == CertificateUse::V2g && !matches!(self.signer, Signer::Hook { .. }) {
            return Err("V2G certificates are signed by an external CA alone (ca.hook_url)".into());
        }
        let pem = first_pem(csr)?;
        request(&pem, of, identity).map(drop)
    }

    /// Signs a request, or has it signed.
    pub async fn sign(
        &self,
        csr: &str,
        of: CertificateUse,
        identity: &str,
        organisation: &str,
        clock: &SharedClock,
    ) -> std::result::Result<Signed, Refusal> {
        self.check(csr, of, identity).map_err(Refusal::Final)?;
        match &self.signer {
            Signer::Own { certificate, issuer } => {
                let pem = first_pem(csr).map_err(Refusal::Final)?;
                let key = request(&pem, of, identity).map_err(Refusal::Final)?;
                self.issue(key, identity, organisation, certificate, issuer, clock).map_err(Refusal::Later)
            }
            Signer::Hook { url, client } => ask(client, url, csr, of, identity).await,
            Signer::Nobody => Err(Refusal::Final("no CA is configured".into())),
        }
    }

    fn issue(
        &self,
        key: SubjectPublicKeyInfo,
        identity: &str,
        organisation: &str,
        ca: &str,
        issuer: &Issuer<'static, KeyPair>,
        clock: &SharedClock,
    ) -> Result<Signed> {
        let now = clock.now();
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::OrganizationName, organisation);
        params.distinguished_name.push(DnType::CommonName, identity);
        params.not_before = moment(now - BEFORE)?;
        params.not_after = moment(now + self.validity)?;
        params.serial_number = Some(SerialNumber::from_slice(clock.id().as_bytes()));
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.use_authority_key_identifier_extension = true;
        let signed = params.signed_by(&key, issuer).map_err(Error::internal)?;
        let pem = signed.pem();
        let (serial_number, valid_until) = facts(&pem).map_err(Error::internal)?;
        Ok(Signed { chain: format!("{}\n{}\n", pem.trim(), ca.trim()), serial_number, valid_until })
    }
}

/// `data_dir`/ca, made at first start.
fn own(data_dir: &Path, clock: &SharedClock) -> Result<(String, String)> {
    let folder = data_dir.join("ca");
    let (certificate_file, key_file) = (folder.join("certificate.pem"), folder.join("key.pem"));
    if !certificate_file.exists() {
        fs::create_dir_all(&folder).map_err(Error::internal)?;
        // Left by a start that died between the two files: without its certificate a key has signed nothing.
        let _ = fs::remove_file(&key_file);
        let key = KeyPair::generate().map_err(Error::internal)?;
        let now = clock.now();
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::OrganizationName, "Stromtor");
        params.distinguished_name.push(DnType::CommonName, "Stromtor stations CA");
        params.not_before = moment(now - BEFORE)?;
        params.not_after = moment(now + TimeDelta::days(365 * CA_YEARS))?;
        params.serial_number = Some(SerialNumber::from_slice(clock.id().as_bytes()));
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key).map_err(Error::internal)?;
        write(&key_file, &key.serialize_pem(), 0o600)?;
        write(&certificate_file, &certificate.pem(), 0o644)?;
    }
    Ok((read(&certificate_file)?, read(&key_file)?))
}

fn write(path: &Path, text: &str, mode: u32) -> Result<()> {
    // Whole or not at all.
    let partial: PathBuf = path.with_extension("new");
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(mode)
        .open(&partial)
        .map_err(Error::internal)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(Error::internal)?;
    fs::rename(&partial, path).map_err(Error::internal)
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|error| Error::internal(format!("{}: {error}", path.display())))
}

fn moment(at: Timestamp) -> Result<time::OffsetDateTime> {
    time::OffsetDateTime::from_unix_timestamp(at.utc().with_timezone(&Utc).timestamp()).map_err(Error::internal)
}

/// Hexadecimal, as openssl and stations show it: without leading zeros.
fn serial(raw: &[u8]) -> String {
    let first = raw.iter().position(|byte| *byte != 0).unwrap_or(raw.len().saturating_sub(1));
    hex::encode(&raw[first..])
}

fn first_pem(text: &str) -> std::result::Result<Pem, String> {
    match Pem::iter_from_buffer(text.as_bytes()).next() {
        Some(Ok(pem)) => Ok(pem),
        _ => Err("is not PEM".into()),
    }
}

fn public_key(certificate: &str) -> Result<Vec<u8>> {
    let pem = first_pem(certificate).map_err(Error::internal)?;
    let (_, parsed) = X509Certificate::from_der(&pem.contents).map_err(|error| Error::internal(error.to_string()))?;
    Ok(parsed.public_key().raw.to_vec())
}

/// Serial number and end of the first certificate in a PEM text.
pub fn facts(pem: &str) -> std::result::Result<(String, Timestamp), String> {
    let pem = first_pem(pem)?;
    let wrong = |_| "is no X.509 certificate".to_owned();
    if pem.label != "CERTIFICATE" {
        return Err("is no certificate".into());
    }
    let (_, parsed) = X509Certificate::from_der(&pem.contents).map_err(wrong)?;
    let end = Timestamp::from_millis(parsed.validity().not_after.timestamp().saturating_mul(1000));
    Ok((serial(parsed.raw_serial()), end))
}

/// Judges a request: signed with its own key, a key that is strong enough, and the name of the station that sent it. Returns
/// the key.
fn request(pem: &Pem, of: CertificateUse, identity: &str) -> std::result::Result<SubjectPublicKeyInfo, String> {
    if !matches!(pem.label.as_str(), "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST") {
        return Err("is no certificate request in PEM".into());
    }
    let (rest, csr) = X509CertificationRequest::from_der(&pem.contents)
        .map_err(|_| "is no certificate request (PKCS#10)".to_owned())?;
    if !rest.is_empty() {
        return Err("has more behind the certificate request".into());
    }
    csr.verify_signature().map_err(|_| "its signature is not that of its key".to_owned())?;
    let info = &csr.certification_request_info;
    match info.subject_pki.parsed() {
        Ok(PublicKey::EC(point)) if matches!(point.key_size(), 256 | 384) => {}
        Ok(PublicKey::RSA(key)) if key.key_size() >= 2048 => {}
        _ => return Err("its key is none of P-256, P-384 and RSA of at least 2048 bits".into()),
    }
    let names: Vec<&str> = info.subject.iter_common_name().filter_map(|name| name.as_str().ok()).collect();
    // A V2G certificate has a name of another scheme (ISO 15118).
    if of == CertificateUse::ChargingStation && names != [identity] {
        return Err("its common name is not the station's OCPP identity".into());
    }
    SubjectPublicKeyInfo::from_der(info.subject_pki.raw).map_err(|_| "its key is of an unknown kind".into())
}

/// Has an external CA sign: the request as PEM, the chain as PEM.
async fn ask(
    client: &reqwest::Client,
    url: &str,
    csr: &str,
    of: CertificateUse,
    identity: &str,
) -> std::result::Result<Signed, Refusal> {
    let later = |error: reqwest::Error| Refusal::Later(Error::internal(error.without_url()));
    let mut response = client
        .post(url)
        .header("content-type", "application/pkcs10")
        .header("accept", "application/pem-certificate-chain")
        .header("x-stromtor-certificate-type", of.as_str())
        .header("x-stromtor-ocpp-identity", identity)
        .body(csr.to_owned())
        .send()
        .await
        .map_err(later)?;
    let status = response.status();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(later)? {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_CHAIN {
            return Err(Refusal::Final("the external CA answered with more than 10,000 bytes".into()));
        }
    }
    if status.is_server_error() || matches!(status.as_u16(), 408 | 425 | 429) {
        return Err(Refusal::Later(Error::internal(format!("the external CA answered {status}"))));
    }
    if !status.is_success() {
        return Err(Refusal::Final(format!("the external CA refused: {status}")));
    }
    let chain = String::from_utf8(body).map_err(|_| Refusal::Final("the external CA's answer is not PEM".into()))?;
    let wrong = |reason: String| Refusal::Final(format!("the external CA's answer {reason}"));
    let (serial_number, valid_until) = facts(&chain).map_err(wrong)?;
    let asked = first_pem(csr).map_err(Refusal::Final)?;
    let key = X509CertificationRequest::from_der(&asked.contents)
        .map(|(_, csr)| csr.certification_request_info.subject_pki.raw.to_vec())
        .unwrap_or_default();
    if public_key(&chain).map_err(Refusal::Later)? != key {
        return Err(Refusal::Final("the external CA's certificate is for another key".into()));
    }
    Ok(Signed { chain, serial_number, valid_until })
}

#[cfg(test)]
mod tests {
    use super::*;
    use stromtor_persistence::clock::SystemClock;

    fn csr(name: &str, key: &KeyPair) -> String {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.serialize_request(key).unwrap().pem().unwrap()
    }

    fn config(folder: &Path) -> (config::Ca, PathBuf) {
        let config = config::Ca {
            certificate: PathBuf::new(),
            key: PathBuf::new(),
            validity_days: 365,
            hook_url: String::new(),
        };
        (config, folder.to_owned())
    }

    #[tokio::test]
    async fn signs_what_it_should_and_nothing_else() {
        let folder = std::env::temp_dir().join(format!("stromtor-ca-{}", SystemClock::shared().id()));
        let (config, data_dir) = config(&folder);
        let clock = SystemClock::shared();
        let ca = Ca::load(&config, &data_dir, &clock).unwrap();
        let again = Ca::load(&config, &data_dir, &clock).unwrap();
        assert_eq!(ca.describe().unwrap(), again.describe().unwrap());
        let key = KeyPair::generate().unwrap();
        let good = csr("CP1", &key);
        let of = CertificateUse::ChargingStation;
        let signed = ca.sign(&good, of, "CP1", "Nordstrom", &clock).await.unwrap();
        assert_eq!(signed.chain.matches("BEGIN CERTIFICATE").count(), 2);
        let pem = first_pem(&signed.chain).unwrap();
        let (_, parsed) = X509Certificate::from_der(&pem.contents).unwrap();
        assert_eq!(parsed.subject().to_string(), "O=Nordstrom, CN=CP1");
        let issuer = first_pem(&ca.describe().unwrap().unwrap().certificate).unwrap();
        let (_, issuer) = X509Certificate::from_der(&issuer.contents).unwrap();
        parsed.verify_signature(Some(issuer.public_key())).unwrap();

        assert!(ca.check(&good, of, "CP2").unwrap_err().contains("common name"));
        assert!(ca.check(&good, CertificateUse::V2g, "CP1").is_err());
        assert!(
            ca.check("-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n", of, "CP1")
                .is_err()
        );
        assert!(ca.check("none", of, "CP1").is_err());
        // Another's key under the same signature.
        let mut der = first_pem(&good).unwrap().contents;
        let at = der.len() - 10;
        der[at] ^= 1;
        let forged = Pem { label: "CERTIFICATE REQUEST".into(), contents: der };
        assert!(request(&forged, of, "CP1").unwrap_err().contains("signature"));
        let weak = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        assert!(ca.check(&csr("CP1", &weak), of, "CP1").is_err());
        let _ = fs::remove_dir_all(folder);
    }
}
