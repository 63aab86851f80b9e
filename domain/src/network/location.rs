//! Locations: sites with an address and coordinates, holding stations.

use poem_openapi::Object;
use serde::{Deserialize, Serialize};
use stromtor_schema::schema::location;

use crate::{
    Error, Result, Timestamp,
    tenancy::partner::PartnerId,
    values::{CountryCode, ExternalId, Line, LongText, Metadata, Name, Phone},
};

id! {
    /// Id of a location.
    LocationId
}

fn parse_time_zone(text: &str) -> Result<String, String> {
    text.parse::<chrono_tz::Tz>()
        .map(|zone| zone.name().to_owned())
        .map_err(|_| "is not an IANA time zone such as Europe/Berlin".into())
}

text! {
    /// Time zone by its IANA name.
    TimeZone { example: "Europe/Berlin", max: 64, parse: parse_time_zone }
}

fn parse_time_of_day(text: &str) -> Result<String, String> {
    let valid = text.len() == 5
        && text.split_once(':').is_some_and(|(hour, minute)| {
            hour.len() == 2
                && minute.len() == 2
                && hour.parse::<u8>().is_ok_and(|hour| hour < 24)
                && minute.parse::<u8>().is_ok_and(|minute| minute < 60)
        });
    if valid || text == "24:00" { Ok(text.to_owned()) } else { Err("is not a time of day such as 08:30".into()) }
}

text! {
    /// Time of day in the location's time zone, `00:00` to `24:00`.
    TimeOfDay { example: "08:30", max: 5, parse: parse_time_of_day }
}

/// A postal address.
#[derive(
    Debug,
    Clone,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    Object,
    schemars::JsonSchema,
    diesel::expression::AsExpression,
    diesel::deserialize::FromSqlRow,
)]
#[serde(deny_unknown_fields)]
#[oai(skip_serializing_if_is_none)]
#[diesel(sql_type = diesel::sql_types::Jsonb)]
pub struct Address {
    /// Street and house number.
    pub street: Line,
    /// Postal code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<Line>,
    /// Town.
    pub city: Line,
    /// State or province.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<Line>,
    /// Country.
    pub country: CountryCode,
    /// What helps to find it, in the local language [Adresszusatz].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suffix: Option<Line>,
    /// The same in English.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suffix_en: Option<Line>,
}

/// Where it is, WGS 84. The two are degrees; they are neither money nor energy, so floats.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Serialize,
    Deserialize,
    Object,
    schemars::JsonSchema,
    diesel::expression::AsExpression,
    diesel::deserialize::FromSqlRow,
)]
#[serde(deny_unknown_fields)]
#[diesel(sql_type = diesel::sql_types::Jsonb)]
pub struct Coordinates {
    /// Degrees north, -90 to 90.
    pub latitude: f64,
    /// Degrees east, -180 to 180.
    pub longitude: f64,
}

/// A regular opening period on one weekday.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OpeningPeriod {
    /// 1 is Monday, 7 is Sunday.
    pub weekday: u8,
    /// Opens at.
    pub from: TimeOfDay,
    /// Closes at; later than `from`.
    pub to: TimeOfDay,
}

/// When the location is open. Shape of OCPI 2.2.1 `Hours`.
#[derive(
    Debug,
    Clone,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    Object,
    schemars::JsonSchema,
    diesel::expression::AsExpression,
    diesel::deserialize::FromSqlRow,
)]
#[serde(deny_unknown_fields)]
#[diesel(sql_type = diesel::sql_types::Jsonb)]
pub struct OpeningHours {
    /// Always open; then `regular` is empty.
    pub twenty_four_seven: bool,
    /// Weekly periods, at most 50.
    #[serde(default)]
    #[oai(default)]
    pub regular: Vec<OpeningPeriod>,
}

choice! {
    /// Where energy comes from. Words of OCPI 2.2.1 `EnergySourceCategory`, in lower case.
    pub enum EnergySourceKind {
        /// Nuclear power.
        Nuclear = "nuclear",
        /// All kinds of fossil power.
        GeneralFossil = "general_fossil",
        /// Coal.
        Coal = "coal",
        /// Gas.
        Gas = "gas",
        /// All kinds of regenerative power.
        GeneralGreen = "general_green",
        /// Photovoltaics.
        Solar = "solar",
        /// Wind.
        Wind = "wind",
        /// Hydropower.
        Water = "water",
    }
}

/// A source's share of the energy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EnergySource {
    /// Which source.
    pub source: EnergySourceKind,
    /// Whole percent, 0 to 100.
    pub percentage: u8,
}

/// The energy mix of a location. Shape of OCPI 2.2.1 `EnergyMix`.
#[derive(
    Debug,
    Clone,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    Object,
    schemars::JsonSchema,
    diesel::expression::AsExpression,
    diesel::deserialize::FromSqlRow,
)]
#[serde(deny_unknown_fields)]
#[oai(skip_serializing_if_is_none)]
#[diesel(sql_type = diesel::sql_types::Jsonb)]
pub struct EnergyMix {
    /// Whether all of it is green energy.
    pub is_green_energy: bool,
    /// Shares, at most 20; together at most 100 percent.
    #[serde(default)]
    #[oai(default)]
    pub sources: Vec<EnergySource>,
    /// Name of the supplier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supplier: Option<Name>,
    /// Name of the product.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product: Option<Name>,
}

jsonb!(Address, Coordinates, OpeningHours, EnergyMix);

/// What a caller may set of a location.
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
#[diesel(table_name = location, treat_none_as_null = true)]
pub struct LocationInput {
    /// Name for people.
    pub name: Name,
    /// Postal address.
    pub address: Address,
    /// Position on the map.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coordinates: Option<Coordinates>,
    /// Time zone; opening hours and time-of-day prices are in it.
    pub time_zone: TimeZone,
    /// When it is open; unknown when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opening_hours: Option<OpeningHours>,
    /// Where its energy comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub energy_mix: Option<EnergyMix>,
    /// Telephone drivers call; the partner's when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hotline: Option<Phone>,
    /// How to get there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub directions: Option<LongText>,
    /// The caller's own id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<ExternalId>,
    /// Free key/value pairs.
    #[serde(default)]
    #[oai(default)]
    pub metadata: Metadata,
}

/// A location.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object, diesel::Queryable, diesel::Selectable)]
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = location, check_for_backend(diesel::pg::Pg))]
pub struct Location {
    /// Id.
    pub id: LocationId,
    /// The operator it belongs to.
    pub partner_id: PartnerId,
    /// What a caller may set.
    #[oai(flatten)]
    #[serde(flatten)]
    #[diesel(embed)]
    pub input: LocationInput,
    /// Counts the changes; `ETag` is made of it.
    pub revision: i64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl LocationInput {
    /// The rules that concern more than one field.
    pub fn check(&self) -> Result<()> {
        if let Some(at) = &self.coordinates {
            for (value, most, field) in [(at.latitude, 90.0, "latitude"), (at.longitude, 180.0, "longitude")] {
                if !(-most..=most).contains(&value) {
                    return Err(Error::invalid(
                        format!("/coordinates/{field}"),
                        format!("must be between -{most} and {most} degrees"),
                    ));
                }
            }
        }
        if let Some(hours) = &self.opening_hours {
            if hours.regular.len() > 50 {
                return Err(Error::invalid("/opening_hours/regular", "has more than 50 periods"));
            }
            if let Some(at) = hours.regular.iter().position(|period| !(1..=7).contains(&period.weekday)) {
                return Err(Error::invalid(
                    format!("/opening_hours/regular/{at}/weekday"),
                    "must be 1 (Monday) to 7 (Sunday)",
                ));
            }
            if hours.twenty_four_seven && !hours.regular.is_empty() {
                return Err(Error::invalid("/opening_hours/regular", "must be empty when twenty_four_seven is true"));
            }
            if let Some(at) = hours.regular.iter().position(|period| period.from >= period.to) {
                return Err(Error::invalid(format!("/opening_hours/regular/{at}/to"), "must be later than from"));
            }
        }
        if let Some(mix) = &self.energy_mix
            && mix.sources.len() > 20
        {
            return Err(Error::invalid("/energy_mix/sources", "has more than 20 entries"));
        }
        if let Some(mix) = &self.energy_mix
            && mix.sources.iter().map(|source| u32::from(source.percentage)).sum::<u32>() > 100
        {
            return Err(Error::invalid("/energy_mix/sources", "add up to more than 100 percent"));
        }
        Ok(())
    }
}
