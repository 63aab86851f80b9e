//! EVSE-IDs: the name of a charge point between operators and providers (ISO 15118-2 annex H; eMI3 part 2). Portal function
//! B5.

use diesel::NullableExpressionMethods as _;
use poem_openapi::Object;
use serde::{Deserialize, Serialize};
use stromtor_schema::schema::{charge_point, evse_id_history, location, station};

use super::{charge_point::ChargePointId, evse_prefix::EvsePrefixId, location::LocationId, station::StationId};
use crate::{
    Error, Result, Timestamp,
    error::FieldError,
    tenancy::partner::PartnerId,
    values::{CountryCode, Name},
};

/// Most charge points of one allocation.
pub const MOST_ALLOCATED: usize = 5_000;

fn parse_evse_id(text: &str) -> Result<String, String> {
    let wrong = || "is not an EVSE-ID such as DE*ISE*E1234*1".to_owned();
    let upper = text.trim().to_ascii_uppercase();
    let letters = |part: &str| part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    // <country>*<operator>*E<outlet>: two letters, three characters, E and up to 30 characters or separators. The
    // separators may be left out.
    let country = upper.get(..2).filter(|part| part.bytes().all(|b| b.is_ascii_uppercase())).ok_or_else(wrong)?;
    let rest = upper[2..].strip_prefix('*').unwrap_or(&upper[2..]);
    let operator = rest.get(..3).filter(|part| letters(part)).ok_or_else(wrong)?;
    let rest = rest[3..].strip_prefix('*').unwrap_or(&rest[3..]);
    let outlet = rest.strip_prefix('E').ok_or_else(wrong)?;
    let clean = outlet.starts_with(|c: char| c.is_ascii_alphanumeric())
        && outlet.len() <= 31
        && !outlet.ends_with('*')
        && outlet.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'*');
    if clean { Ok(format!("{country}*{operator}*E{outlet}")) } else { Err(wrong()) }
}

text! {
    /// EVSE-ID, for example `DE*ISE*E1234*1`. Input may lack the first two separators and be in lower case; it is kept
    /// with them, in upper case.
    EvseId { example: "DE*ISE*E1234*1", max: 48, parse: parse_evse_id }
}

/// EVSE-IDs are the same whatever their separators and case (eMI3 part 2): letters and digits alone, in upper
/// case.
#[must_use]
pub fn compact(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect()
}

/// An EVSE-ID that a charge point has, and where that is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object, diesel::Queryable, diesel::Selectable)]
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = charge_point, check_for_backend(diesel::pg::Pg))]
pub struct EvseIdPlace {
    /// The EVSE-ID.
    #[diesel(select_expression = charge_point::evse_id.assume_not_null())]
    #[diesel(select_expression_type = diesel::dsl::AssumeNotNull<charge_point::evse_id>)]
    pub evse_id: EvseId,
    /// The charge point that has it.
    #[diesel(column_name = id)]
    pub charge_point_id: ChargePointId,
    /// The operator's own name of the charge point.
    pub code: Name,
    /// Its operator.
    pub partner_id: PartnerId,
    /// Its station.
    pub station_id: StationId,
    /// The station's OCPP identity.
    #[diesel(select_expression = station::ocpp_identity)]
    pub ocpp_identity: String,
    /// When the station was dismantled; the EVSE-ID can be moved then.
    #[diesel(select_expression = station::dismantled_at)]
    pub dismantled_at: Option<Timestamp>,
    /// Its location.
    pub location_id: LocationId,
    /// The location's name.
    #[diesel(select_expression = location::name)]
    pub location_name: String,
}

/// A time for which a charge point had an EVSE-ID, under one operator and at one location.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object, diesel::Queryable, diesel::Selectable)]
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = evse_id_history, check_for_backend(diesel::pg::Pg))]
pub struct EvseIdUse {
    /// Counts up.
    pub id: i64,
    /// The EVSE-ID.
    pub evse_id: EvseId,
    /// The charge point; it may be deleted by now.
    pub charge_point_id: ChargePointId,
    /// Its station then.
    pub station_id: StationId,
    /// Its location then.
    pub location_id: LocationId,
    /// Its operator then.
    pub partner_id: PartnerId,
    /// From when on.
    pub used_from: Timestamp,
    /// Until when; absent while it lasts.
    pub used_until: Option<Timestamp>,
}

/// What an EVSE-ID names, and what it named before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct EvseIdFound {
    /// The EVSE-ID as it is written.
    pub evse_id: EvseId,
    /// Who has it now; absent when none of the charge points that you see has.
    pub place: Option<EvseIdPlace>,
    /// Who had it when, newest first, the 50 newest; all of them at `/v1/evse-ids/{evse_id}/history`.
    pub history: Vec<EvseIdUse>,
}

/// An EVSE-ID for one charge point.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(skip_serializing_if_is_none)]
pub struct EvseIdWish {
    /// The prefix to take a number of; one is chosen by operator and country when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix_id: Option<EvsePrefixId>,
}

/// Charge points that have no EVSE-ID, by what they are; all that is given must be met.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(skip_serializing_if_is_none)]
pub struct EvseIdChoice {
    /// Of this operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partner_id: Option<PartnerId>,
    /// At this location.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location_id: Option<LocationId>,
    /// Of this station.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub station_id: Option<StationId>,
    /// In this country.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<CountryCode>,
}

/// EVSE-IDs for many charge points.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(skip_serializing_if_is_none)]
pub struct EvseIdAllocation {
    /// The prefix to take numbers of; one is chosen by operator and country for each when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix_id: Option<EvsePrefixId>,
    /// These charge points, 1 to 5000, none of which may have an EVSE-ID; or a `filter`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[oai(default)]
    pub charge_point_ids: Vec<ChargePointId>,
    /// The charge points that have none and meet this, 5000 at a time, but for those of dismantled stations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter: Option<EvseIdChoice>,
}

impl EvseIdAllocation {
    /// The rules that concern more than one field.
    pub fn check(&self) -> Result<()> {
        match (self.charge_point_ids.len(), &self.filter) {
            (0, None) => return Err(Error::invalid("/charge_point_ids", "choose charge points, or give a filter")),
            (0, Some(_)) | (1..=MOST_ALLOCATED, None) => {}
            (_, Some(_)) => return Err(Error::invalid("/filter", "goes without charge_point_ids")),
            _ => return Err(Error::invalid("/charge_point_ids", "are at most 5000; use a filter")),
        }
        let mut seen = std::collections::HashSet::new();
        let twice = self.charge_point_ids.iter().enumerate().filter(|(_, id)| !seen.insert(**id));
        let fields: Vec<FieldError> = twice
            .map(|(at, _)| FieldError { pointer: format!("/charge_point_ids/{at}"), message: "is there twice".into() })
            .collect();
        if fields.is_empty() { Ok(()) } else { Err(Error::Invalid { fields }) }
    }
}

/// A charge point with its new EVSE-ID.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
pub struct AllocatedEvseId {
    /// The charge point.
    pub charge_point_id: ChargePointId,
    /// Its EVSE-ID.
    pub evse_id: EvseId,
}

/// The EVSE-IDs that were given out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
pub struct AllocatedEvseIds {
    /// Each charge point with its EVSE-ID, in the order of the request.
    pub items: Vec<AllocatedEvseId>,
    /// Whether more charge points meet the filter: ask again.
    pub more: bool,
}

/// Where an EVSE-ID is to go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
pub struct EvseIdMove {
    /// The charge point that is to have it: the same operator's, without an EVSE-ID.
    pub charge_point_id: ChargePointId,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn canonical_form() {
        for text in ["DE*ISE*E1234*1", "de*ise*e1234*1", "DEISEE1234*1", "DE*ISEE1234*1"] {
            assert_eq!(EvseId::parse(text).unwrap().as_str(), "DE*ISE*E1234*1", "{text}");
        }
        assert_eq!(EvseId::parse("AT*C4O*E1").unwrap().as_str(), "AT*C4O*E1");
        for text in [
            "",
            "DE",
            "DE*IS*E1",
            "D1*ISE*E1",
            "DE*ISE*1234",
            "DE*ISE*E",
            "DE*ISE*E*1",
            "DE*ISE*E1*",
            "DE*ISE*E1-2",
            "ÄÖ*ISE*E1",
        ] {
            assert!(EvseId::parse(text).is_err(), "{text}");
        }
        assert!(EvseId::parse(&format!("DE*ISE*E{}", "1".repeat(31))).is_ok());
        assert!(EvseId::parse(&format!("DE*ISE*E{}", "1".repeat(32))).is_err());
    }

    proptest! {
        #[test]
        fn never_panics(text in "\\PC*") {
            let _ = EvseId::parse(&text);
        }

        #[test]
        fn canonical_form_is_stable(country in "[A-Za-z]{2}", operator in "[A-Za-z0-9]{3}", outlet in "[A-Za-z0-9]{1,20}") {
            let once = EvseId::parse(&format!("{country}{operator}E{outlet}")).unwrap();
            prop_assert_eq!(EvseId::parse(once.as_str()).unwrap(), once.clone());
            let other = format!("{country}*{operator}*e{outlet}");
            prop_assert_eq!(compact(&other), compact(once.as_str()));
            prop_assert_eq!(EvseId::parse(&other).unwrap(), once);
        }
    }
}
