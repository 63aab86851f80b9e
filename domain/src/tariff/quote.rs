//! What a session would cost by a tariff (portal function F4), by the code that rates real ones.

use chrono_tz::Tz;
use poem_openapi::Object;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{
    price::PowerPrice,
    restriction::Restrictions,
    tariff::{TariffId, TariffVersion},
};
use crate::{
    Error, Result, Timestamp,
    billing::{
        rating::{self, ComponentKind, Cost},
        usage::{Reading, Usage},
    },
    money::{Amount, CurrencyCode, Kwh, Percent},
    network::{charge_point::CurrentType, location::TimeZone},
    values::CountryCode,
};

/// A session to be priced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(skip_serializing_if_is_none)]
pub struct QuoteInput {
    /// AC or DC.
    pub current_type: CurrentType,
    /// Energy in kWh, 0 to 100000.
    pub energy_kwh: Kwh,
    /// From plugging in to plugging out, in seconds; 0 to 31536000.
    pub duration_s: i64,
    /// When it begins; now when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// How much has been taken when, in order of time; at an even pace when empty. At most 10000.
    #[serde(default)]
    #[oai(default)]
    pub course: Vec<QuoteReading>,
    /// The country whose VAT is due, where the price has none of its own; DE when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<CountryCode>,
    /// The time zone of prices by the clock; Europe/Berlin when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<TimeZone>,
    /// The version of the tariff; the one that holds now when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<i32>,
}

/// What has been taken at some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
pub struct QuoteReading {
    /// Seconds since the begin.
    pub at_s: i64,
    /// Energy since the begin in kWh.
    pub energy_kwh: Kwh,
}

/// One price as it is shown to people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct PriceLine {
    /// What it is for: a kWh, a minute, a session.
    pub kind: ComponentKind,
    /// Without VAT.
    pub net: Amount,
    /// With VAT.
    pub gross: Amount,
    /// When it holds; absent: whenever no line of the kind above it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restrictions: Option<Restrictions>,
}

/// What a session would cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
pub struct Quote {
    /// The tariff.
    pub tariff_id: TariffId,
    /// Its version.
    pub version: i32,
    /// Currency of every price.
    pub currency: CurrencyCode,
    /// The prices, for people; of each kind the first that holds counts.
    pub prices: Vec<PriceLine>,
    /// What it costs.
    pub cost: Cost,
}

/// The country when none is named.
#[must_use]
pub fn default_country() -> CountryCode {
    CountryCode::parse("DE").unwrap_or_else(|_| unreachable!("DE is a country"))
}

impl QuoteInput {
    /// Ranges and order.
    pub fn check(&self) -> Result<()> {
        let most = Kwh::round(100_000.into());
        if self.energy_kwh < Kwh::ZERO || self.energy_kwh > most {
            return Err(Error::invalid("/energy_kwh", "must be between 0 and 100000"));
        }
        if !(0..=31_536_000).contains(&self.duration_s) {
            return Err(Error::invalid("/duration_s", "must be between 0 and 31536000"));
        }
        if self.course.len() > 10_000 {
            return Err(Error::invalid("/course", "has more than 10000 readings"));
        }
        let mut last = QuoteReading { at_s: 0, energy_kwh: Kwh::ZERO };
        for (place, reading) in self.course.iter().enumerate() {
            if reading.at_s <= last.at_s || reading.at_s >= self.duration_s {
                let why = "must be behind the one before and before the end";
                return Err(Error::invalid(format!("/course/{place}/at_s"), why));
            }
            if reading.energy_kwh < last.energy_kwh || reading.energy_kwh > self.energy_kwh {
                let why = "must not be less than the one before nor more than energy_kwh";
                return Err(Error::invalid(format!("/course/{place}/energy_kwh"), why));
            }
            last = *reading;
        }
        Ok(())
    }

    fn usage(&self, now: Timestamp) -> Usage {
        let course = self.course.iter().map(|reading| Reading { at_s: reading.at_s, energy: reading.energy_kwh });
        Usage {
            started_at: self.started_at.unwrap_or(now),
            zone: self.time_zone.as_ref().map_or(chrono_tz::Europe::Berlin, zone_of),
            duration_s: self.duration_s,
            energy: self.energy_kwh,
            course: course.collect(),
        }
    }

    /// The answer; `vat` is the country's.
    pub fn quote(&self, version: &TariffVersion, vat: Option<Percent>, now: Timestamp) -> Result<Quote> {
        self.check()?;
        let price = version
            .price(self.current_type)
            .ok_or_else(|| Error::invalid("/current_type", "the tariff has no price for it"))?;
        let vat = price.vat.or(vat).ok_or_else(|| Error::invalid("/country", "has no VAT rate here"))?;
        Ok(Quote {
            tariff_id: version.tariff_id,
            version: version.version,
            currency: version.currency.clone(),
            prices: lines(price, vat),
            cost: rating::rate(price, &self.usage(now), vat),
        })
    }
}

/// A location's time zone as the calendar knows it; its text was checked when it was parsed.
#[must_use]
pub fn zone_of(zone: &TimeZone) -> Tz {
    zone.as_str().parse().unwrap_or(Tz::UTC)
}

/// The prices for people.
#[must_use]
pub fn lines(price: &PowerPrice, vat: Percent) -> Vec<PriceLine> {
    let gross = |net: Amount| Amount::round(net.decimal() * (Decimal::ONE + vat.decimal() / Decimal::ONE_HUNDRED));
    let mut lines = Vec::new();
    let mut line = |kind, net: Option<Amount>, restrictions: Option<&Restrictions>| {
        lines.extend(net.map(|net| PriceLine { kind, net, gross: gross(net), restrictions: restrictions.cloned() }));
    };
    for element in price.elements() {
        let restrictions = Some(&element.restrictions).filter(|restrictions| **restrictions != Restrictions::default());
        line(ComponentKind::Energy, element.energy, restrictions);
        line(ComponentKind::Time, element.charging, restrictions);
        line(ComponentKind::Idle, element.idle.filter(|_| element.idle != element.charging), restrictions);
        line(ComponentKind::Session, element.flat, restrictions);
    }
    line(ComponentKind::MinPrice, price.min_price, None);
    line(ComponentKind::MaxPrice, price.max_price, None);
    lines
}
