//! The words of the specification's sets, of either version, and what stations write for them.

use stromtor_domain::network::quirk::Quirk;

/// A set of words.
#[derive(Debug)]
pub struct Words {
    known: &'static [&'static str],
    /// What stations write, whatever its case, and what they mean.
    synonyms: &'static [(&'static str, &'static str)],
    /// What reading a synonym is.
    quirk: Quirk,
}

impl Words {
    const fn new(known: &'static [&'static str], synonyms: &'static [(&'static str, &'static str)]) -> Self {
        Self { known, synonyms, quirk: Quirk::WordSynonym }
    }

    /// The specification's spelling, or the text as it came when it is not of the set; and what had to be forgiven.
    #[must_use]
    pub fn read(&self, text: &str) -> (String, Option<Quirk>) {
        if self.known.contains(&text) {
            return (text.to_owned(), None);
        }
        let trimmed = text.trim();
        let known = self.known.iter().find(|word| word.eq_ignore_ascii_case(trimmed));
        let synonym =
            || self.synonyms.iter().find(|(word, _)| word.eq_ignore_ascii_case(trimmed)).map(|(_, word)| word);
        match known.or_else(synonym) {
            Some(word) => ((*word).to_owned(), Some(self.quirk)),
            None => (text.to_owned(), Some(Quirk::UnknownWord)),
        }
    }
}

/// ChargePointStatus of 1.6, ConnectorStatus of 2.0.1.
pub static STATUS: Words = Words::new(
    &[
        "Available",
        "Preparing",
        "Charging",
        "SuspendedEVSE",
        "SuspendedEV",
        "Finishing",
        "Occupied",
        "Reserved",
        "Unavailable",
        "Faulted",
    ],
    &[],
);

/// ChargePointErrorCode.
pub static ERROR_CODE: Words = Words::new(
    &[
        "ConnectorLockFailure",
        "EVCommunicationError",
        "GroundFailure",
        "HighTemperature",
        "InternalError",
        "LocalListConflict",
        "NoError",
        "OtherError",
        "OverCurrentFailure",
        "OverVoltage",
        "PowerMeterFailure",
        "PowerSwitchFailure",
        "ReaderFailure",
        "ResetFailure",
        "UnderVoltage",
        "WeakSignal",
    ],
    &[("Error", "OtherError")],
);

/// Reason of 1.6 and of 2.0.1.
pub static REASON: Words = Words::new(
    &[
        "DeAuthorized",
        "EmergencyStop",
        "EVDisconnected",
        "HardReset",
        "Local",
        "Other",
        "PowerLoss",
        "Reboot",
        "Remote",
        "SoftReset",
        "UnlockCommand",
        "EnergyLimitReached",
        "GroundFault",
        "ImmediateReset",
        "LocalOutOfCredit",
        "MasterPass",
        "OvercurrentFault",
        "PowerQuality",
        "SOCLimitReached",
        "StoppedByEV",
        "TimeLimitReached",
        "Timeout",
    ],
    &[],
);

/// ReadingContext.
pub static CONTEXT: Words = Words::new(
    &[
        "Interruption.Begin",
        "Interruption.End",
        "Other",
        "Sample.Clock",
        "Sample.Periodic",
        "Transaction.Begin",
        "Transaction.End",
        "Trigger",
    ],
    &[],
);

/// Measurand.
pub static MEASURAND: Words = Words::new(
    &[
        "Current.Export",
        "Current.Import",
        "Current.Offered",
        "Energy.Active.Export.Register",
        "Energy.Active.Import.Register",
        "Energy.Reactive.Export.Register",
        "Energy.Reactive.Import.Register",
        "Energy.Active.Export.Interval",
        "Energy.Active.Import.Interval",
        "Energy.Active.Net",
        "Energy.Reactive.Export.Interval",
        "Energy.Reactive.Import.Interval",
        "Energy.Reactive.Net",
        "Energy.Apparent.Net",
        "Energy.Apparent.Import",
        "Energy.Apparent.Export",
        "Frequency",
        "Power.Active.Export",
        "Power.Active.Import",
        "Power.Factor",
        "Power.Offered",
        "Power.Reactive.Export",
        "Power.Reactive.Import",
        "RPM",
        "SoC",
        "Temperature",
        "Voltage",
    ],
    &[],
);

/// Phase.
pub static PHASE: Words = Words::new(&["L1", "L2", "L3", "N", "L1-N", "L2-N", "L3-N", "L1-L2", "L2-L3", "L3-L1"], &[]);

/// Location.
pub static LOCATION: Words = Words::new(&["Body", "Cable", "EV", "Inlet", "Outlet"], &[]);

/// ValueFormat.
pub static FORMAT: Words = Words::new(&["Raw", "SignedData"], &[]);

/// ChargingState of 2.0.1.
pub static CHARGING_STATE: Words =
    Words::new(&["Charging", "EVConnected", "SuspendedEV", "SuspendedEVSE", "Idle"], &[]);

/// UnitOfMeasure.
pub static UNIT: Words = Words {
    known: &[
        "Wh",
        "kWh",
        "varh",
        "kvarh",
        "W",
        "kW",
        "VA",
        "kVA",
        "var",
        "kvar",
        "A",
        "V",
        "Celsius",
        "Fahrenheit",
        "K",
        "Percent",
        "Hertz",
        "ASU",
        "B",
        "dB",
        "dBm",
        "Deg",
        "kPa",
        "lx",
        "m",
        "ms2",
        "N",
        "Ohm",
        "RH",
        "RPM",
        "s",
        "VAh",
        "kVAh",
    ],
    synonyms: &[("Celcius", "Celsius"), ("C", "Celsius"), ("°C", "Celsius"), ("Hz", "Hertz"), ("%", "Percent")],
    quirk: Quirk::UnitSynonym,
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn synonyms_are_mapped_and_the_rest_is_kept() {
        for (words, text, expected, quirk) in [
            (&STATUS, "Charging", "Charging", None),
            (&STATUS, "suspendedev", "SuspendedEV", Some(Quirk::WordSynonym)),
            (&STATUS, "Sleeping", "Sleeping", Some(Quirk::UnknownWord)),
            (&ERROR_CODE, "Error", "OtherError", Some(Quirk::WordSynonym)),
            (&UNIT, "Celcius", "Celsius", Some(Quirk::UnitSynonym)),
            (&UNIT, "C", "Celsius", Some(Quirk::UnitSynonym)),
            (&UNIT, "Hz", "Hertz", Some(Quirk::UnitSynonym)),
            (&UNIT, "Hertz", "Hertz", None),
            (&UNIT, "percent", "Percent", Some(Quirk::UnitSynonym)),
            (&UNIT, "KWH", "kWh", Some(Quirk::UnitSynonym)),
            (&UNIT, "furlong", "furlong", Some(Quirk::UnknownWord)),
        ] {
            assert_eq!(words.read(text), (expected.to_owned(), quirk));
        }
    }
}
