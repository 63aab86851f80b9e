//! Other spellings of stations' OCPP identities.

use poem_openapi::Object;
use serde::{Deserialize, Serialize};
use stromtor_schema::schema::station_alias;

use crate::{
    Result, Timestamp,
    network::{
        location::LocationId,
        station::{OcppIdentity, StationId},
    },
    tenancy::partner::PartnerId,
};

id! {
    /// Id of a station's alias.
    StationAliasId
}

/// What a caller may set of a station's alias.
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
#[diesel(table_name = station_alias)]
pub struct StationAliasInput {
    /// The identity as it comes in the URL: in another case, cut, misspelt. Unique on the platform, among stations' own
    /// identities too.
    pub ocpp_identity: OcppIdentity,
}

impl StationAliasInput {
    /// The rules that concern more than one field.
    pub fn check(&self) -> Result<()> {
        Ok(())
    }
}

/// Another spelling of a station's OCPP identity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object, diesel::Queryable, diesel::Selectable)]
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = station_alias, check_for_backend(diesel::pg::Pg))]
pub struct StationAlias {
    /// Id.
    pub id: StationAliasId,
    /// The station's operator.
    pub partner_id: PartnerId,
    /// The station's location.
    pub location_id: LocationId,
    /// The station that comes under it.
    pub station_id: StationId,
    /// What a caller may set.
    #[oai(flatten)]
    #[serde(flatten)]
    #[diesel(embed)]
    pub input: StationAliasInput,
    /// Counts the changes.
    pub revision: i64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}
