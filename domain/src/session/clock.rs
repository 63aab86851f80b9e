//! Which times to believe: a station's clock may be unset, ahead, or jump; reports may arrive hours late.

use chrono::{DateTime, TimeDelta};

use crate::{
    Timestamp,
    session::finding::{Finding, Findings},
};

/// Before this no station of ours was built: a clock that shows it was never set.
const EARLIEST_MS: i64 = 1_577_836_800_000; // 2020-01-01

/// Whether a clock that shows this was never set.
#[must_use]
pub const fn is_unset(at: Timestamp) -> bool {
    at.millis() < EARLIEST_MS
}

/// The time of a report: the station's, however late it comes (it may have been offline), unless its clock is unset or
/// ahead of ours by more than `tolerance`; then the time of receipt.
#[must_use]
pub fn believed(
    at: Option<Timestamp>,
    received: Timestamp,
    tolerance: TimeDelta,
    findings: &mut Findings,
) -> Timestamp {
    match at {
        None => received,
        Some(at) if is_unset(at) || at > received + tolerance => {
            findings.note(Finding::ClockDoubted);
            received
        }
        // Slightly ahead is right; but nothing has happened in the future.
        Some(at) => at.min(received),
    }
}

/// When a session ended. A clock that jumped backwards in between would make it end before it began: then it lasted as long
/// as it took between the two receipts.
#[must_use]
pub fn end(
    started: Timestamp,
    start_received: Timestamp,
    stop: Option<Timestamp>,
    stop_received: Timestamp,
    tolerance: TimeDelta,
    findings: &mut Findings,
) -> Timestamp {
    let ended = believed(stop, stop_received, tolerance, findings);
    if ended >= started {
        return ended;
    }
    findings.note(Finding::ClockJumped);
    started + (stop_received - start_received).max(TimeDelta::zero())
}

/// Seconds between two times, never negative.
#[must_use]
pub fn seconds(from: Timestamp, to: Timestamp) -> i64 {
    (to - from).num_seconds().max(0)
}

/// A time of a signed record, milliseconds since 1970, if it can be one.
#[must_use]
pub fn of_millis(millis: i64) -> Option<Timestamp> {
    DateTime::from_timestamp_millis(millis).map(Timestamp::new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: i64 = 1_795_454_743_000;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(NOW + seconds * 1000)
    }

    #[test]
    fn late_is_believed_unset_and_ahead_are_not() {
        let tolerance = TimeDelta::seconds(300);
        for (stamp, expected, doubted) in [
            (Some(at(-86_400)), at(-86_400), false),
            (Some(at(10)), at(0), false),
            (Some(at(301)), at(0), true),
            (Some(Timestamp::from_millis(5000)), at(0), true),
            (None, at(0), false),
        ] {
            let mut findings = Findings::default();
            assert_eq!(believed(stamp, at(0), tolerance, &mut findings), expected, "{stamp:?}");
            assert_eq!(findings.has(Finding::ClockDoubted), doubted, "{stamp:?}");
        }
    }

    proptest! {
        #[test]
        fn never_ends_before_it_began(start in -90_000_i64..0, stop in -90_000_i64..9_000, took in 0_i64..9_000) {
            let (mut findings, tolerance) = (Findings::default(), TimeDelta::seconds(300));
            let ended = end(at(start), at(0), Some(at(stop)), at(took), tolerance, &mut findings);
            prop_assert!(ended >= at(start));
            prop_assert!(ended <= at(took));
        }
    }
}
