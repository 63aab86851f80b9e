//! Users: people who log in.

use poem_openapi::Object;
use serde::{Deserialize, Serialize};
use stromtor_schema::schema::app_user;

use crate::{
    Error, Result, Timestamp,
    network::location::LocationId,
    tenancy::partner::PartnerId,
    values::{Email, ExternalId, Metadata, Name},
};

id! {
    /// Id of a user.
    UserId
}

choice! {
    /// Whether a user can log in.
    pub enum UserStatus {
        /// Has not yet chosen a password.
        Invited = "invited",
        /// Can log in.
        Active = "active",
        /// Cannot log in.
        Disabled = "disabled",
    }
}

/// What a caller may set of a user.
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
#[diesel(table_name = app_user, treat_none_as_null = true)]
pub struct UserInput {
    /// Log-in name and address for mail, unique on the platform.
    pub email: Email,
    /// Name.
    pub name: Name,
    /// Built-in roles (`owner`, `admin`, `technician`, `finance`, `viewer`, `support`) or names of the partner's own.
    pub roles: Vec<Name>,
    /// The only locations the user may see; all of the partner's when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location_ids: Option<Vec<LocationId>>,
    /// The caller's own id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<ExternalId>,
    /// Free key/value pairs.
    #[serde(default)]
    #[oai(default)]
    pub metadata: Metadata,
}

impl UserInput {
    /// The rules that concern more than one field.
    pub fn check(&self) -> Result<()> {
        if self.roles.is_empty() || self.roles.len() > 20 {
            return Err(Error::invalid("/roles", "must name 1 to 20 roles"));
        }
        if self.location_ids.as_ref().is_some_and(|ids| ids.len() > 200) {
            return Err(Error::invalid("/location_ids", "names more than 200 locations"));
        }
        Ok(())
    }
}

/// A user.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object, diesel::Queryable, diesel::Selectable)]
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = app_user, check_for_backend(diesel::pg::Pg))]
pub struct User {
    /// Id.
    pub id: UserId,
    /// The partner the user belongs to.
    pub partner_id: PartnerId,
    /// What a caller may set.
    #[oai(flatten)]
    #[serde(flatten)]
    #[diesel(embed)]
    pub input: UserInput,
    /// Whether the user can log in.
    pub status: UserStatus,
    /// Last log-in.
    pub last_login_at: Option<Timestamp>,
    /// Counts the changes.
    pub revision: i64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}
