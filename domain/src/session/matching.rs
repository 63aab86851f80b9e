//! Which session an end belongs to. Stations repeat ends, and end transactions by numbers of their own.

use rust_decimal::Decimal;

use crate::{
    Timestamp,
    access::decide::normalise_uid,
    session::{register, report::StopReport},
};

/// A session of the station that an end may belong to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The number we gave.
    pub transaction_id: i32,
    /// Whether it runs.
    pub running: bool,
    /// Whether it was only presumed to have ended, for another began at its connector.
    pub presumed_ended: bool,
    /// Who charged.
    pub id_tag: Option<String>,
    /// The register at its start, where it is known.
    pub meter_start: Option<Decimal>,
    /// The register at its end, once reported.
    pub meter_stop: Option<Decimal>,
    /// Its end.
    pub ended_at: Option<Timestamp>,
}

/// Which of the candidates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Match {
    /// The one that it names, still open.
    Named(usize),
    /// It names none of ours; this one is open, and who charged, or failing that the register, fits no other.
    ByDriver(usize),
    /// It was reported before.
    Repeated(usize),
    /// None.
    None,
}

/// Finds the session that ends. `number` is the transaction's number if it can be one of ours; `stopped` its time.
#[must_use]
pub fn find(candidates: &[Candidate], number: Option<i32>, stop: &StopReport, stopped: Timestamp) -> Match {
    if let Some(at) = candidates.iter().position(|candidate| Some(candidate.transaction_id) == number) {
        let open = candidates[at].running || candidates[at].presumed_ended;
        return if open { Match::Named(at) } else { Match::Repeated(at) };
    }
    let tag = stop.id_tag.as_deref().map(normalise_uid);
    let same_driver = |candidate: &Candidate| tag.is_none() || candidate.id_tag.as_deref().map(normalise_uid) == tag;
    let reported = |candidate: &Candidate| {
        !candidate.running
            && candidate.meter_stop.is_some()
            && candidate.meter_stop == stop.meter_stop
            && candidate.ended_at == Some(stopped)
            && same_driver(candidate)
    };
    if let Some(at) = candidates.iter().position(reported) {
        return Match::Repeated(at);
    }
    let open: Vec<usize> =
        (0..candidates.len()).filter(|at| candidates[*at].running && same_driver(&candidates[*at])).collect();
    match open[..] {
        [at] => Match::ByDriver(at),
        _ => by_register(candidates, &open, stop).map_or(Match::None, Match::ByDriver),
    }
}

/// The only one that began at the register with which the readings of the end begin; failing that, of one driver's, the only
/// one that began below the register at the end.
fn by_register(candidates: &[Candidate], open: &[usize], stop: &StopReport) -> Option<usize> {
    let only = |fits: &dyn Fn(Decimal) -> bool| {
        let mut fitting = open.iter().filter(|at| candidates[**at].meter_start.is_some_and(fits));
        fitting.next().filter(|_| fitting.next().is_none()).copied()
    };
    let began = register::first_wh(&stop.samples).and_then(|first| only(&|start| start == first));
    let below = |end: Decimal| only(&|start| start <= end);
    began.or_else(|| stop.meter_stop.filter(|_| stop.id_tag.is_some()).and_then(below))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(number: i32, running: bool, tag: &str) -> Candidate {
        Candidate {
            transaction_id: number,
            running,
            presumed_ended: false,
            id_tag: Some(tag.into()),
            meter_start: Some(100.into()),
            meter_stop: (!running).then(|| 500.into()),
            ended_at: (!running).then(|| Timestamp::from_millis(1)),
        }
    }

    fn stop(tag: Option<&str>) -> StopReport {
        StopReport {
            transaction_id: 0,
            id_tag: tag.map(Into::into),
            meter_stop: Some(500.into()),
            at: None,
            at_raw: String::new(),
            reason: "Local".into(),
            samples: Vec::new(),
        }
    }

    #[test]
    fn every_case() {
        let running = [candidate(1, true, "AA"), candidate(2, true, "BB"), candidate(3, false, "CC")];
        let now = Timestamp::from_millis(9);
        for (number, tag, at, expected) in [
            (Some(2), None, now, Match::Named(1)),
            (Some(3), None, now, Match::Repeated(2)),
            (Some(77), Some("b-b"), now, Match::ByDriver(1)),
            (None, Some("aa"), now, Match::ByDriver(0)),
            (None, None, now, Match::None),
            (None, Some("ZZ"), now, Match::None),
            (None, Some("CC"), Timestamp::from_millis(1), Match::Repeated(2)),
        ] {
            assert_eq!(find(&running, number, &stop(tag), at), expected, "{number:?} {tag:?}");
        }
        assert_eq!(find(&running[..1], None, &stop(None), now), Match::ByDriver(0));
        let mut presumed = running;
        presumed[2].presumed_ended = true;
        assert_eq!(find(&presumed, Some(3), &stop(None), now), Match::Named(2));
        // Two cars of one driver: it is not for us to choose.
        let twins = [candidate(1, true, "AA"), candidate(2, true, "AA")];
        assert_eq!(find(&twins, None, &stop(Some("AA")), now), Match::None);
    }

    #[test]
    fn the_register_tells_sessions_of_one_driver_apart() {
        let now = Timestamp::from_millis(9);
        let mut twins = [candidate(1, true, "AA"), candidate(2, true, "AA")];
        twins[1].meter_start = Some(90_000.into());
        assert_eq!(find(&twins, None, &stop(Some("AA")), now), Match::ByDriver(0), "it ended below the other's start");
        assert_eq!(find(&twins, None, &stop(None), now), Match::None, "nobody says who");
        let begin = |value: &str| {
            let mut stop = stop(None);
            let sample = serde_json::json!({ "value": value, "context": "Transaction.Begin", "signed": false,
                "measurand": "Energy.Active.Import.Register", "phase": null, "location": "Outlet", "unit": "Wh" });
            stop.samples = vec![serde_json::from_value(serde_json::json!({ "at": null, "values": [sample] })).unwrap()];
            stop
        };
        assert_eq!(find(&twins, Some(77), &begin("90000"), now), Match::ByDriver(1));
        assert_eq!(find(&twins, Some(77), &begin("90001"), now), Match::None);
    }
}
