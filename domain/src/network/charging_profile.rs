//! Charging profiles: how much power a station, its connectors or a session may draw, and when (OCPP 1.6 section 3.13,
//! OCPP 2.0.1 block K).

use poem_openapi::Object;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use stromtor_schema::schema::charging_profile;
use uuid::Uuid;

use crate::{
    Error, Result, Timestamp,
    command::CommandId,
    money::Fixed,
    network::{location::LocationId, station::StationId},
    session::session::SessionId,
    tenancy::partner::PartnerId,
    values::{ExternalId, Metadata},
};

id! {
    /// Id of a charging profile.
    ChargingProfileId
}

choice! {
    /// What a profile limits.
    pub enum ProfilePurpose {
        /// The whole station: ChargePointMaxProfile, ChargingStationMaxProfile. Connector 0 alone.
        StationMax = "station_max",
        /// Every session that has no profile of its own: TxDefaultProfile.
        TxDefault = "tx_default",
        /// One session: TxProfile.
        Tx = "tx",
    }
}

choice! {
    /// What the schedule's times are relative to.
    pub enum ProfileKind {
        /// To the schedule's start.
        Absolute = "absolute",
        /// To the schedule's start, again and again.
        Recurring = "recurring",
        /// To the session's start.
        Relative = "relative",
    }
}

choice! {
    /// How often a recurring schedule begins again.
    pub enum Recurrency {
        /// Every day.
        Daily = "daily",
        /// Every week.
        Weekly = "weekly",
    }
}

choice! {
    /// Unit of limits.
    pub enum RateUnit {
        /// Ampere per phase.
        A = "a",
        /// Watt, all phases together.
        W = "w",
    }
}

/// A limit in ampere or watt, with one decimal.
pub type Rate = Fixed<1>;

/// From when on which limit holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(skip_serializing_if_is_none)]
pub struct SchedulePeriod {
    /// Seconds from the schedule's start.
    pub start_s: i32,
    /// Limit in the schedule's unit.
    pub limit: Rate,
    /// Phases that may be used, 1 to 3; 3 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phases: Option<i32>,
}

/// Limits over time.
#[derive(
    Debug,
    Clone,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    Object,
    diesel::expression::AsExpression,
    diesel::deserialize::FromSqlRow,
)]
#[serde(deny_unknown_fields)]
#[oai(skip_serializing_if_is_none)]
#[diesel(sql_type = diesel::sql_types::Jsonb)]
pub struct ChargingSchedule {
    /// Unit of the limits.
    pub unit: RateUnit,
    /// When it begins; for absolute and recurring profiles.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<Timestamp>,
    /// Seconds it lasts; without end when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_s: Option<i32>,
    /// Least rate at which the car charges usefully, in the unit of the limits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_rate: Option<Rate>,
    /// 1 to 200 periods, in order; the first begins at 0.
    pub periods: Vec<SchedulePeriod>,
}

jsonb!(ChargingSchedule);

choice! {
    /// How far a profile is.
    pub enum ChargingProfileState {
        /// The station has not answered yet.
        Requested = "requested",
        /// It holds at the station.
        Active = "active",
        /// The station did not take it.
        Rejected = "rejected",
        /// To be taken out; the station has not answered yet.
        Clearing = "clearing",
        /// Taken out, or its session has ended.
        Cleared = "cleared",
    }
}

/// A charging profile to be set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(skip_serializing_if_is_none)]
pub struct NewChargingProfile {
    /// The station.
    pub station_id: StationId,
    /// The station's own number of the connector; 0 is the whole station.
    pub connector: i32,
    /// What it limits.
    pub purpose: ProfilePurpose,
    /// Of several with one purpose the highest level counts; 0 and up.
    pub stack_level: i32,
    /// What its times are relative to.
    pub kind: ProfileKind,
    /// How often it begins again; for recurring ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recurrency: Option<Recurrency>,
    /// From when it holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<Timestamp>,
    /// Until when it holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_to: Option<Timestamp>,
    /// The session; for purpose `tx`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
    /// The limits.
    pub schedule: ChargingSchedule,
    /// The caller's own id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<ExternalId>,
    /// Free key/value pairs.
    #[serde(default)]
    #[oai(default)]
    pub metadata: Metadata,
}

impl NewChargingProfile {
    /// The rules of OCPP 1.6 section 3.13 and 2.0.1 K01.
    pub fn check(&self) -> Result<()> {
        let wrong = |pointer: &str, message: &str| Err(Error::invalid(pointer, message));
        if !(0..=999).contains(&self.connector) {
            return wrong("/connector", "must be between 0 and 999");
        }
        if self.purpose == ProfilePurpose::StationMax && self.connector != 0 {
            return wrong("/connector", "must be 0 for a profile of the whole station");
        }
        if (self.purpose == ProfilePurpose::Tx) != self.session_id.is_some() {
            return wrong("/session_id", "belongs to purpose tx, and to it alone");
        }
        if !(0..=1000).contains(&self.stack_level) {
            return wrong("/stack_level", "must be between 0 and 1000");
        }
        if (self.kind == ProfileKind::Recurring) != self.recurrency.is_some() {
            return wrong("/recurrency", "belongs to kind recurring, and to it alone");
        }
        if self.kind == ProfileKind::Relative && self.schedule.start.is_some() {
            return wrong("/schedule/start", "has no sense in a relative profile");
        }
        if self.kind != ProfileKind::Relative && self.schedule.start.is_none() {
            return wrong("/schedule/start", "is needed unless the profile is relative");
        }
        if self.valid_from.zip(self.valid_to).is_some_and(|(from, to)| from >= to) {
            return wrong("/valid_to", "must be later than valid_from");
        }
        self.schedule.check()
    }
}

/// Nominal voltage between a phase and the neutral conductor.
const PHASE_V: i64 = 230;

impl ChargingSchedule {
    /// The same limits in the other unit, at 230 V per phase; `phases` where a period does not say. Never more than before.
    #[must_use]
    pub fn in_other_unit(&self, phases: i32) -> Self {
        let other = |rate: Rate, phases: i32| {
            let volts = Decimal::from(PHASE_V * i64::from(phases.clamp(1, 3)));
            let limit = match self.unit {
                RateUnit::A => rate.decimal() * volts,
                RateUnit::W => rate.decimal() / volts,
            };
            Rate::round(limit.trunc_with_scale(1))
        };
        let periods = self.periods.iter().map(|period| SchedulePeriod {
            limit: other(period.limit, period.phases.unwrap_or(phases)),
            ..period.clone()
        });
        Self {
            unit: if self.unit == RateUnit::A { RateUnit::W } else { RateUnit::A },
            min_rate: self.min_rate.map(|rate| other(rate, phases)),
            periods: periods.collect(),
            ..self.clone()
        }
    }

    fn check(&self) -> Result<()> {
        if self.duration_s.is_some_and(|duration| duration < 1) {
            return Err(Error::invalid("/schedule/duration_s", "must be at least 1"));
        }
        if !(1..=200).contains(&self.periods.len()) {
            return Err(Error::invalid("/schedule/periods", "must have 1 to 200 entries"));
        }
        let mut last = -1;
        for (at, period) in self.periods.iter().enumerate() {
            let pointer = |field: &str| format!("/schedule/periods/{at}/{field}");
            if (at == 0 && period.start_s != 0) || period.start_s <= last {
                return Err(Error::invalid(pointer("start_s"), "must begin at 0 and rise"));
            }
            last = period.start_s;
            if period.limit.decimal().is_sign_negative() || period.limit.decimal() > 10_000_000.into() {
                return Err(Error::invalid(pointer("limit"), "must be between 0 and 10,000,000"));
            }
            if period.phases.is_some_and(|phases| !(1..=3).contains(&phases)) {
                return Err(Error::invalid(pointer("phases"), "must be between 1 and 3"));
            }
        }
        Ok(())
    }
}

/// A charging profile that we set, and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object, diesel::Queryable, diesel::Selectable)]
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = charging_profile, check_for_backend(diesel::pg::Pg))]
pub struct ChargingProfile {
    /// Id.
    pub id: ChargingProfileId,
    /// The station's operator.
    pub partner_id: PartnerId,
    /// The station's location.
    pub location_id: LocationId,
    /// The station.
    pub station_id: StationId,
    /// The station's own number of the connector; 0 is the whole station.
    #[diesel(column_name = ocpp_connector_id)]
    pub connector: i32,
    /// The number the station knows it by.
    pub ocpp_profile_id: i32,
    /// What it limits.
    pub purpose: ProfilePurpose,
    /// Stack level.
    pub stack_level: i32,
    /// What its times are relative to.
    pub kind: ProfileKind,
    /// How often it begins again.
    pub recurrency: Option<Recurrency>,
    /// From when it holds.
    pub valid_from: Option<Timestamp>,
    /// Until when it holds.
    pub valid_to: Option<Timestamp>,
    /// The session.
    pub session_id: Option<Uuid>,
    /// The limits.
    pub schedule: ChargingSchedule,
    /// How far it is.
    pub state: ChargingProfileState,
    /// The station's word or the error, when it was not taken.
    pub detail: Option<String>,
    /// The last command about it.
    pub command_id: Option<CommandId>,
    /// The caller's own id.
    pub external_id: Option<ExternalId>,
    /// Free key/value pairs.
    pub metadata: Metadata,
    /// Who set it.
    pub created_by: String,
    /// When it was set.
    pub created_at: Timestamp,
    /// When its state last changed.
    pub updated_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_in_the_other_unit() {
        let schedule: ChargingSchedule =
            serde_json::from_value(serde_json::json!({ "unit": "a", "min_rate": "6.0", "periods": [
            { "start_s": 0, "limit": "16.0" }, { "start_s": 60, "limit": "10.0", "phases": 1 }] }))
            .unwrap();
        let watts = schedule.in_other_unit(3);
        let limits = |schedule: &ChargingSchedule| -> Vec<String> {
            schedule.periods.iter().map(|period| period.limit.to_string()).collect()
        };
        assert_eq!((watts.unit, limits(&watts)), (RateUnit::W, vec!["11040.0".to_owned(), "2300.0".to_owned()]));
        assert_eq!(watts.min_rate.unwrap().to_string(), "4140.0");
        assert_eq!(watts.in_other_unit(3), schedule);
        let odd = ChargingSchedule { unit: RateUnit::W, ..schedule };
        assert_eq!(limits(&odd.in_other_unit(3))[0], "0.0", "rounded down, never up");
    }

    #[test]
    fn every_rule_has_its_pointer() {
        let good = serde_json::json!({ "station_id": uuid::Uuid::nil(), "connector": 1, "purpose": "tx_default",
            "stack_level": 0, "kind": "relative",
            "schedule": { "unit": "a", "periods": [{ "start_s": 0, "limit": "16.0" }] } });
        let with = |pointer: &str, value: serde_json::Value| {
            let mut changed = good.clone();
            let (parent, key) = pointer.rsplit_once('/').unwrap();
            changed.pointer_mut(parent).unwrap()[key] = value;
            serde_json::from_value::<NewChargingProfile>(changed).unwrap().check()
        };
        with("/stack_level", 3.into()).unwrap();
        for (pointer, value, wrong) in [
            ("/purpose", "station_max".into(), "/connector"),
            ("/purpose", "tx".into(), "/session_id"),
            ("/kind", "recurring".into(), "/recurrency"),
            ("/kind", "absolute".into(), "/schedule/start"),
            ("/stack_level", (-1).into(), "/stack_level"),
            ("/schedule/periods", serde_json::json!([]), "/schedule/periods"),
            ("/schedule/periods", serde_json::json!([{ "start_s": 5, "limit": "1.0" }]), "/schedule/periods/0/start_s"),
            ("/schedule/duration_s", 0.into(), "/schedule/duration_s"),
        ] {
            let Err(Error::Invalid { fields }) = with(pointer, value) else { panic!("{pointer} was taken") };
            assert_eq!(fields[0].pointer, wrong);
        }
    }
}
