//! One change of the access information of many stations: of all of them, or of none.

use poem_openapi::Object;
use serde::{Deserialize, Serialize};

use super::{
    access_information::{AccessInformationInput, Accessibility, RoamingPlatform},
    switch::Refusal,
};
use crate::{
    Error, Result,
    error::FieldError,
    network::{location::LocationId, station::StationId},
    patch::Patch,
    tenancy::partner::PartnerId,
    values::{CountryCode, Name},
};

/// The most stations of one change.
pub const MOST_STATIONS: usize = 5_000;

/// The most problems that are told of one refusal in a change of many stations; the station's readiness has them all.
pub const MOST_PROBLEMS: usize = 10;

/// Stations by what they are; all that is given must be met. Dismantled ones are passed over.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(skip_serializing_if_is_none)]
pub struct StationChoice {
    /// Of this partner.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partner_id: Option<PartnerId>,
    /// At this location.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location_id: Option<LocationId>,
    /// In this country.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<CountryCode>,
    /// In this town.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<Name>,
    /// With a postal code that begins so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<Name>,
    /// That may be used so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accessibility: Option<Accessibility>,
    /// With marketing on, or off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub marketing: Option<bool>,
    /// With roaming on, or off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roaming: Option<bool>,
    /// With direct payment on, or off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub direct_payment: Option<bool>,
    /// With Roaming+ on for this platform.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roaming_plus: Option<RoamingPlatform>,
}

/// One change for many stations.
#[derive(Debug, Clone, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(skip_serializing_if_is_none)]
pub struct AccessInformationBulk {
    /// These stations, at most 5000; or a `filter`.
    #[serde(default)]
    #[oai(default)]
    pub station_ids: Vec<StationId>,
    /// Every station that meets this, at most 5000.
    #[serde(default)]
    pub filter: Option<StationChoice>,
    /// What is to change at each; what is absent stays as it is there.
    pub changes: Patch<AccessInformationInput>,
    /// Whether only to say what would be done.
    #[serde(default)]
    #[oai(default)]
    pub dry_run: bool,
}

impl AccessInformationBulk {
    /// The rules that concern more than one field.
    pub fn check(&self) -> Result<()> {
        match (self.station_ids.len(), &self.filter) {
            (0, None) => return Err(Error::invalid("/station_ids", "choose stations, or give a filter")),
            (0, Some(_)) | (1..=MOST_STATIONS, None) => {}
            (_, Some(_)) => return Err(Error::invalid("/filter", "goes without station_ids")),
            _ => return Err(Error::invalid("/station_ids", "are at most 5000; use a filter")),
        }
        // What is wrong with the change itself is wrong whatever the station.
        self.apply(&AccessInformationInput::default()).map(|_| ())
    }

    /// A station's access information after the change.
    pub fn apply(&self, current: &AccessInformationInput) -> Result<AccessInformationInput> {
        let applied = self.changes.apply(current).and_then(|input| input.check().map(|()| input));
        applied.map_err(|error| match error {
            Error::Invalid { fields } => Error::Invalid {
                fields: fields
                    .into_iter()
                    .map(|field| FieldError { pointer: format!("/changes{}", field.pointer), ..field })
                    .collect(),
            },
            other => other,
        })
    }
}

/// A station that speaks against the change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
pub struct RefusedStation {
    /// The station.
    pub station_id: StationId,
    /// What cannot be switched on there, with at most 10 problems each; pointers are into `changes`.
    pub refusals: Vec<Refusal>,
}

/// What a change did, or would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
pub struct AccessInformationBulkResult {
    /// Whether it was made: not in a dry run, and not when a station is refused.
    pub applied: bool,
    /// How many stations were chosen.
    pub stations: i64,
    /// How many of them it changes.
    pub changed: i64,
    /// Those that speak against it; while there is one, nothing is changed anywhere.
    pub refused: Vec<RefusedStation>,
}
