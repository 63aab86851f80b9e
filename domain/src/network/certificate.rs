//! Certificates of stations: those they ask to be signed (SignCertificate), and the roots they hold. OCPP security whitepaper
//! ed. 2 sections 4 and 5; OCPP 2.0.1 blocks A and M.

use poem_openapi::Object;
use serde::{Deserialize, Serialize};
use stromtor_schema::schema::{certificate_request, station_certificate};

use crate::{
    Timestamp,
    command::CommandId,
    network::{location::LocationId, station::StationId},
    tenancy::partner::PartnerId,
};

id! {
    /// Id of a station's request for a certificate.
    CertificateRequestId,
    /// Id of a certificate that a station holds.
    StationCertificateId,
}

/// Longest PEM text that a station sends or takes (OCPP 2.0.1 `certificate`, `csr`).
pub const MAX_PEM: usize = 5500;

choice! {
    /// What a certificate is for (OCPP 2.0.1 CertificateSigningUseEnumType).
    pub enum CertificateUse {
        /// The station's own client certificate, for security profile 3.
        ChargingStation = "charging_station",
        /// The station's certificate towards cars (ISO 15118).
        V2g = "v2g",
    }
}

choice! {
    /// How far a request for a certificate is.
    pub enum CertificateRequestState {
        /// Waits to be signed.
        Pending = "pending",
        /// Signed, not given to the station yet.
        Signed = "signed",
        /// Given to the station as a command.
        Sent = "sent",
        /// The station took the certificate.
        Accepted = "accepted",
        /// The station refused the certificate.
        Rejected = "rejected",
        /// It was not signed, a newer request took its place, or the certificate did not reach the station.
        Failed = "failed",
    }
}

choice! {
    /// What a certificate on a station is trusted for. In brackets the words of OCPP 1.6 (security whitepaper) and 2.0.1.
    pub enum StationCertificateType {
        /// Root of our server's certificate (CentralSystemRootCertificate; CSMSRootCertificate).
        CentralSystemRoot = "central_system_root",
        /// Root of firmware signing certificates (ManufacturerRootCertificate in both).
        ManufacturerRoot = "manufacturer_root",
        /// V2G root, for ISO 15118 (not in 1.6; V2GRootCertificate).
        V2gRoot = "v2g_root",
        /// Mobility operator's root, for contract certificates (not in 1.6; MORootCertificate).
        MoRoot = "mo_root",
        /// The station's own V2G certificate with its chain; reported, not installed (not in 1.6; V2GCertificateChain).
        V2gChain = "v2g_chain",
    }
}

/// A station asks for a certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CsrReport {
    /// PKCS#10 in PEM.
    pub csr: String,
    /// What the certificate is for.
    pub certificate_type: CertificateUse,
}

/// What tells one certificate from all others (OCPP 2.0.1 CertificateHashDataType): as the station sent it, for it compares
/// texts.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CertificateHash {
    /// `SHA256`, `SHA384` or `SHA512`.
    pub hash_algorithm: String,
    /// Hash of the issuer's name, hexadecimal.
    pub issuer_name_hash: String,
    /// Hash of the issuer's public key, hexadecimal.
    pub issuer_key_hash: String,
    /// Serial number, hexadecimal.
    pub serial_number: String,
}

/// A station's request for a certificate, and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object, diesel::Queryable, diesel::Selectable)]
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = certificate_request, check_for_backend(diesel::pg::Pg))]
pub struct CertificateRequest {
    /// Id.
    pub id: CertificateRequestId,
    /// The station's operator.
    pub partner_id: PartnerId,
    /// The station's location.
    pub location_id: LocationId,
    /// The station.
    pub station_id: StationId,
    /// What the certificate is for.
    pub certificate_type: CertificateUse,
    /// The request as the station sent it: PKCS#10 in PEM.
    pub csr: String,
    /// How far it is.
    pub state: CertificateRequestState,
    /// What went wrong, at last.
    pub error: Option<String>,
    /// The certificate and those that signed it, PEM, the station's first.
    pub certificate_chain: Option<String>,
    /// Serial number of the certificate, hexadecimal.
    pub serial_number: Option<String>,
    /// End of the certificate.
    pub valid_until: Option<Timestamp>,
    /// The command that brings it to the station.
    pub command_id: Option<CommandId>,
    /// When it came.
    pub created_at: Timestamp,
    /// When its state last changed.
    pub updated_at: Timestamp,
}

/// A certificate that a station holds, as it said when it was last asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object, diesel::Queryable, diesel::Selectable)]
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = station_certificate, check_for_backend(diesel::pg::Pg))]
pub struct StationCertificate {
    /// Id.
    pub id: StationCertificateId,
    /// The station's operator.
    pub partner_id: PartnerId,
    /// The station's location.
    pub location_id: LocationId,
    /// The station.
    pub station_id: StationId,
    /// What it is trusted for.
    pub certificate_type: StationCertificateType,
    /// Algorithm of the hashes: `SHA256`, `SHA384` or `SHA512`.
    pub hash_algorithm: String,
    /// Hash of the issuer's name, hexadecimal.
    pub issuer_name_hash: String,
    /// Hash of the issuer's public key, hexadecimal.
    pub issuer_key_hash: String,
    /// Serial number, hexadecimal.
    pub serial_number: String,
    /// When the station last said that it holds it.
    pub seen_at: Timestamp,
    /// When it first said so.
    pub created_at: Timestamp,
}

impl StationCertificate {
    /// What the station knows it by.
    #[must_use]
    pub fn hash(&self) -> CertificateHash {
        CertificateHash {
            hash_algorithm: self.hash_algorithm.clone(),
            issuer_name_hash: self.issuer_name_hash.clone(),
            issuer_key_hash: self.issuer_key_hash.clone(),
            serial_number: self.serial_number.clone(),
        }
    }
}

/// A root certificate to be installed on a station.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(example)]
pub struct CertificateInstallation {
    /// What it is to be trusted for.
    pub certificate_type: StationCertificateType,
    /// The certificate in PEM, up to 5,500 characters.
    pub certificate: String,
}

impl poem_openapi::types::Example for CertificateInstallation {
    fn example() -> Self {
        Self {
            certificate_type: StationCertificateType::CentralSystemRoot,
            certificate: "-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n".into(),
        }
    }
}

/// The CA that signs stations' certificates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object)]
pub struct CertificateAuthority {
    /// Its certificate in PEM: what the gateway's `client_ca` names.
    pub certificate: String,
    /// Its name (RFC 4514).
    pub subject: String,
    /// Its serial number, hexadecimal.
    pub serial_number: String,
    /// Its beginning.
    pub valid_from: Timestamp,
    /// Its end.
    pub valid_until: Timestamp,
    /// Days that the certificates it signs are valid.
    pub validity_days: u32,
}

/// To which security profile a station goes back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
pub struct SecurityProfileReset {
    /// The least profile from now on, 0 to 3; lower than the one before.
    #[oai(validator(minimum(value = "0"), maximum(value = "3")))]
    pub security_profile: i16,
}
