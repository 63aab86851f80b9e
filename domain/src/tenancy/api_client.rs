//! API clients: programs that log in with client credentials (OAuth 2.0, RFC 6749 section 4.4).

use poem_openapi::Object;
use serde::{Deserialize, Serialize};
use stromtor_schema::schema::api_client;

use crate::{
    Error, Result, Timestamp,
    actor::Permission,
    network::location::LocationId,
    tenancy::partner::PartnerId,
    values::{ExternalId, Metadata, Name},
};

id! {
    /// Id of an API client.
    ApiClientId
}

/// What a caller may set of an API client.
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
#[diesel(table_name = api_client, treat_none_as_null = true)]
pub struct ApiClientInput {
    /// What the program is.
    pub name: Name,
    /// What it may do; nobody can give more than they hold.
    pub permissions: Vec<Permission>,
    /// The only locations it may see; all of the partner's when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location_ids: Option<Vec<LocationId>>,
    /// Whether it can log in.
    pub enabled: bool,
    /// The caller's own id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<ExternalId>,
    /// Free key/value pairs.
    #[serde(default)]
    #[oai(default)]
    pub metadata: Metadata,
}

impl ApiClientInput {
    /// The rules that concern more than one field.
    pub fn check(&self) -> Result<()> {
        if self.location_ids.as_ref().is_some_and(|ids| ids.len() > 200) {
            return Err(Error::invalid("/location_ids", "names more than 200 locations"));
        }
        Ok(())
    }
}

/// An API client.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object, diesel::Queryable, diesel::Selectable)]
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = api_client, check_for_backend(diesel::pg::Pg))]
pub struct ApiClient {
    /// Id.
    pub id: ApiClientId,
    /// The partner it belongs to.
    pub partner_id: PartnerId,
    /// What it logs in with.
    pub client_id: String,
    /// What a caller may set.
    #[oai(flatten)]
    #[serde(flatten)]
    #[diesel(embed)]
    pub input: ApiClientInput,
    /// Last log-in.
    pub last_used_at: Option<Timestamp>,
    /// Counts the changes.
    pub revision: i64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// A new or rotated secret, shown this once.
#[derive(Debug, Clone, Serialize, Deserialize, Object)]
pub struct ApiClientSecret {
    /// The API client's id.
    pub id: ApiClientId,
    /// What it logs in with.
    pub client_id: String,
    /// The secret. It is not kept and cannot be shown again.
    pub client_secret: String,
}
