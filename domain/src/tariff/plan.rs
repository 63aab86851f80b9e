//! A tariff for many charge points in three steps (portal function F2): chosen, checked, then assigned as a whole or not at
//! all.

use poem_openapi::Object;
use serde::{Deserialize, Serialize};
use stromtor_schema::schema::{tariff_plan, tariff_plan_item, tariff_plan_progress};

use super::{
    notice::Dearer,
    tariff::{TariffId, TariffVersionId},
};
use crate::{
    Error, Result, Timestamp,
    network::{
        charge_point::{ChargePointId, CurrentType},
        location::LocationId,
        station::StationId,
    },
    tenancy::partner::PartnerId,
    values::{CountryCode, Name},
};

id! {
    /// Id of a tariff plan.
    TariffPlanId
}

/// Most charge points that may be chosen one by one.
const MOST_CHOSEN: usize = 5_000;

choice! {
    /// How far a plan is.
    pub enum TariffPlanState {
        /// Checked; nothing is assigned.
        Preview = "preview",
        /// Assigned.
        Confirmed = "confirmed",
        /// Given up, or taken back before it began.
        Cancelled = "cancelled",
    }
}

/// Charge points by what they are; all that is given must be met.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(skip_serializing_if_is_none)]
pub struct ChargePointChoice {
    /// At this location.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location_id: Option<LocationId>,
    /// Of this station.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub station_id: Option<StationId>,
    /// In this country.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<CountryCode>,
    /// In this town.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<Name>,
    /// With a postal code that begins so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<Name>,
    /// AC or DC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_type: Option<CurrentType>,
    /// Where this tariff holds now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tariff_id: Option<TariffId>,
}

/// A tariff to hold at many charge points.
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
pub struct TariffPlanInput {
    /// The tariff.
    pub tariff_id: TariffId,
    /// It holds for sessions that begin from then on, until the next assignment; at once, when it is confirmed, when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<Timestamp>,
    /// These charge points, at most 5000; or a `filter`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[oai(default)]
    pub charge_point_ids: Vec<ChargePointId>,
    /// Every charge point of the tariff's partner that meets this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter: Option<ChargePointChoice>,
}

jsonb!(TariffPlanInput);

impl TariffPlanInput {
    /// The rules that concern more than one field.
    pub fn check(&self) -> Result<()> {
        match (self.charge_point_ids.len(), &self.filter) {
            (0, None) => Err(Error::invalid("/charge_point_ids", "choose charge points, or give a filter")),
            (0, Some(_)) | (1..=MOST_CHOSEN, None) => Ok(()),
            (_, Some(_)) => Err(Error::invalid("/filter", "goes without charge_point_ids")),
            _ => Err(Error::invalid("/charge_point_ids", "are at most 5000; use a filter")),
        }
    }
}

/// A plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object, diesel::Queryable, diesel::Selectable)]
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = tariff_plan, check_for_backend(diesel::pg::Pg))]
pub struct TariffPlan {
    /// Id.
    pub id: TariffPlanId,
    /// The tariff's partner.
    pub partner_id: PartnerId,
    /// The tariff.
    pub tariff_id: TariffId,
    /// The version that was checked.
    pub version_id: TariffVersionId,
    /// It holds for sessions that begin from then on.
    pub valid_from: Option<Timestamp>,
    /// What was chosen, as it was said.
    pub selection: TariffPlanInput,
    /// How far it is.
    pub state: TariffPlanState,
    /// How many charge points it is for.
    pub charge_points: i64,
    /// At how many of them something speaks against it.
    pub violations: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// When it was confirmed.
    pub confirmed_at: Option<Timestamp>,
    /// When it was given up or taken back.
    pub cancelled_at: Option<Timestamp>,
}

/// How far the confirmation of a plan is. What was assigned counts once the plan is `confirmed`: all of it, or nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object, diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = tariff_plan_progress, check_for_backend(diesel::pg::Pg))]
pub struct TariffPlanProgress {
    /// The plan.
    pub plan_id: TariffPlanId,
    /// At how many charge points the tariff is assigned.
    pub done: i64,
    /// How many there are.
    pub total: i64,
    /// When it was last known.
    pub updated_at: Timestamp,
}

choice! {
    /// What speaks against a tariff at a charge point.
    pub enum ViolationCode {
        /// It is more than 7 % dearer than the dearest of the last 30 days and begins in less than 30 days.
        NoticeTooShort = "notice_too_short",
        /// A tariff of the last 30 days was in another currency.
        CurrencyMismatch = "currency_mismatch",
        /// The tariff has no price for the charge point's kind of current.
        PriceMissing = "price_missing",
        /// The charge point is not the tariff's partner's.
        OtherOperator = "other_operator",
        /// Another tariff is planned there for the same time or later.
        OverlappingPlan = "overlapping_plan",
    }
}

/// What speaks against a tariff at a charge point.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct Violation {
    /// Stable code.
    pub code: ViolationCode,
    /// What is dearer, with the figures.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dearer: Vec<Dearer>,
    /// From when on the tariff could hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub earliest: Option<Timestamp>,
}

impl Violation {
    /// One that its code says all of.
    #[must_use]
    pub const fn plain(code: ViolationCode) -> Self {
        Self { code, dearer: Vec::new(), earliest: None }
    }
}

/// All that speaks against it.
#[derive(
    Debug,
    Clone,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    diesel::expression::AsExpression,
    diesel::deserialize::FromSqlRow,
)]
#[diesel(sql_type = diesel::sql_types::Jsonb)]
pub struct Violations(pub Vec<Violation>);

jsonb!(Violations);

/// One charge point of a plan: the tariff before and after, and what speaks against it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object, diesel::Queryable, diesel::Selectable)]
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = tariff_plan_item, check_for_backend(diesel::pg::Pg))]
pub struct TariffPlanItem {
    /// The charge point.
    pub charge_point_id: ChargePointId,
    /// Whose charge point it is.
    pub operator_id: PartnerId,
    /// Where it stands.
    pub location_id: LocationId,
    /// AC or DC.
    pub current_type: CurrentType,
    /// The tariff that would hold at the plan's time without it.
    #[diesel(column_name = before_id)]
    pub tariff_before_id: Option<TariffId>,
    /// What speaks against it; nothing when empty.
    #[diesel(deserialize_as = Violations)]
    pub violations: Vec<Violation>,
}

impl From<Violations> for Vec<Violation> {
    fn from(violations: Violations) -> Self {
        violations.0
    }
}
