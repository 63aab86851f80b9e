//! Energy from plain register readings: correct over drop-outs, resets and registers that begin at zero each session.

use rust_decimal::Decimal;

use crate::{
    Timestamp,
    network::tolerance::RegisterMode,
    session::{
        finding::{Finding, Findings},
        report::{Sample, SampleSet},
    },
};

/// Nothing that a meter shows is beyond this, in any unit: 10^12.
fn limit() -> Decimal {
    Decimal::from(1_000_000_000_000_i64)
}

fn number(sample: &Sample) -> Option<Decimal> {
    let text = sample.value.trim();
    let value: Decimal = text.parse().or_else(|_| Decimal::from_scientific(text)).ok()?;
    (value.abs() < limit()).then(|| value.round_dp(6))
}

/// A number of one measurand, in the base unit: the value without a phase, else the sum of the phases. The outlet's where
/// it is named, else whatever there is.
fn measured(samples: &[Sample], measurand: &str, scale: impl Fn(&str) -> Option<Decimal>) -> Option<Decimal> {
    let all: Vec<&Sample> = samples.iter().filter(|sample| !sample.signed && sample.measurand == measurand).collect();
    let at_outlet: Vec<&Sample> = all.iter().copied().filter(|sample| sample.location == "Outlet").collect();
    let chosen = if at_outlet.is_empty() { all } else { at_outlet };
    let value = |sample: &Sample| Some(number(sample)? * scale(&sample.unit)?);
    if let Some(whole) = chosen.iter().find(|sample| sample.phase.is_none()) {
        return value(whole);
    }
    // A phase is named alone or against the neutral conductor; one that is there twice counts once.
    let phase = |names: [&str; 2]| {
        let named = |name: &str| chosen.iter().find(|sample| sample.phase.as_deref() == Some(name));
        names.into_iter().find_map(|name| named(name).and_then(|sample| value(sample)))
    };
    let phases = [["L1", "L1-N"], ["L2", "L2-N"], ["L3", "L3-N"]].map(phase);
    let found: Vec<Decimal> = phases.into_iter().flatten().collect();
    (!found.is_empty()).then(|| found.into_iter().sum())
}

/// The import register in Wh.
#[must_use]
pub fn register_wh(samples: &[Sample]) -> Option<Decimal> {
    measured(samples, "Energy.Active.Import.Register", |unit| match unit {
        "Wh" => Some(Decimal::ONE),
        "kWh" => Some(Decimal::ONE_THOUSAND),
        _ => None,
    })
}

/// The import register in Wh that a session's readings begin with: of the set that says so, else of the earliest.
#[must_use]
pub fn first_wh(sets: &[SampleSet]) -> Option<Decimal> {
    let begins = |set: &SampleSet| set.values.iter().any(|sample| sample.context == "Transaction.Begin");
    let found = sets.iter().filter_map(|set| Some((!begins(set), set.at, register_wh(&set.values)?)));
    found.min_by_key(|(later, at, _)| (*later, *at)).map(|(.., value)| value)
}

/// The power that flows in, in W.
#[must_use]
pub fn power_w(samples: &[Sample]) -> Option<Decimal> {
    measured(samples, "Power.Active.Import", |unit| match unit {
        // The default unit stands where none was sent.
        "W" | "Wh" => Some(Decimal::ONE),
        "kW" => Some(Decimal::ONE_THOUSAND),
        _ => None,
    })
}

/// The car's state of charge in percent.
#[must_use]
pub fn state_of_charge(samples: &[Sample]) -> Option<Decimal> {
    let value = samples.iter().filter(|sample| sample.measurand == "SoC").find_map(number)?;
    (Decimal::ZERO..=Decimal::ONE_HUNDRED).contains(&value).then_some(value)
}

/// Whether a reading meant to be a register cannot be read as one.
#[must_use]
pub fn is_unreadable(samples: &[Sample]) -> bool {
    samples
        .iter()
        .any(|sample| !sample.signed && sample.measurand == "Energy.Active.Import.Register" && number(sample).is_none())
}

/// What plain registers amount to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisterEnergy {
    /// Register at start in Wh, as it counts.
    pub start: Decimal,
    /// Register at end in Wh.
    pub stop: Decimal,
    /// Energy in Wh, never negative.
    pub wh: Decimal,
    /// Whether the sum may be billed: every fall of the register is explained by readings.
    pub plausible: bool,
}

/// Energy between the register at start and the register at end, by the readings in between.
///
/// A reading below its predecessors is a drop-out when the register comes back to where it was, and left out. When it
/// does not, the register began again: from zero if it fell by more than half, and both parts are added. One that is known
/// never to begin again has dropped out.
#[must_use]
pub fn energy(
    start: Decimal,
    readings: &[(Timestamp, Decimal)],
    stop: Option<Decimal>,
    mode: Option<RegisterMode>,
    findings: &mut Findings,
) -> RegisterEnergy {
    let mut sorted = readings.to_vec();
    sorted.sort();
    let mut values: Vec<Decimal> =
        sorted.into_iter().map(|(_, value)| value).filter(|value| *value >= Decimal::ZERO).collect();
    let sampled = !values.is_empty();
    if values.len() < readings.len() {
        findings.note(Finding::UnreadableReading);
    }
    let last = stop.filter(|stop| *stop >= Decimal::ZERO).or_else(|| values.last().copied()).unwrap_or(start);
    let mut begin = start.max(Decimal::ZERO);
    // ABB and others always send zero at start. A first reading of some kWh would be a session's own.
    let first = values.first().copied().unwrap_or(last);
    if mode != Some(RegisterMode::Session) && begin.is_zero() && sampled && first > Decimal::from(100_000) {
        findings.note(Finding::MeterStartZero);
        begin = first;
    }
    values.push(last);
    // The highest value that is still to come, for each position.
    let mut ahead = values.clone();
    for at in (0..ahead.len().saturating_sub(1)).rev() {
        ahead[at] = ahead[at].max(ahead[at + 1]);
    }
    let (mut base, mut highest, mut sum, mut plausible) = (begin, begin, Decimal::ZERO, true);
    if stop.is_some_and(|stop| stop.is_sign_negative() && !stop.is_zero()) {
        findings.note(Finding::RegisterFell);
        plausible = false;
    }
    for (value, ahead) in values.iter().zip(ahead) {
        if *value >= highest {
            highest = *value;
        } else if ahead >= highest {
            findings.note(Finding::RegisterDroppedOut);
        } else if mode == Some(RegisterMode::Lifetime) {
            // The last reading may be a drop-out too: then the highest before it is what there is.
            findings.note(Finding::RegisterFell);
            plausible &= stop.is_none();
        } else {
            sum += highest - base;
            let from_zero = *value * Decimal::TWO <= highest;
            if from_zero {
                findings.note(Finding::RegisterReset);
                // Without a reading in between, a wrong figure at start or end looks the same.
                plausible &= sampled;
            } else {
                findings.note(Finding::RegisterFell);
                plausible = false;
            }
            base = if from_zero { Decimal::ZERO } else { *value };
            highest = *value;
        }
    }
    sum += highest - base;
    RegisterEnergy { start: begin, stop: last, wh: sum, plausible }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(start: i64, readings: &[i64], stop: Option<i64>) -> (i64, bool, Vec<Finding>) {
        let readings: Vec<_> = readings
            .iter()
            .enumerate()
            .map(|(at, value)| (Timestamp::from_millis(at as i64), Decimal::from(*value)))
            .collect();
        let mut findings = Findings::default();
        let energy = energy(start.into(), &readings, stop.map(Into::into), None, &mut findings);
        (i64::try_from(energy.wh).unwrap(), energy.plausible, findings.0)
    }

    #[test]
    fn real_registers() {
        use Finding::*;
        for (start, readings, stop, wh, plausible, findings) in [
            (1000, vec![1500, 4000], Some(12_000), 11_000, true, vec![]),
            (1000, vec![], Some(12_000), 11_000, true, vec![]),
            // The end was lost: the last reading counts.
            (1000, vec![1500, 4000], None, 3000, true, vec![]),
            // Drop-outs to zero.
            (1000, vec![1500, 0, 4000], Some(12_000), 11_000, true, vec![RegisterDroppedOut]),
            // A register that begins again in mid-session: 5000 before, 2000 after.
            (1000, vec![3000, 6000, 500, 1500], Some(2000), 7000, true, vec![RegisterReset]),
            // The same without a reading: not to be billed unseen.
            (100_000, vec![], Some(4000), 4000, false, vec![RegisterReset]),
            // A fall that is no restart.
            (10_000, vec![10_500], Some(9900), 500, false, vec![RegisterFell]),
            // Lifetime register at both ends, session's own in between.
            (1_000_000, vec![0, 2000, 5000], Some(1_005_500), 5500, true, vec![RegisterDroppedOut]),
            // Zero in every StartTransaction.
            (0, vec![500_000, 501_000], Some(502_000), 2000, true, vec![MeterStartZero]),
            (0, vec![500, 1000], Some(2000), 2000, true, vec![]),
            (1000, vec![], Some(1000), 0, true, vec![]),
        ] {
            assert_eq!(of(start, &readings, stop), (wh, plausible, findings), "{start} {readings:?} {stop:?}");
        }
    }

    #[test]
    fn a_register_that_is_known_to_count_on() {
        use Finding::*;
        let lifetime = |start: i64, readings: &[i64], stop: Option<i64>| {
            let readings: Vec<_> = readings
                .iter()
                .zip(0..)
                .map(|(value, at)| (Timestamp::from_millis(at), Decimal::from(*value)))
                .collect();
            let mut findings = Findings::default();
            let mode = Some(RegisterMode::Lifetime);
            let energy = energy(start.into(), &readings, stop.map(Into::into), mode, &mut findings);
            (i64::try_from(energy.wh).unwrap(), energy.plausible, findings.0)
        };
        // The same figures without that knowledge are a restart.
        assert_eq!(of(1000, &[3000, 6000, 500], Some(2000)), (7000, true, vec![RegisterReset]));
        assert_eq!(lifetime(1000, &[3000, 6000, 500], Some(2000)), (5000, false, vec![RegisterFell]));
        // The end was lost, and the last reading was a drop-out.
        assert_eq!(lifetime(1000, &[3000, 6000, 0], None), (5000, true, vec![RegisterFell]));
        assert_eq!(lifetime(1000, &[3000, 0], Some(4000)), (3000, true, vec![RegisterDroppedOut]));
    }

    #[test]
    fn negative_figures_are_flagged_and_never_billed() {
        use Finding::*;
        assert_eq!(of(1000, &[], Some(-5)), (0, false, vec![RegisterFell]));
        assert_eq!(of(1000, &[-5, 1500], Some(2000)), (1000, true, vec![UnreadableReading]));
        assert_eq!(of(1000, &[], Some(900)), (0, false, vec![RegisterFell]));
    }

    fn sample(value: &str, measurand: &str, unit: &str, phase: Option<&str>) -> Sample {
        Sample {
            value: value.into(),
            context: "Sample.Periodic".into(),
            signed: false,
            measurand: measurand.into(),
            phase: phase.map(Into::into),
            location: "Outlet".into(),
            unit: unit.into(),
        }
    }

    #[test]
    fn units_phases_and_signed_data() {
        let register = "Energy.Active.Import.Register";
        let phases = [
            sample("1.5", register, "kWh", Some("L1")),
            sample("500", register, "Wh", Some("L2")),
            sample("9", register, "Wh", Some("N")),
        ];
        assert_eq!(register_wh(&phases), Some(2000.into()));
        // A sum that is there goes before one of our own; a phase counts once, whatever it is called; the neutral never.
        let whole = [phases.as_slice(), &[sample("1999", register, "Wh", None)]].concat();
        assert_eq!(register_wh(&whole), Some(1999.into()));
        let power = |value: &str, phase| sample(value, "Power.Active.Import", "W", Some(phase));
        assert_eq!(power_w(&[power("700", "L1-N"), power("701", "L1"), power("50", "N")]), Some(701.into()));
        assert_eq!(power_w(&[power("700", "L1-N"), power("710", "L2-N"), power("720", "L3-N")]), Some(2130.into()));
        assert_eq!(power_w(&[power("50", "N")]), None);
        let mut signed = sample("OCMF|{}|{}", register, "Wh", None);
        signed.signed = true;
        assert_eq!(register_wh(&[signed.clone(), sample("7", register, "Wh", None)]), Some(7.into()));
        assert_eq!(register_wh(&[signed]), None);
        assert_eq!(power_w(&[sample("11.04", "Power.Active.Import", "kW", None)]), Some(11_040.into()));
        assert_eq!(state_of_charge(&[sample("130", "SoC", "Percent", None)]), None);
        assert!(is_unreadable(&[sample("abc", register, "Wh", None)]));
    }

    proptest! {
        #[test]
        fn a_rising_register_is_its_difference(start in 1_i64..1_000_000, steps in prop::collection::vec(0_i64..5000, 0..30)) {
            let mut value = start;
            let rising: Vec<i64> = steps.iter().map(|step| { value += step; value }).collect();
            prop_assert_eq!(of(start, &rising, Some(value)), (value - start, true, vec![]));
        }

        #[test]
        fn drop_outs_change_nothing(start in 1_i64..1_000_000, steps in prop::collection::vec((0_i64..5000, any::<bool>()), 1..30)) {
            let mut value = start;
            let mut holed = Vec::new();
            for (step, dropped) in steps {
                value += step;
                holed.push(if dropped { 0 } else { value });
            }
            let (wh, plausible, _) = of(start, &holed, Some(value));
            prop_assert_eq!((wh, plausible), (value - start, true));
        }

        #[test]
        fn never_negative_and_order_of_arrival_is_nothing(
            start in 0_i64..10_000, values in prop::collection::vec(0_i64..10_000, 0..20), stop in 0_i64..10_000,
        ) {
            let (wh, ..) = of(start, &values, Some(stop));
            prop_assert!(wh >= 0);
            let mut readings: Vec<_> = values.iter().enumerate()
                .map(|(at, value)| (Timestamp::from_millis(at as i64), Decimal::from(*value))).collect();
            let inorder = energy(start.into(), &readings, Some(stop.into()), None, &mut Findings::default());
            readings.reverse();
            prop_assert_eq!(energy(start.into(), &readings, Some(stop.into()), None, &mut Findings::default()), inorder);
        }
    }
}
