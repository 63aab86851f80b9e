//! Charge-point groups (portal function E1): charge points that permissions are given for together.

use poem_openapi::Object;
use serde::{Deserialize, Serialize};
use stromtor_schema::schema::{charge_point_group, charge_point_group_member};

use super::charge_point::ChargePointId;
use crate::{
    Error, Result, Timestamp,
    tenancy::partner::PartnerId,
    values::{ExternalId, Metadata, Name},
};

id! {
    /// Id of a charge-point group.
    ChargePointGroupId
}

/// What a caller may set of a charge-point group.
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
#[diesel(table_name = charge_point_group, treat_none_as_null = true)]
pub struct ChargePointGroupInput {
    /// Name for people; unique for the partner.
    pub name: Name,
    /// The caller's own id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<ExternalId>,
    /// Free key/value pairs.
    #[serde(default)]
    #[oai(default)]
    pub metadata: Metadata,
}

impl ChargePointGroupInput {
    /// Nothing concerns more than one field.
    pub const fn check(&self) -> Result<()> {
        Ok(())
    }
}

/// A charge-point group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object, diesel::Queryable, diesel::Selectable)]
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = charge_point_group, check_for_backend(diesel::pg::Pg))]
pub struct ChargePointGroup {
    /// Id.
    pub id: ChargePointGroupId,
    /// The operator whose group it is.
    pub partner_id: PartnerId,
    /// What a caller may set.
    #[oai(flatten)]
    #[serde(flatten)]
    #[diesel(embed)]
    pub input: ChargePointGroupInput,
    /// Counts the changes; members are no change.
    pub revision: i64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// A charge point in a group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object, diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = charge_point_group_member, check_for_backend(diesel::pg::Pg))]
pub struct ChargePointGroupMember {
    /// The charge point.
    pub charge_point_id: ChargePointId,
    /// Since when.
    pub created_at: Timestamp,
}

/// Charge points to be put into a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
pub struct ChargePointGroupMembers {
    /// The charge points, 1 to 5000; of the group's partner. Those that are in it already stay.
    pub charge_point_ids: Vec<ChargePointId>,
}

impl ChargePointGroupMembers {
    /// How many.
    pub fn check(&self) -> Result<()> {
        match self.charge_point_ids.len() {
            1..=5_000 => Ok(()),
            _ => Err(Error::invalid("/charge_point_ids", "must be 1 to 5000")),
        }
    }
}
