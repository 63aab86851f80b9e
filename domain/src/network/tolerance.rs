//! How stations that depart from the specification are treated, as data: of a manufacturer, a model, a single station.

use poem_openapi::Object;
use serde::{Deserialize, Serialize};

use crate::{Error, Result, access::spelling::TagPolicy, network::location::TimeZone};

choice! {
    /// What a station's energy register counts in, whatever it says.
    pub enum EnergyUnit {
        /// Watt-hours.
        Wh = "wh",
        /// Kilowatt-hours.
        Kwh = "kwh",
    }
}

choice! {
    /// How a station's energy register counts, where it is known.
    pub enum RegisterMode {
        /// On and on: what falls below an earlier reading has dropped out, it never begins again.
        Lifetime = "lifetime",
        /// From zero in each session, whatever StartTransaction says.
        Session = "session",
        /// StartTransaction's register means nothing: the first reading of the session is its start.
        FirstReading = "first_reading",
    }
}

/// Declares the fields once: each is optional, and what is absent here is taken from elsewhere.
macro_rules! tolerances {
    ($($(#[$meta:meta])* $field:ident: $Type:ty $(as $Schema:literal)?),+ $(,)?) => {
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
            $(
                $(#[$meta])*
                #[serde(default, skip_serializing_if = "Option::is_none")]
                $(#[schemars(with = $Schema)])?
                pub $field: Option<$Type>,
            )+
        }

        impl Tolerances {
            /// With what is absent here taken from `other`.
            #[must_use]
            pub fn or(self, other: Self) -> Self {
                Self { $($field: self.$field.or(other.$field)),+ }
            }
        }
    };
}

tolerances! {
    /// True where a connection that names no sub-protocol counts as OCPP 1.6.
    without_protocol: bool,
    /// False for stations that break on WebSocket pings: none are sent.
    ping: bool,
    /// Seconds between heartbeats that the station is told, 10 to 86400; the configured time when absent.
    heartbeat_interval_s: u32,
    /// True for stations that cannot be given a password and send an empty one: it counts as none, which is let in with
    /// security profile 0 and `ocpp_settings.password_required` false.
    empty_password: bool,
    /// Seconds that the station may take to answer a call, 1 to 600; the configured time when absent.
    call_timeout_s: u32,
    /// False for stations that reconnect when they are sent TriggerMessage: it is refused then.
    trigger_message: bool,
    /// True for stations that refuse TriggerMessage about all connectors: after a refusal each is asked by itself.
    trigger_each_connector: bool,
    /// True for stations that do not introduce themselves after a reconnect: BootNotification is asked for.
    trigger_boot: bool,
    /// True for stations that refuse a list of measurands for one of them that they do not know: after a refusal the list is
    /// built measurand by measurand. Never at boot.
    probe_measurands: bool,
    /// IANA time zone of times that come without one; UTC when absent.
    time_zone: TimeZone as "Option<String>",
    /// True where times are of `time_zone` even though they say `Z`.
    time_zone_always: bool,
    /// False for stations that trip over `ConcurrentTx`: they are told `Invalid`.
    concurrent_tx: bool,
    /// What the energy register counts in, for stations that name the wrong unit.
    energy_unit: EnergyUnit,
    /// How the energy register counts; found out by its readings when absent.
    register: RegisterMode,
    /// Least number of letters and digits, 8 to 36, with which a tag that is cut stands for its token: the only one in reach that
    /// begins so. Cut tags are unknown when absent.
    id_tag_prefix_min: u32,
    /// True for stations that read a card's bytes in reversed order: a tag that is unknown is tried the other way round.
    id_tag_reversed: bool,
    /// True for stations that take hexadecimal tags alone in a remote start: they are given the token's `hex_uid`, which is its
    /// token again when they report it.
    hex_id_tags: bool,
    /// False for stations that ignore ChargePointMaxProfile (OCPP 2.x ChargingStationMaxProfile): such a limit is set as
    /// TxDefaultProfile, so for each session.
    station_max_profile: bool,
    /// True for stations that do not say which units their charging profiles take (ChargingScheduleAllowedChargingRateUnit):
    /// after a refusal the profile is tried in the other unit, A or W, at 230 V per phase.
    rate_unit_fallback: bool,
}

jsonb!(Tolerances);

impl Tolerances {
    /// Ranges; `pointer` is where they stand.
    pub fn check(&self, pointer: &str) -> Result<()> {
        for (field, value, least, most) in [
            ("heartbeat_interval_s", self.heartbeat_interval_s, 10, 86_400),
            ("call_timeout_s", self.call_timeout_s, 1, 600),
            ("id_tag_prefix_min", self.id_tag_prefix_min, 8, 36),
        ] {
            if value.is_some_and(|value| !(least..=most).contains(&value)) {
                return Err(Error::invalid(
                    format!("{pointer}/{field}"),
                    format!("must be between {least} and {most}"),
                ));
            }
        }
        Ok(())
    }

    /// In which other spellings a tag may name its token.
    #[must_use]
    pub fn tags(&self) -> TagPolicy {
        TagPolicy {
            prefix_min: self.id_tag_prefix_min,
            reversed: self.id_tag_reversed == Some(true),
            hex: self.hex_id_tags == Some(true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_counts() {
        let one = |text: &str| serde_json::from_str::<Tolerances>(text).unwrap();
        let merged = one(r#"{"call_timeout_s": 5}"#).or(one(r#"{"call_timeout_s": 9, "trigger_boot": true}"#));
        assert_eq!(merged, one(r#"{"call_timeout_s": 5, "trigger_boot": true}"#));
        assert!(serde_json::from_str::<Tolerances>(r#"{"nonsense": true}"#).is_err());
    }

    #[test]
    fn ranges_are_kept() {
        for (text, pointer) in [
            (r#"{"heartbeat_interval_s": 9}"#, "/t/heartbeat_interval_s"),
            (r#"{"call_timeout_s": 0}"#, "/t/call_timeout_s"),
            (r#"{"id_tag_prefix_min": 7}"#, "/t/id_tag_prefix_min"),
        ] {
            let wrong = serde_json::from_str::<Tolerances>(text).unwrap().check("/t");
            let Err(Error::Invalid { fields }) = wrong else { panic!("{text} was taken") };
            assert_eq!(fields[0].pointer, pointer);
        }
    }
}
