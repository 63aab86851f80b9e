//! Lists of measurands that a station takes only measurand by measurand: OCPP 1.6 refuses a list whole for one member that it
//! does not know (errata 3.14.4).

use poem_openapi::Object;
use serde::{Deserialize, Serialize};

use crate::{Error, Result, network::parameter::VariableName};

/// A list of measurands to be built up at a station.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(example)]
pub struct MeasurandProbe {
    /// The parameter, for example `MeterValuesSampledData`.
    pub name: String,
    /// The measurands that are wanted, the most important first; 1 to 40.
    pub measurands: Vec<String>,
}

impl poem_openapi::types::Example for MeasurandProbe {
    fn example() -> Self {
        Self {
            name: "MeterValuesSampledData".into(),
            measurands: vec!["Energy.Active.Import.Register".into(), "Power.Active.Import".into(), "SoC".into()],
        }
    }
}

impl MeasurandProbe {
    /// A parameter that is such a list, and measurands that can stand in it.
    pub fn check(&self) -> Result<()> {
        if !is_list(&self.name) {
            return Err(Error::invalid("/name", "is no list of measurands"));
        }
        if !(1..=40).contains(&self.measurands.len()) {
            return Err(Error::invalid("/measurands", "must have 1 to 40 entries"));
        }
        let fine = |text: &String| {
            (1..=50).contains(&text.len())
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte))
        };
        match self.measurands.iter().position(|one| !fine(one)) {
            Some(at) => Err(Error::invalid(format!("/measurands/{at}"), "is no measurand")),
            None => Ok(()),
        }
    }
}

/// Whether a parameter is a list of measurands, in either version's name.
#[must_use]
pub fn is_list(name: &str) -> bool {
    const KEYS: [&str; 5] = [
        "MeterValuesSampledData",
        "MeterValuesAlignedData",
        "StopTxnSampledData",
        "StopTxnAlignedData",
        "StartTxnSampledData",
    ];
    KEYS.contains(&name) || VariableName::parse(name).is_some_and(|name| name.variable.ends_with("Measurands"))
}

/// How far the building is: the step that is about to be tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeStep {
    /// The parameter.
    pub name: String,
    /// Taken by the station so far.
    pub taken: Vec<String>,
    /// To be tried; the first now.
    pub rest: Vec<String>,
}

impl ProbeStep {
    /// The first step for a list as it would be set, comma-separated; none for an empty one.
    #[must_use]
    pub fn first(name: &str, list: &str) -> Option<Self> {
        let mut rest: Vec<String> = Vec::new();
        for one in list.split(',').map(str::trim).filter(|one| !one.is_empty()) {
            if !rest.iter().any(|other| other == one) {
                rest.push(one.to_owned());
            }
        }
        (!rest.is_empty()).then(|| Self { name: name.to_owned(), taken: Vec::new(), rest })
    }

    /// The value to be set: what was taken, and the next.
    #[must_use]
    pub fn value(&self) -> String {
        let all: Vec<&str> = self.taken.iter().chain(self.rest.first()).map(String::as_str).collect();
        all.join(",")
    }

    /// The step after this one, by whether the station took it; `None` at the end.
    #[must_use]
    pub fn next(mut self, accepted: bool) -> Option<Self> {
        let tried = self.rest.remove(0);
        if accepted {
            self.taken.push(tried);
        }
        (!self.rest.is_empty()).then_some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_up_without_what_is_refused() {
        let mut step = ProbeStep::first("MeterValuesSampledData", "A, B,,C,A").unwrap();
        let mut tried = Vec::new();
        loop {
            let value = step.value();
            let accepted = !value.contains('B');
            tried.push(value);
            match step.next(accepted) {
                Some(next) => step = next,
                None => break,
            }
        }
        assert_eq!(tried, ["A", "A,B", "A,C"]);
        assert_eq!(ProbeStep::first("x", " ,"), None);
    }

    #[test]
    fn only_lists_of_measurands() {
        for (name, wanted) in [
            ("MeterValuesSampledData", true),
            ("SampledDataCtrlr/TxUpdatedMeasurands", true),
            ("HeartbeatInterval", false),
            ("OCPPCommCtrlr/HeartbeatInterval", false),
        ] {
            assert_eq!(is_list(name), wanted, "{name}");
        }
        let probe = |measurands: &[&str]| MeasurandProbe {
            name: "StopTxnSampledData".into(),
            measurands: measurands.iter().map(ToString::to_string).collect(),
        };
        probe(&["SoC"]).check().unwrap();
        for wrong in [&[][..], &["SoC", "a,b"], &[""]] {
            assert!(probe(wrong).check().is_err(), "{wrong:?}");
        }
    }
}
