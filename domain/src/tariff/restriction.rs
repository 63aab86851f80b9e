//! When a price element holds: the restrictions of OCPI 2.2.1 (section 11.4.6), in the words of this API.
//!
//! Every one that is given must be met. Ranges include their begin and exclude their end.

use chrono::{Datelike as _, NaiveDate, NaiveDateTime, NaiveTime};
use poem_openapi::Object;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::{Error, Result, money::Kwh};

fn parse_time(text: &str) -> Result<String, String> {
    NaiveTime::parse_from_str(text, "%H:%M")
        .ok()
        .filter(|_| text.len() == 5)
        .map(|_| text.to_owned())
        .ok_or_else(|| "is not a time such as 18:30".to_owned())
}

fn parse_date(text: &str) -> Result<String, String> {
    NaiveDate::parse_from_str(text, "%Y-%m-%d")
        .ok()
        .filter(|_| text.len() == 10)
        .map(|_| text.to_owned())
        .ok_or_else(|| "is not a date such as 2026-11-23".to_owned())
}

text! {
    /// Time of day where the charge point stands, 24 hours, `HH:MM`.
    LocalTime { example: "18:30", max: 5, parse: parse_time }
}

text! {
    /// Date where the charge point stands, `YYYY-MM-DD`.
    LocalDate { example: "2026-11-23", max: 10, parse: parse_date }
}

impl LocalTime {
    fn time(&self) -> NaiveTime {
        NaiveTime::parse_from_str(self.as_str(), "%H:%M").unwrap_or_default()
    }
}

impl LocalDate {
    fn date(&self) -> NaiveDate {
        NaiveDate::parse_from_str(self.as_str(), "%Y-%m-%d").unwrap_or_default()
    }
}

choice! {
    /// Day of the week where the charge point stands.
    pub enum DayOfWeek {
        /// Monday.
        Monday = "monday",
        /// Tuesday.
        Tuesday = "tuesday",
        /// Wednesday.
        Wednesday = "wednesday",
        /// Thursday.
        Thursday = "thursday",
        /// Friday.
        Friday = "friday",
        /// Saturday.
        Saturday = "saturday",
        /// Sunday.
        Sunday = "sunday",
    }
}

impl DayOfWeek {
    fn of(date: NaiveDate) -> Self {
        match date.weekday() {
            chrono::Weekday::Mon => Self::Monday,
            chrono::Weekday::Tue => Self::Tuesday,
            chrono::Weekday::Wed => Self::Wednesday,
            chrono::Weekday::Thu => Self::Thursday,
            chrono::Weekday::Fri => Self::Friday,
            chrono::Weekday::Sat => Self::Saturday,
            chrono::Weekday::Sun => Self::Sunday,
        }
    }
}

/// When a price element holds. All that is given must be met; nothing given: always.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(skip_serializing_if_is_none)]
pub struct Restrictions {
    /// From this time of day on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_time: Option<LocalTime>,
    /// Until this time of day; one before `start_time` is of the next day, 00:00 the end of the day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_time: Option<LocalTime>,
    /// From the begin of this day on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_date: Option<LocalDate>,
    /// Until the begin of this day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_date: Option<LocalDate>,
    /// On these days; on every day when empty. What goes over midnight is of the day it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[oai(default)]
    pub days_of_week: Vec<DayOfWeek>,
    /// Once the session has taken this many kWh.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_kwh: Option<Kwh>,
    /// Before the session has taken this many kWh.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_kwh: Option<Kwh>,
    /// While at least this much power flows, in kW: the mean between two readings of the meter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_power_kw: Option<Kwh>,
    /// While less than this much power flows, in kW.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_power_kw: Option<Kwh>,
    /// From this minute of the session on, idle time included; 0 to 10080.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_minute: Option<i32>,
    /// Until this minute of the session; 1 to 10080.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until_minute: Option<i32>,
}

/// Where a session stands when a period of it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// The time where the charge point stands.
    pub local: NaiveDateTime,
    /// Seconds since the session began.
    pub at_s: i64,
    /// Energy taken so far.
    pub energy: Decimal,
    /// Power that flows in kW.
    pub power_kw: Decimal,
}

impl Restrictions {
    /// Ranges and order; `at` is the JSON pointer of these restrictions.
    pub fn check(&self, at: &str) -> Result<()> {
        let wrong = |field: &str, why: &str| Err(Error::invalid(format!("{at}/{field}"), why.to_owned()));
        if let (Some(start), Some(end)) = (&self.start_date, &self.end_date)
            && start.date() >= end.date()
        {
            return wrong("end_date", "must be behind start_date");
        }
        if self.start_time.is_some() && self.start_time == self.end_time {
            return wrong("end_time", "must not be start_time");
        }
        let ranges = [("kwh", self.min_kwh, self.max_kwh), ("power_kw", self.min_power_kw, self.max_power_kw)];
        for (name, min, max) in ranges {
            let most = Kwh::round(Decimal::from(1_000_000));
            if min.is_some_and(|min| min < Kwh::ZERO || min > most) {
                return wrong(&format!("min_{name}"), "must be between 0 and 1000000");
            }
            if max.is_some_and(|max| max <= min.unwrap_or(Kwh::ZERO) || max > most) {
                return wrong(&format!("max_{name}"), "must be more than the least, and at most 1000000");
            }
        }
        let minutes = 0..=10_080;
        if self.from_minute.is_some_and(|minute| !minutes.contains(&minute)) {
            return wrong("from_minute", "must be between 0 and 10080");
        }
        match self.until_minute {
            Some(until) if !minutes.contains(&until) || until <= self.from_minute.unwrap_or(0) => {
                wrong("until_minute", "must be behind from_minute, 1 to 10080")
            }
            _ => Ok(()),
        }
    }

    /// Whether all are met by a period that begins so.
    #[must_use]
    pub fn hold(&self, moment: &Moment) -> bool {
        let (date, time) = (moment.local.date(), moment.local.time());
        let at_least = |least: Option<Kwh>, value: Decimal| least.is_none_or(|least| value >= least.decimal());
        let below = |most: Option<Kwh>, value: Decimal| most.is_none_or(|most| value < most.decimal());
        self.holds_at(time)
            && self.start_date.as_ref().is_none_or(|start| date >= start.date())
            && self.end_date.as_ref().is_none_or(|end| date < end.date())
            && (self.days_of_week.is_empty() || self.days_of_week.contains(&DayOfWeek::of(date)))
            && at_least(self.min_kwh, moment.energy)
            && below(self.max_kwh, moment.energy)
            && at_least(self.min_power_kw, moment.power_kw)
            && below(self.max_power_kw, moment.power_kw)
            && self.from_minute.is_none_or(|minute| moment.at_s >= i64::from(minute) * 60)
            && self.until_minute.is_none_or(|minute| moment.at_s < i64::from(minute) * 60)
    }

    fn holds_at(&self, time: NaiveTime) -> bool {
        let start = self.start_time.as_ref().map(LocalTime::time).unwrap_or_default();
        match self.end_time.as_ref().map(LocalTime::time) {
            None => time >= start,
            Some(end) if end == NaiveTime::MIN => time >= start,
            Some(end) if end < start => time >= start || time < end,
            Some(end) => (start..end).contains(&time),
        }
    }

    /// Times of day at which something begins or ends.
    pub fn times(&self) -> impl Iterator<Item = NaiveTime> {
        let of_days = self.start_date.is_some() || self.end_date.is_some() || !self.days_of_week.is_empty();
        let times = [self.start_time.as_ref(), self.end_time.as_ref()];
        let midnight = (of_days || self.start_time.is_some() || self.end_time.is_some()).then_some(NaiveTime::MIN);
        times.into_iter().flatten().map(LocalTime::time).chain(midnight)
    }

    /// Energy at which something begins or ends.
    pub fn energies(&self) -> impl Iterator<Item = Kwh> {
        [self.min_kwh, self.max_kwh].into_iter().flatten()
    }

    /// Seconds of the session at which something begins or ends.
    pub fn seconds(&self) -> impl Iterator<Item = i64> {
        [self.from_minute, self.until_minute].into_iter().flatten().map(|minute| i64::from(minute) * 60)
    }

    /// Whether it can be told only from how the energy was spread over the session.
    #[must_use]
    pub fn ask_for_course(&self) -> bool {
        let Self { from_minute: _, until_minute: _, start_time, end_time, start_date, end_date, days_of_week, .. } =
            self;
        let of_clock = start_time.is_some() || end_time.is_some() || start_date.is_some() || end_date.is_some();
        let of_energy = self.energies().next().is_some() || self.min_power_kw.is_some() || self.max_power_kw.is_some();
        of_clock || of_energy || !days_of_week.is_empty()
    }
}
