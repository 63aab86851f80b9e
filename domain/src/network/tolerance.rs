//! How stations that depart from the specification are treated, as data: of a manufacturer, a model, a single station.

use poem_openapi::Object;
use serde::{Deserialize, Serialize};

use crate::{Error, Result, network::location::TimeZone};

choice! {
    /// What a station's energy register counts in, whatever it says.
    pub enum EnergyUnit {
        /// Watt-hours.
        Wh = "wh",
        /// Kilowatt-hours.
        Kwh = "kwh",
    }
}

/// How stations that depart from the specification are treated. What is absent is taken from the model, then from the
/// manufacturer; absent there, too, the specification holds. Takes effect at the station's next connection.
#[derive(
    Debug,
    Clone,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    Object,
    schemars::JsonSchema,
    diesel::expression::AsExpression,
    diesel::deserialize::FromSqlRow,
)]
#[serde(deny_unknown_fields)]
#[oai(skip_serializing_if_is_none)]
#[diesel(sql_type = diesel::sql_types::Jsonb)]
pub struct Tolerances {
    /// IANA time zone of times that come without one; UTC when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub time_zone: Option<TimeZone>,
    /// What the energy register counts in, for stations that name the wrong unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub energy_unit: Option<EnergyUnit>,
    /// Seconds that the station may take to answer a call, 1 to 600; the configured time when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_timeout_s: Option<u32>,
    /// False for stations that reconnect when they are sent TriggerMessage: it is refused then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger_message: Option<bool>,
    /// True for stations that do not introduce themselves after a reconnect: BootNotification is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger_boot: Option<bool>,
    /// False for stations that trip over `ConcurrentTx`: they are told `Invalid`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrent_tx: Option<bool>,
}

jsonb!(Tolerances);

impl Tolerances {
    /// Ranges; `pointer` is where they stand.
    pub fn check(&self, pointer: &str) -> Result<()> {
        if self.call_timeout_s.is_some_and(|seconds| !(1..=600).contains(&seconds)) {
            return Err(Error::invalid(format!("{pointer}/call_timeout_s"), "must be between 1 and 600"));
        }
        Ok(())
    }

    /// With what is absent here taken from `other`.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            time_zone: self.time_zone.or(other.time_zone),
            energy_unit: self.energy_unit.or(other.energy_unit),
            call_timeout_s: self.call_timeout_s.or(other.call_timeout_s),
            trigger_message: self.trigger_message.or(other.trigger_message),
            trigger_boot: self.trigger_boot.or(other.trigger_boot),
            concurrent_tx: self.concurrent_tx.or(other.concurrent_tx),
        }
    }
}
