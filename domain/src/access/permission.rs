//! Permissions to charge (portal function E1): the tokens of an EMAID group at the charge points of a charge-point group, with
//! validity, weekly windows and limits.

use chrono::{Datelike as _, NaiveDate, NaiveDateTime, TimeZone as _};
use poem_openapi::{NewType, Object};
use serde::{Deserialize, Serialize};
use stromtor_schema::schema::access_permission;

use super::emaid_group::EmaidGroupId;
use crate::{
    Error, Result, Timestamp,
    money::Kwh,
    network::{charge_point_group::ChargePointGroupId, location::TimeZone},
    tariff::{
        quote::zone_of,
        restriction::{DayOfWeek, LocalTime, Moment, Restrictions},
    },
    tenancy::partner::PartnerId,
    values::{ExternalId, Metadata, Name},
};

id! {
    /// Id of a permission to charge.
    AccessPermissionId
}

choice! {
    /// What a limit counts.
    pub enum LimitUnit {
        /// Sessions.
        Sessions = "sessions",
        /// Energy in kWh.
        Kwh = "kwh",
    }
}

choice! {
    /// Over what a limit counts, by the calendar of the charge point's place.
    pub enum LimitPeriod {
        /// A day.
        Day = "day",
        /// A month.
        Month = "month",
    }
}

/// A time of the week.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(skip_serializing_if_is_none)]
pub struct Window {
    /// On these days; on every day when empty. What goes over midnight is of the day it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[oai(default)]
    pub days_of_week: Vec<DayOfWeek>,
    /// From this time of day on, where the charge point stands; 00:00 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_time: Option<LocalTime>,
    /// Until this time of day; one before `start_time` is of the next day, the end of the day when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_time: Option<LocalTime>,
}

impl Window {
    fn restrictions(&self) -> Restrictions {
        Restrictions {
            days_of_week: self.days_of_week.clone(),
            start_time: self.start_time.clone(),
            end_time: self.end_time.clone(),
            ..Restrictions::default()
        }
    }

    /// Whether it is open at this time where the charge point stands.
    #[must_use]
    pub fn holds(&self, local: NaiveDateTime) -> bool {
        let nothing = rust_decimal::Decimal::ZERO;
        self.restrictions().hold(&Moment { local, at_s: 0, energy: nothing, power_kw: nothing })
    }
}

/// The most that one token may charge by a permission. What has begun is not cut off: it counts for the next session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// What counts.
    pub unit: LimitUnit,
    /// Over what.
    pub period: LimitPeriod,
    /// The most, 1 to 1000000; sessions are whole.
    pub most: Kwh,
}

/// The windows of a permission.
#[derive(
    Debug,
    Clone,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    NewType,
    diesel::expression::AsExpression,
    diesel::deserialize::FromSqlRow,
)]
#[oai(to_header = false, from_parameter = false, from_multipart = false)]
#[diesel(sql_type = diesel::sql_types::Jsonb)]
pub struct Windows(pub Vec<Window>);

/// The limits of a permission.
#[derive(
    Debug,
    Clone,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    NewType,
    diesel::expression::AsExpression,
    diesel::deserialize::FromSqlRow,
)]
#[oai(to_header = false, from_parameter = false, from_multipart = false)]
#[diesel(sql_type = diesel::sql_types::Jsonb)]
pub struct Limits(pub Vec<Limit>);

jsonb!(Windows, Limits);

/// What a caller may set of a permission.
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
#[diesel(table_name = access_permission, treat_none_as_null = true)]
pub struct AccessPermissionInput {
    /// Name for people.
    pub name: Name,
    /// Whose tokens may charge.
    pub emaid_group_id: EmaidGroupId,
    /// Where they may.
    pub charge_point_group_id: ChargePointGroupId,
    /// Whether it counts at all.
    #[serde(default = "yes")]
    #[oai(default = "yes")]
    pub enabled: bool,
    /// It holds from then on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<Timestamp>,
    /// It holds until then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Timestamp>,
    /// It holds at these times of the week, at most 50; always when empty.
    #[serde(default)]
    #[oai(default)]
    pub windows: Windows,
    /// The most that one token may charge by it, at most 4; without limit when empty.
    #[serde(default)]
    #[oai(default)]
    pub limits: Limits,
    /// The caller's own id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<ExternalId>,
    /// Free key/value pairs.
    #[serde(default)]
    #[oai(default)]
    pub metadata: Metadata,
}

const fn yes() -> bool {
    true
}

impl AccessPermissionInput {
    /// The rules that concern more than one field.
    pub fn check(&self) -> Result<()> {
        if let (Some(from), Some(until)) = (self.valid_from, self.valid_until)
            && until <= from
        {
            return Err(Error::invalid("/valid_until", "must be later than valid_from"));
        }
        if self.windows.0.len() > 50 {
            return Err(Error::invalid("/windows", "are at most 50"));
        }
        for (at, window) in self.windows.0.iter().enumerate() {
            window.restrictions().check(&format!("/windows/{at}"))?;
        }
        if self.limits.0.len() > 4 {
            return Err(Error::invalid("/limits", "are at most 4"));
        }
        for (at, limit) in self.limits.0.iter().enumerate() {
            let most = limit.most.decimal();
            let whole = limit.unit == LimitUnit::Kwh || most.is_integer();
            if !whole || most < 1.into() || most > 1_000_000.into() {
                return Err(Error::invalid(
                    format!("/limits/{at}/most"),
                    "must be between 1 and 1000000; sessions are whole",
                ));
            }
            let same = |other: &Limit| (other.unit, other.period) == (limit.unit, limit.period);
            if self.limits.0[..at].iter().any(same) {
                return Err(Error::invalid(format!("/limits/{at}"), "limits the same as one before"));
            }
        }
        Ok(())
    }
}

/// A permission to charge.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object, diesel::Queryable, diesel::Selectable)]
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = access_permission, check_for_backend(diesel::pg::Pg))]
pub struct AccessPermission {
    /// Id.
    pub id: AccessPermissionId,
    /// The operator that gives it.
    pub partner_id: PartnerId,
    /// What a caller may set.
    #[oai(flatten)]
    #[serde(flatten)]
    #[diesel(embed)]
    pub input: AccessPermissionInput,
    /// Counts the changes.
    pub revision: i64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// What a token has charged by a permission: sessions that began in the running day and month, where the charge point stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Used {
    /// Sessions of the day.
    pub sessions_day: i64,
    /// Sessions of the month.
    pub sessions_month: i64,
    /// Energy of the day's.
    pub kwh_day: rust_decimal::Decimal,
    /// Energy of the month's.
    pub kwh_month: rust_decimal::Decimal,
}

impl Used {
    /// Whether a limit still leaves room.
    #[must_use]
    pub fn leaves_room(&self, limit: &Limit) -> bool {
        let used = match (limit.unit, limit.period) {
            (LimitUnit::Sessions, LimitPeriod::Day) => self.sessions_day.into(),
            (LimitUnit::Sessions, LimitPeriod::Month) => self.sessions_month.into(),
            (LimitUnit::Kwh, LimitPeriod::Day) => self.kwh_day,
            (LimitUnit::Kwh, LimitPeriod::Month) => self.kwh_month,
        };
        used < limit.most.decimal()
    }
}

/// The calendar of a charge point's place at some time: what windows and limits go by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalCalendar {
    /// The time there.
    pub time: NaiveDateTime,
    /// When the day began.
    pub day: Timestamp,
    /// When the month began.
    pub month: Timestamp,
}

impl LocalCalendar {
    /// Of a time zone.
    #[must_use]
    pub fn at(zone: &TimeZone, now: Timestamp) -> Self {
        let zone = zone_of(zone);
        let time = now.utc().with_timezone(&zone).naive_local();
        // Where midnight is skipped the day begins with the first hour that is not.
        let begin = |day: NaiveDate| {
            let hours = (0..3).filter_map(|hour| day.and_hms_opt(hour, 0, 0));
            let first = hours.filter_map(|hour| zone.from_local_datetime(&hour).earliest()).next();
            first.map_or(now, |hour| Timestamp::new(hour.to_utc()))
        };
        let day = time.date();
        Self { time, day: begin(day), month: begin(day.with_day(1).unwrap_or(day)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_months_begin_where_the_charge_point_stands() {
        let at = |zone: &str, now: &str| {
            let calendar = LocalCalendar::at(&TimeZone::parse(zone).unwrap(), Timestamp::parse(now).unwrap());
            (calendar.day.to_string(), calendar.month.to_string())
        };
        // 1 April 2026, 00:30 in Berlin (summer time)
        let berlin = at("Europe/Berlin", "2026-03-31T22:30:00Z");
        assert_eq!(berlin, ("2026-03-31T22:00:00.000Z".into(), "2026-03-31T22:00:00.000Z".into()));
        // the month began in winter time
        let berlin = at("Europe/Berlin", "2026-03-31T12:00:00Z");
        assert_eq!(berlin, ("2026-03-30T22:00:00.000Z".into(), "2026-02-28T23:00:00.000Z".into()));
        // Santiago skips midnight when summer time begins
        let santiago = at("America/Santiago", "2026-09-06T12:00:00Z");
        assert_eq!(santiago.0, "2026-09-06T04:00:00.000Z");
    }
}
