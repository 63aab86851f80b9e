//! Firmware images: what stations are given to install.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use poem_openapi::Object;
use serde::{Deserialize, Serialize};
use stromtor_schema::schema::firmware_image;

use crate::{
    Error, Result, Timestamp,
    network::hardware::{ManufacturerId, StationModelId},
    tenancy::partner::PartnerId,
    values::{ExternalId, Line, LongText, Metadata, Name},
};

id! {
    /// Id of a firmware image.
    FirmwareImageId
}

fn parse_pem(text: &str) -> Result<String, String> {
    let trimmed = text.trim();
    if trimmed.starts_with("-----BEGIN CERTIFICATE-----") && trimmed.ends_with("-----END CERTIFICATE-----") {
        Ok(trimmed.to_owned())
    } else {
        Err("is not a certificate in PEM form".into())
    }
}

fn parse_signature(text: &str) -> Result<String, String> {
    let compact: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    match STANDARD.decode(&compact) {
        Ok(bytes) if !bytes.is_empty() => Ok(compact),
        _ => Err("is not base64".into()),
    }
}

text! {
    /// An X.509 certificate in PEM form, up to 5,500 characters (OCPP 2.0.1 FirmwareType, OCPP 1.6 security whitepaper 5).
    SigningCertificate {
        example: "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----", max: 5500, parse: parse_pem
    }
}

text! {
    /// A signature in base64, up to 800 characters (OCPP 2.0.1 FirmwareType, OCPP 1.6 security whitepaper 5).
    FirmwareSignature { example: "MEUCIQDx", max: 800, parse: parse_signature }
}

/// What a caller may set of a firmware image.
#[derive(
    Debug,
    Clone,
    PartialEq,
    Serialize,
    Deserialize,
    Object,
    diesel::Queryable,
    diesel::Selectable,
    diesel::Insertable,
    diesel::AsChangeset,
)]
#[serde(deny_unknown_fields)]
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = firmware_image, treat_none_as_null = true)]
pub struct FirmwareImageInput {
    /// Name.
    pub name: Name,
    /// Version, exactly as a station reports it once this image runs (`firmwareVersion` of BootNotification).
    pub version: Line,
    /// Whose stations it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manufacturer_id: Option<ManufacturerId>,
    /// The models it is for, up to 100; stations of another or of no model are refused it. Any model when empty.
    #[serde(default)]
    #[oai(default)]
    pub model_ids: Vec<StationModelId>,
    /// Remarks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notes: Option<LongText>,
    /// What the signature is verified with; together with `signature`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signing_certificate: Option<SigningCertificate>,
    /// Signature of the bytes; together with `signing_certificate`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature: Option<FirmwareSignature>,
    /// The caller's own id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<ExternalId>,
    /// Free key/value pairs.
    #[serde(default)]
    #[oai(default)]
    pub metadata: Metadata,
}

impl FirmwareImageInput {
    /// The rules that concern more than one field.
    pub fn check(&self) -> Result<()> {
        match (&self.signing_certificate, &self.signature) {
            (Some(_), None) => return Err(Error::invalid("/signature", "must be there with a signing certificate")),
            (None, Some(_)) => return Err(Error::invalid("/signing_certificate", "must be there with a signature")),
            _ => {}
        }
        if self.model_ids.len() > 100 {
            return Err(Error::invalid("/model_ids", "has more than 100 entries"));
        }
        Ok(())
    }
}

/// A firmware image. Its bytes are uploaded apart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object, diesel::Queryable, diesel::Selectable)]
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = firmware_image, check_for_backend(diesel::pg::Pg))]
pub struct FirmwareImage {
    /// Id.
    pub id: FirmwareImageId,
    /// Whose it is. The platform's images are everybody's to use.
    pub partner_id: PartnerId,
    /// What a caller may set.
    #[oai(flatten)]
    #[serde(flatten)]
    #[diesel(embed)]
    pub input: FirmwareImageInput,
    /// Size in bytes; absent until the bytes were uploaded.
    pub size_bytes: Option<i64>,
    /// SHA-256 of the bytes, hexadecimal.
    pub sha256: Option<String>,
    /// MD5 of the bytes, hexadecimal: the checksum that OCPP 2.0.1 publishes firmware by.
    pub md5: Option<String>,
    /// When the bytes were uploaded.
    pub uploaded_at: Option<Timestamp>,
    /// Counts the changes.
    pub revision: i64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}
