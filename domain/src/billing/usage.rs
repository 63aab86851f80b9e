//! What a session used, cut into periods in which the same prices hold.
//!
//! Energy is spread evenly between two readings of the meter. Times are whole seconds since the begin of the session, and
//! energies are cut to the milliwatt-hour so that the periods' sum is the session's.

use chrono::{NaiveTime, Offset as _, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Tz;
use rust_decimal::Decimal;

use crate::{
    Timestamp,
    money::Kwh,
    tariff::{
        price::Element,
        restriction::{Moment, Restrictions},
    },
};

/// What was used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    /// When it began.
    pub started_at: Timestamp,
    /// The time zone of the charge point.
    pub zone: Tz,
    /// From start to end, in seconds; idle time is part of it.
    pub duration_s: i64,
    /// Energy.
    pub energy: Kwh,
    /// How much had been used when, in between; all at an even pace when empty.
    pub course: Vec<Reading>,
}

/// What had been used at some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// Seconds since the begin.
    pub at_s: i64,
    /// Energy since the begin.
    pub energy: Kwh,
}

/// A part of a session in which the same elements hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// Seconds from the begin of the session to that of the part.
    pub at_s: i64,
    /// How long it is.
    pub duration_s: i64,
    /// Energy of the part.
    pub energy: Decimal,
    /// Mean power in kW.
    pub power_kw: Decimal,
    /// Whether no energy flowed.
    pub idle: bool,
    /// What holds.
    pub holds: Holds,
}

/// Which element prices what: places in the price's list of elements.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Holds {
    /// Energy.
    pub energy: Option<usize>,
    /// Charging time.
    pub charging: Option<usize>,
    /// Idle time.
    pub idle: Option<usize>,
    /// The session fee.
    pub flat: Option<usize>,
}

impl Holds {
    /// For each dimension the first element that holds and prices it.
    fn of(elements: &[Element], moment: &Moment) -> Self {
        let mut holds = Self::default();
        for (place, element) in elements.iter().enumerate().filter(|(_, element)| element.restrictions.hold(moment)) {
            let first = |slot: &mut Option<usize>, priced: bool| *slot = slot.or(priced.then_some(place));
            first(&mut holds.energy, element.energy.is_some());
            first(&mut holds.charging, element.charging.is_some());
            first(&mut holds.idle, element.idle.is_some());
            first(&mut holds.flat, element.flat.is_some());
        }
        holds
    }
}

/// A point of the course: seconds, energy.
type Point = (i64, Decimal);

impl Usage {
    /// A session of which no more is known than this.
    #[must_use]
    pub const fn even(started_at: Timestamp, zone: Tz, duration_s: i64, energy: Kwh) -> Self {
        Self { started_at, zone, duration_s, energy, course: Vec::new() }
    }

    /// The parts by these elements, in order, as few as possible.
    #[must_use]
    pub fn parts(&self, elements: &[Element]) -> Vec<Part> {
        let restrictions: Vec<&Restrictions> = elements.iter().map(|element| &element.restrictions).collect();
        let times = self.times(&restrictions);
        let energies: Vec<Decimal> = restrictions.iter().flat_map(|one| one.energies()).map(Kwh::decimal).collect();
        let mut parts: Vec<Part> = Vec::new();
        for stretch in self.points().windows(2) {
            let (from, to) = (stretch[0], stretch[1]);
            let (seconds, energy) = (to.0 - from.0, to.1 - from.1);
            let power_kw = match seconds {
                0 => Decimal::ZERO,
                seconds => energy * Decimal::from(3600) / Decimal::from(seconds),
            };
            for piece in cut(from, to, &times, &energies).windows(2) {
                let (from, to) = (piece[0], piece[1]);
                let moment = Moment { local: self.local(from.0), at_s: from.0, energy: from.1, power_kw };
                let part = Part {
                    at_s: from.0,
                    duration_s: to.0 - from.0,
                    energy: to.1 - from.1,
                    power_kw,
                    idle: energy.is_zero(),
                    holds: Holds::of(elements, &moment),
                };
                match parts.last_mut() {
                    Some(last) if last.holds == part.holds && last.idle == part.idle => {
                        last.duration_s += part.duration_s;
                        last.energy += part.energy;
                    }
                    _ => parts.push(part),
                }
            }
        }
        parts
    }

    /// Begin, what was read in between as far as it makes sense, end.
    fn points(&self) -> Vec<Point> {
        let (end, total) = (self.duration_s.max(0), self.energy.decimal().max(Decimal::ZERO));
        let mut points = vec![(0, Decimal::ZERO)];
        for reading in &self.course {
            let (last_s, last_energy) = points[points.len() - 1];
            let energy = reading.energy.decimal().min(total);
            if reading.at_s > last_s && reading.at_s < end && energy >= last_energy {
                points.push((reading.at_s, energy));
            }
        }
        points.push((end, total));
        points
    }

    fn local(&self, at_s: i64) -> chrono::NaiveDateTime {
        self.instant(at_s).with_timezone(&self.zone).naive_local()
    }

    fn instant(&self, at_s: i64) -> chrono::DateTime<Utc> {
        self.started_at.utc() + TimeDelta::seconds(at_s)
    }

    /// Seconds at which something may begin or end by the clock.
    fn times(&self, restrictions: &[&Restrictions]) -> Vec<i64> {
        let mut times: Vec<i64> = restrictions.iter().flat_map(|one| one.seconds()).collect();
        let clocks: std::collections::BTreeSet<NaiveTime> = restrictions.iter().flat_map(|one| one.times()).collect();
        if !clocks.is_empty() {
            let mut day = self.local(0).date();
            let last = self.local(self.duration_s).date();
            while day <= last {
                for clock in &clocks {
                    let instants = self.zone.from_local_datetime(&day.and_time(*clock));
                    let found = [instants.earliest(), instants.latest()];
                    times.extend(found.into_iter().flatten().map(|instant| self.seconds(instant.to_utc())));
                }
                let Some(next) = day.succ_opt() else { break };
                day = next;
            }
            times.extend(self.changes_of_offset());
        }
        times.retain(|at_s| (1..self.duration_s).contains(at_s));
        times.sort_unstable();
        times.dedup();
        times
    }

    /// The first whole second of the session at or behind an instant.
    fn seconds(&self, instant: chrono::DateTime<Utc>) -> i64 {
        let millis = (instant - self.started_at.utc()).num_milliseconds();
        millis.div_euclid(1000) + i64::from(millis.rem_euclid(1000) > 0)
    }

    /// When clocks are put forward or back: at a half or whole hour, everywhere.
    fn changes_of_offset(&self) -> Vec<i64> {
        let offset = |instant: chrono::DateTime<Utc>| self.zone.offset_from_utc_datetime(&instant.naive_utc()).fix();
        let (begin, end) = (self.instant(0), self.instant(self.duration_s));
        let half_hour = 1800;
        let mut at = begin.timestamp().div_euclid(half_hour) * half_hour + half_hour;
        let mut before = offset(begin);
        let mut changes = Vec::new();
        while at < end.timestamp() {
            let Some(instant) = chrono::DateTime::from_timestamp(at, 0) else { break };
            let after = offset(instant);
            if after != before {
                changes.push(self.seconds(instant));
                before = after;
            }
            at += half_hour;
        }
        changes
    }
}

/// A stretch at an even pace, cut at these times and energies.
fn cut(from: Point, to: Point, times: &[i64], energies: &[Decimal]) -> Vec<Point> {
    let (seconds, energy) = (Decimal::from(to.0 - from.0), to.1 - from.1);
    let mut points = vec![from, to];
    for at_s in times.iter().copied().filter(|at_s| (from.0 + 1..to.0).contains(at_s)) {
        points.push((at_s, (from.1 + energy * Decimal::from(at_s - from.0) / seconds).round_dp(6)));
    }
    for reached in energies.iter().copied().filter(|reached| *reached > from.1 && *reached < to.1) {
        let after = (seconds * (reached - from.1) / energy).ceil();
        points.push((from.0 + i64::try_from(after).unwrap_or_default(), reached));
    }
    points.sort_unstable();
    points.dedup();
    points
}
