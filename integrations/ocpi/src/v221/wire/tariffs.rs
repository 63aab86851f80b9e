//! Tariffs (OCPI 2.2.1 chapter 11). Prices are net; time is priced by the hour.

use serde::{Deserialize, Serialize};

use super::{
    common::{DisplayText, Price},
    locations::EnergyMix,
};
use crate::values::{CiString, DateTime, Number, Text, Url, words};

/// A tariff (section 11.3.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tariff {
    pub country_code: CiString<2>,
    pub party_id: CiString<3>,
    pub id: CiString<36>,
    pub currency: Text<3>,
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<TariffType>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tariff_alt_text: Vec<DisplayText>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tariff_alt_url: Option<Url>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_price: Option<Price>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_price: Option<Price>,
    /// In order: for each dimension the first whose restrictions hold counts.
    pub elements: Vec<TariffElement>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_date_time: Option<DateTime>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_date_time: Option<DateTime>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub energy_mix: Option<EnergyMix>,
    pub last_updated: DateTime,
}

/// Prices that hold together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TariffElement {
    pub price_components: Vec<PriceComponent>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restrictions: Option<TariffRestrictions>,
}

/// The price of a dimension.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceComponent {
    #[serde(rename = "type")]
    pub kind: TariffDimensionType,
    /// Per kWh, per hour, per session; net.
    pub price: Number,
    /// Percent; absent where none applies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vat: Option<Number>,
    /// Wh or seconds that are begun are paid; 1: no rounding.
    pub step_size: u32,
}

/// When an element holds; all of them together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TariffRestrictions {
    /// `HH:MM` of the site's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_time: Option<Text<5>>,
    /// Before the start: over midnight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_time: Option<Text<5>>,
    /// `YYYY-MM-DD`, inclusive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_date: Option<Text<10>>,
    /// Exclusive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_date: Option<Text<10>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_kwh: Option<Number>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_kwh: Option<Number>,
    /// A, over all phases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_current: Option<Number>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_current: Option<Number>,
    /// kW.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_power: Option<Number>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_power: Option<Number>,
    /// Seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_duration: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_duration: Option<u64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub day_of_week: Vec<DayOfWeek>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reservation: Option<ReservationRestrictionType>,
}

words! {
    /// What is priced.
    TariffDimensionType { Energy = "ENERGY", Flat = "FLAT", ParkingTime = "PARKING_TIME", Time = "TIME" }
}

words! {
    /// For whom a tariff is.
    TariffType { AdHocPayment = "AD_HOC_PAYMENT", ProfileCheap = "PROFILE_CHEAP", ProfileFast = "PROFILE_FAST",
        ProfileGreen = "PROFILE_GREEN", Regular = "REGULAR" }
}

words! {
    /// A day of the week.
    DayOfWeek { Monday = "MONDAY", Tuesday = "TUESDAY", Wednesday = "WEDNESDAY", Thursday = "THURSDAY", Friday = "FRIDAY",
        Saturday = "SATURDAY", Sunday = "SUNDAY" }
}

words! {
    /// Whether an element prices reservations.
    ReservationRestrictionType { Reservation = "RESERVATION", ReservationExpires = "RESERVATION_EXPIRES" }
}
