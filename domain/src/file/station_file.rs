//! Files that stations have uploaded.

use poem_openapi::Object;
use serde::{Deserialize, Serialize};
use stromtor_schema::schema::station_file;

use crate::{
    Timestamp,
    file::log_request::LogRequestId,
    network::{location::LocationId, station::StationId},
    tenancy::partner::PartnerId,
};

id! {
    /// Id of a file that a station uploaded.
    StationFileId
}

/// A file that a station uploaded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object, diesel::Queryable, diesel::Selectable)]
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = station_file, check_for_backend(diesel::pg::Pg))]
pub struct StationFile {
    /// Id.
    pub id: StationFileId,
    /// The station's operator at the time.
    pub partner_id: PartnerId,
    /// The station's location at the time.
    pub location_id: LocationId,
    /// The station.
    pub station_id: StationId,
    /// The request that it answers.
    pub log_request_id: Option<LogRequestId>,
    /// Name: letters, digits, `.`, `-` and `_`.
    pub name: String,
    /// Content type as the station says.
    pub content_type: String,
    /// Size in bytes.
    pub size_bytes: i64,
    /// SHA-256, hexadecimal.
    pub sha256: String,
    /// When it was uploaded.
    pub created_at: Timestamp,
}

/// A name that is safe in headers, paths and on disks: no folders, no control characters, up to 200 characters of
/// letters, digits, `.`, `-` and `_`, not beginning with a dot. `None` when nothing is left.
#[must_use]
pub fn safe_name(text: &str) -> Option<String> {
    let last = text.rsplit(['/', '\\']).next().unwrap_or_default();
    let allowed = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '_' };
    let name: String = last.chars().map(allowed).collect();
    let name = name.trim_start_matches('.');
    // The end says what kind of file it is.
    let name = &name[name.len().saturating_sub(200)..];
    if name.chars().any(|c| c.is_ascii_alphanumeric()) { Some(name.trim_start_matches('.').to_owned()) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_harmless() {
        assert_eq!(safe_name("../../etc/passwd").as_deref(), Some("passwd"));
        assert_eq!(safe_name("C:\\logs\\a b\r\n\".zip").as_deref(), Some("a_b___.zip"));
        assert_eq!(safe_name(".htaccess").as_deref(), Some("htaccess"));
        assert_eq!(safe_name("../.."), None);
        assert_eq!(safe_name("ä"), None);
        assert_eq!(safe_name(&format!("{}.zip", "x".repeat(500))).map(|name| name.len()), Some(200));
    }
}
