//! Peers: platforms that we exchange with over OCPI, a provider's own or a hub of many (OCPI 2.2.1 chapters 6 and 7).

use poem_openapi::Object;
use serde::{Deserialize, Serialize};
use stromtor_schema::schema::ocpi_peer;

use super::ocpi_party::Website;
use crate::{
    Result, Timestamp,
    tenancy::partner::PartnerId,
    values::{ExternalId, Metadata, Name},
};

id! {
    /// Id of an OCPI peer.
    OcpiPeerId
}

choice! {
    /// How far a peer is.
    pub enum OcpiPeerState {
        /// Not registered yet.
        New = "new",
        /// Credentials were exchanged.
        Registered = "registered",
        /// One of the two has ended it.
        Ended = "ended",
    }
}

choice! {
    /// Which side of a module an endpoint is.
    pub enum OcpiInterfaceRole {
        /// It owns the data.
        Sender = "sender",
        /// It is given the data.
        Receiver = "receiver",
    }
}

/// Where a module of a peer is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
pub struct OcpiEndpoint {
    /// The module: `locations`, `tokens` and so on.
    pub module: String,
    /// Which side.
    pub role: OcpiInterfaceRole,
    /// Its address.
    pub url: String,
}

/// A party that a peer speaks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct OcpiRole {
    /// What it is, in OCPI's words: `EMSP`, `HUB` and so on.
    pub role: String,
    /// Its country.
    pub country_code: String,
    /// Its party id.
    pub party_id: String,
    /// Its name.
    pub name: String,
    /// Its website.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub website: Option<String>,
}

macro_rules! kept_list {
    ($(#[$meta:meta])* $name:ident($of:ty)) => {
        $(#[$meta])*
        #[derive(
            Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, diesel::expression::AsExpression,
            diesel::deserialize::FromSqlRow,
        )]
        #[diesel(sql_type = diesel::sql_types::Jsonb)]
        pub struct $name(pub Vec<$of>);

        jsonb!($name);

        impl From<$name> for Vec<$of> {
            fn from(kept: $name) -> Self {
                kept.0
            }
        }
    };
}

kept_list! {
    /// Endpoints as they are kept.
    OcpiEndpoints(OcpiEndpoint)
}

kept_list! {
    /// Roles as they are kept.
    OcpiRoles(OcpiRole)
}

const fn yes() -> bool {
    true
}

/// What a caller may set of a peer.
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
#[diesel(table_name = ocpi_peer, treat_none_as_null = true)]
pub struct OcpiPeerInput {
    /// Name for people.
    pub name: Name,
    /// Whether it is spoken with; when false its calls are refused and none is made.
    #[serde(default = "yes")]
    #[oai(default = "yes")]
    pub enabled: bool,
    /// Whether it wants tokens in base64, as OCPI 2.2.1 section 4.1.2 says; some platforms want them as they are. Both are
    /// understood when it calls.
    #[serde(default = "yes")]
    #[oai(default = "yes")]
    pub token_in_base64: bool,
    /// The caller's own id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<ExternalId>,
    /// Free key/value pairs.
    #[serde(default)]
    #[oai(default)]
    pub metadata: Metadata,
}

impl OcpiPeerInput {
    /// The rules that concern more than one field.
    pub fn check(&self) -> Result<()> {
        Ok(())
    }
}

/// A peer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object, diesel::Queryable, diesel::Selectable)]
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = ocpi_peer, check_for_backend(diesel::pg::Pg))]
pub struct OcpiPeer {
    /// Id.
    pub id: OcpiPeerId,
    /// It is connected to this partner and those below it: it sees their parties, and nothing else.
    pub partner_id: PartnerId,
    /// What a caller may set.
    #[oai(flatten)]
    #[serde(flatten)]
    #[diesel(embed)]
    pub input: OcpiPeerInput,
    /// How far it is.
    pub state: OcpiPeerState,
    /// Where its versions are.
    pub versions_url: Option<String>,
    /// The version that is spoken.
    pub version: Option<String>,
    /// Its endpoints in that version.
    #[diesel(deserialize_as = OcpiEndpoints)]
    pub endpoints: Vec<OcpiEndpoint>,
    /// Whom it speaks for.
    #[diesel(deserialize_as = OcpiRoles)]
    pub roles: Vec<OcpiRole>,
    /// When credentials were last exchanged.
    pub registered_at: Option<Timestamp>,
    /// Counts the changes.
    pub revision: i64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl OcpiPeer {
    /// Where a module is.
    #[must_use]
    pub fn endpoint(&self, module: &str, role: OcpiInterfaceRole) -> Option<&str> {
        let found = self.endpoints.iter().find(|endpoint| endpoint.module == module && endpoint.role == role);
        found.map(|endpoint| endpoint.url.as_str())
    }
}

/// What a peer registers with; the token is shown this once.
#[derive(Debug, Clone, Serialize, Deserialize, Object)]
pub struct OcpiInvitation {
    /// Where our versions are.
    pub versions_url: String,
    /// The registration token (OCPI's token A), as it is: in the header it stands in base64.
    pub token: String,
}

/// What we register with at a peer.
#[derive(Debug, Clone, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
pub struct OcpiRegistrationInput {
    /// Where the peer's versions are.
    pub versions_url: Website,
    /// The registration token that the peer gave (OCPI's token A), as it is; 1 to 64 visible ASCII characters.
    pub token: String,
}
