//! Files to and from stations.

pub mod firmware_image;
pub mod firmware_publication;
pub mod firmware_update;
pub mod log_request;
pub mod station_file;
pub mod transfer;

use serde_json::json;
use stromtor_domain::admin::job::JobKind;

use crate::{admin::job, resource::prelude::*};

/// Has the bytes deleted once the transaction is committed: nothing refers to them any more.
pub async fn discard(tx: &mut Tx, partner_id: PartnerId, key: &str) -> Result<()> {
    let now = tx.now();
    job::add(tx, JobKind::DeleteObject, key, partner_id, json!({ "key": key }), now).await
}

/// Bytes as they were kept.
#[derive(Debug, Clone)]
pub struct Stored {
    /// Where.
    pub key: String,
    /// How many.
    pub size_bytes: i64,
    /// SHA-256, hexadecimal.
    pub sha256: String,
    /// MD5, hexadecimal.
    pub md5: String,
}
