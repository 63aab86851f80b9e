//! What we tell stations: worded by the version of the connection, with the facts that the wording needs.

use stromtor_domain::{
    access::local_list::Step,
    command::{CommandInput, charging::RemoteStart},
    network::{
        charging_profile::{ChargingProfile, ProfileKind, ProfilePurpose, RateUnit, Recurrency},
        reservation::Reservation,
        tolerance::Tolerances,
    },
};

use crate::{v16, v201, version::Version};

/// Something that becomes a call to a station.
#[derive(Debug, Clone)]
pub enum Outbound<'a> {
    /// A typed command.
    Command(&'a CommandInput),
    /// ReserveNow.
    Reserve(&'a Reservation),
    /// CancelReservation.
    CancelReservation(&'a Reservation),
    /// SetChargingProfile.
    SetProfile(&'a ChargingProfile),
    /// ClearChargingProfile of this one.
    ClearProfile(&'a ChargingProfile),
    /// SendLocalList.
    LocalList(&'a Step),
}

/// Facts that the wording needs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Context {
    /// Our number of the session's transaction (OCPP 1.6).
    pub transaction_id: Option<i32>,
    /// The station's id of the session's transaction (OCPP 2.x).
    pub transaction_ref: Option<String>,
    /// EVSE and connector of the command's connector (OCPP 2.x); `None` for the whole station.
    pub place: Option<(i32, i32)>,
    /// A number that the station answers by.
    pub number: i32,
    /// The UID that a remote start names its token by, where the station takes no other.
    pub hex_uid: Option<String>,
    /// How the station is treated where it departs from the specification.
    pub tolerances: Tolerances,
}

impl Context {
    /// The word for a profile's purpose. A station that ignores limits of the whole is limited session by session.
    pub(crate) fn purpose(&self, purpose: ProfilePurpose, of_station: &'static str) -> &'static str {
        match purpose {
            ProfilePurpose::StationMax if self.tolerances.station_max_profile == Some(false) => "TxDefaultProfile",
            ProfilePurpose::StationMax => of_station,
            ProfilePurpose::TxDefault => "TxDefaultProfile",
            ProfilePurpose::Tx => "TxProfile",
        }
    }

    /// The UID that a remote start names its token by.
    pub(crate) fn start_uid<'a>(&'a self, start: &'a RemoteStart) -> &'a str {
        self.hex_uid.as_deref().unwrap_or(&start.token_uid)
    }
}

impl Outbound<'_> {
    /// The action and payload in a version; `None` when it has no words for it.
    #[must_use]
    pub fn word(&self, version: Version, context: &Context) -> Option<(&'static str, serde_json::Value)> {
        match version {
            Version::V16 => v16::command::call(self, context),
            Version::V201 => v201::command::call(self, context),
        }
    }
}

// The words that both versions share.

pub(crate) const fn kind(kind: ProfileKind) -> &'static str {
    match kind {
        ProfileKind::Absolute => "Absolute",
        ProfileKind::Recurring => "Recurring",
        ProfileKind::Relative => "Relative",
    }
}

pub(crate) const fn recurrency(recurrency: Recurrency) -> &'static str {
    match recurrency {
        Recurrency::Daily => "Daily",
        Recurrency::Weekly => "Weekly",
    }
}

pub(crate) const fn unit(unit: RateUnit) -> &'static str {
    match unit {
        RateUnit::A => "A",
        RateUnit::W => "W",
    }
}

/// A schedule's fields; the same in both versions.
pub(crate) fn schedule(schedule: &stromtor_domain::network::charging_profile::ChargingSchedule) -> serde_json::Value {
    let periods: Vec<serde_json::Value> = schedule
        .periods
        .iter()
        .map(|period| {
            let mut worded =
                serde_json::json!({ "startPeriod": period.start_s, "limit": number(period.limit.decimal()) });
            set(&mut worded, "numberPhases", period.phases);
            worded
        })
        .collect();
    let mut worded = serde_json::json!({ "chargingRateUnit": unit(schedule.unit), "chargingSchedulePeriod": periods });
    set(&mut worded, "startSchedule", schedule.start.map(|at| at.to_ocpp()));
    set(&mut worded, "duration", schedule.duration_s);
    set(&mut worded, "minChargingRate", schedule.min_rate.map(|rate| number(rate.decimal())));
    worded
}

/// A decimal as a JSON number. Its text is that of the shortest number with the same value.
pub(crate) fn number(decimal: rust_decimal::Decimal) -> serde_json::Value {
    let decimal = decimal.normalize();
    serde_json::from_str(&decimal.to_string()).unwrap_or_default()
}

/// Puts a field that may be absent into an object.
pub(crate) fn set(payload: &mut serde_json::Value, name: &str, value: Option<impl Into<serde_json::Value>>) {
    if let (Some(map), Some(value)) = (payload.as_object_mut(), value) {
        map.insert(name.to_owned(), value.into());
    }
}
