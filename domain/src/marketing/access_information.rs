//! How a station is offered (portal function E3): what the map shows, and what is switched on.

use poem_openapi::Object;
use serde::{Deserialize, Serialize};
use stromtor_schema::schema::access_information;

use crate::{
    Error, Result, Timestamp,
    network::{location::LocationId, station::StationId},
    tenancy::partner::PartnerId,
    values::Name,
};

choice! {
    /// Who may use a station, as roaming platforms say it (OICP 2.3 `AccessibilityType`).
    #[derive(Default)]
    pub enum Accessibility {
        /// Everybody; the place costs nothing.
        FreePubliclyAccessible = "free_publicly_accessible",
        /// Everybody; the place may cost something.
        #[default]
        PayingPubliclyAccessible = "paying_publicly_accessible",
        /// Some alone: staff, tenants, guests.
        RestrictedAccess = "restricted_access",
        /// Nobody: it is for tests.
        TestStation = "test_station",
    }
}

choice! {
    /// A roaming platform that Roaming+ publishes to.
    pub enum RoamingPlatform {
        /// Hubject, over OICP.
        Hubject = "hubject",
        /// Partners connected over OCPI.
        Ocpi = "ocpi",
    }
}

/// What a caller may set of a station's access information.
#[derive(
    Debug,
    Clone,
    Default,
    PartialEq,
    Eq,
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
#[diesel(table_name = access_information, treat_none_as_null = true)]
pub struct AccessInformationInput {
    /// Who may use it.
    #[serde(default)]
    #[oai(default)]
    pub accessibility: Accessibility,
    /// Whether maps and apps show it as a point of interest.
    #[serde(default)]
    #[oai(default)]
    pub show_as_poi: bool,
    /// Whether others than the operator may sell charging there. Roaming, direct payment and Roaming+ need it.
    #[serde(default)]
    #[oai(default)]
    pub marketing: bool,
    /// Whether partners of the eMarketplace may let their drivers charge there. Needs remote authentication at every charge
    /// point.
    #[serde(default)]
    #[oai(default)]
    pub roaming: bool,
    /// Whether drivers may pay on the spot, without a contract. Needs remote authentication at every charge point.
    #[serde(default)]
    #[oai(default)]
    pub direct_payment: bool,
    /// The roaming platforms that it is published to, each once (Roaming+). Needs remote authentication at every charge point,
    /// and everything that the station's readiness lists for the platform.
    #[serde(default)]
    #[oai(default)]
    pub roaming_plus: Vec<RoamingPlatform>,
    /// The name that roaming platforms show; the location's when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform_name: Option<Name>,
}

impl AccessInformationInput {
    /// The rules that concern more than one field.
    pub fn check(&self) -> Result<()> {
        for (at, platform) in self.roaming_plus.iter().enumerate() {
            if self.roaming_plus[..at].contains(platform) {
                return Err(Error::invalid(format!("/roaming_plus/{at}"), "is there twice"));
            }
        }
        Ok(())
    }
}

/// How a station is offered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object, diesel::Queryable, diesel::Selectable)]
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = access_information, check_for_backend(diesel::pg::Pg))]
pub struct AccessInformation {
    /// The station.
    pub station_id: StationId,
    /// The station's operator.
    pub partner_id: PartnerId,
    /// The station's location.
    pub location_id: LocationId,
    /// What a caller may set.
    #[oai(flatten)]
    #[serde(flatten)]
    #[diesel(embed)]
    pub input: AccessInformationInput,
    /// Counts the changes; `ETag` is made of it. 0 for a station that was never told and has the defaults.
    pub revision: i64,
    /// When it was last changed; when the station was, for one that was never told.
    pub updated_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_platform_is_named_once() {
        let twice = vec![RoamingPlatform::Ocpi, RoamingPlatform::Hubject, RoamingPlatform::Ocpi];
        let input = AccessInformationInput { roaming_plus: twice, ..AccessInformationInput::default() };
        let Err(Error::Invalid { fields }) = input.check() else { panic!("must be refused") };
        assert_eq!(fields[0].pointer, "/roaming_plus/2");
    }
}
