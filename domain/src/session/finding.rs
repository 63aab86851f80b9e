//! What was doubtful in a station's reports of a session. Nothing is repaired silently.

use poem_openapi::NewType;
use serde::{Deserialize, Serialize};

choice! {
    /// One doubt.
    pub enum Finding {
        /// The station's clock was not set, or ahead of ours: the time of receipt counts.
        ClockDoubted = "clock_doubted",
        /// The station's clock jumped during the session: the duration is that between the receipts.
        ClockJumped = "clock_jumped",
        /// Another session began at the connector, and no end had been reported.
        NeverStopped = "never_stopped",
        /// Its start was never reported.
        NeverStarted = "never_started",
        /// The end named no transaction that we gave; it was matched by who charged.
        StopMatched = "stop_matched",
        /// The register at start was zero, though the first reading was not: the first reading counts.
        MeterStartZero = "meter_start_zero",
        /// The register at start was not to be had: the station's is known to mean nothing, and no reading says it.
        StartRegisterUnknown = "start_register_unknown",
        /// The register fell and came back: the low readings are left out.
        RegisterDroppedOut = "register_dropped_out",
        /// The register began again at zero: both parts are added.
        RegisterReset = "register_reset",
        /// The register fell without beginning again at zero, or was negative.
        RegisterFell = "register_fell",
        /// A reading was no number, or beyond every range, and is left out.
        UnreadableReading = "unreadable_reading",
        /// The identity in the signed record is not the one the station reported.
        IdentityDiffers = "identity_differs",
        /// The signed energy differs from what the plain registers say by more than 1 %.
        SignedEnergyDiffers = "signed_energy_differs",
        /// A signed record departs from the OCMF specification in a way that was tolerated.
        RecordDeviates = "record_deviates",
        /// The meter's clock cannot be billed by; only energy is taken from the signed readings.
        MeterClockUnsynchronised = "meter_clock_unsynchronised",
        /// An operator put right what the station's reports left wrong.
        Repaired = "repaired",
    }
}

/// Everything doubtful, each once, in the order it was found.
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
pub struct Findings(pub Vec<Finding>);

jsonb!(Findings);

impl Findings {
    /// Adds one, unless it is there.
    pub fn note(&mut self, finding: Finding) {
        if !self.0.contains(&finding) {
            self.0.push(finding);
        }
    }

    /// Whether it is there.
    #[must_use]
    pub fn has(&self, finding: Finding) -> bool {
        self.0.contains(&finding)
    }

    /// Adds all of another's.
    pub fn extend(&mut self, others: Self) {
        others.0.into_iter().for_each(|finding| self.note(finding));
    }
}
