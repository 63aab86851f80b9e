//! The hardware catalogue: manufacturers and models, the platform's, seen by all.

use poem_openapi::Object;
use serde::{Deserialize, Serialize};
use stromtor_schema::schema::{manufacturer, station_model};

use crate::{
    Error, Result, Timestamp,
    network::tolerance::Tolerances,
    values::{ExternalId, Line, LongText, Metadata, Name},
};

id! {
    /// Id of a manufacturer.
    ManufacturerId,
    /// Id of a model.
    StationModelId,
}

/// What a caller may set of a manufacturer.
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
#[diesel(table_name = manufacturer, treat_none_as_null = true)]
pub struct ManufacturerInput {
    /// Name, unique whatever its case.
    pub name: Name,
    /// Web site.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub website: Option<Line>,
    /// How its stations are treated where they depart from the specification.
    #[serde(default)]
    #[oai(default)]
    pub tolerances: Tolerances,
    /// The caller's own id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<ExternalId>,
    /// Free key/value pairs.
    #[serde(default)]
    #[oai(default)]
    pub metadata: Metadata,
}

impl ManufacturerInput {
    /// The rules that concern more than one field.
    pub fn check(&self) -> Result<()> {
        self.tolerances.check("/tolerances")
    }
}

/// A manufacturer of stations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object, diesel::Queryable, diesel::Selectable)]
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = manufacturer, check_for_backend(diesel::pg::Pg))]
pub struct Manufacturer {
    /// Id.
    pub id: ManufacturerId,
    /// What a caller may set.
    #[oai(flatten)]
    #[serde(flatten)]
    #[diesel(embed)]
    pub input: ManufacturerInput,
    /// Counts the changes.
    pub revision: i64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// What a caller may set of a model.
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
#[diesel(table_name = station_model, treat_none_as_null = true)]
pub struct StationModelInput {
    /// Its manufacturer.
    pub manufacturer_id: ManufacturerId,
    /// Name, unique for the manufacturer whatever its case.
    pub name: Name,
    /// Hardware platform it is built on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<Line>,
    /// OCPP versions it speaks, for example `1.6`.
    #[serde(default)]
    #[oai(default)]
    pub ocpp_versions: Vec<Line>,
    /// How it meets calibration law, for example `OCMF`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calibration_law_method: Option<Line>,
    /// What it is known to do otherwise than the specification says.
    #[serde(default)]
    #[oai(default)]
    pub known_quirks: Vec<Line>,
    /// How its stations are treated where they depart from the specification; goes before the manufacturer's.
    #[serde(default)]
    #[oai(default)]
    pub tolerances: Tolerances,
    /// Remarks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notes: Option<LongText>,
    /// The caller's own id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<ExternalId>,
    /// Free key/value pairs.
    #[serde(default)]
    #[oai(default)]
    pub metadata: Metadata,
}

impl StationModelInput {
    /// The rules that concern more than one field.
    pub fn check(&self) -> Result<()> {
        if self.ocpp_versions.len() > 10 {
            return Err(Error::invalid("/ocpp_versions", "has more than 10 entries"));
        }
        if self.known_quirks.len() > 100 {
            return Err(Error::invalid("/known_quirks", "has more than 100 entries"));
        }
        self.tolerances.check("/tolerances")
    }
}

/// A model of station.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object, diesel::Queryable, diesel::Selectable)]
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = station_model, check_for_backend(diesel::pg::Pg))]
pub struct StationModel {
    /// Id.
    pub id: StationModelId,
    /// What a caller may set.
    #[oai(flatten)]
    #[serde(flatten)]
    #[diesel(embed)]
    pub input: StationModelInput,
    /// Counts the changes.
    pub revision: i64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}
