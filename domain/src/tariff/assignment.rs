//! Which tariff holds at a charge point, and from when.

use poem_openapi::Object;
use serde::{Deserialize, Serialize};
use stromtor_schema::schema::tariff_assignment;

use crate::{
    Timestamp,
    network::{charge_point::ChargePointId, location::LocationId},
    tariff::{plan::TariffPlanId, tariff::TariffId},
    tenancy::partner::PartnerId,
};

id! {
    /// Id of an assignment.
    TariffAssignmentId
}

/// A tariff to hold at a charge point.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(skip_serializing_if_is_none)]
pub struct TariffAssignmentInput {
    /// The charge point.
    pub charge_point_id: ChargePointId,
    /// The tariff; of the charge point's operator.
    pub tariff_id: TariffId,
    /// It holds for sessions that begin from then on, until the next assignment; at once when absent. Not in the past.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<Timestamp>,
}

/// A tariff that holds at a charge point from a time on, until the next one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object, diesel::Queryable, diesel::Selectable)]
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = tariff_assignment, check_for_backend(diesel::pg::Pg))]
pub struct TariffAssignment {
    /// Id.
    pub id: TariffAssignmentId,
    /// The operator.
    pub partner_id: PartnerId,
    /// Where the charge point stood when it was assigned.
    pub location_id: LocationId,
    /// The charge point.
    pub charge_point_id: ChargePointId,
    /// The tariff.
    pub tariff_id: TariffId,
    /// It holds for sessions that begin from then on.
    pub valid_from: Timestamp,
    /// When it was taken back, before it began.
    pub cancelled_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// The plan it was made by.
    pub plan_id: Option<TariffPlanId>,
}

/// What holds at a charge point, what will, and what did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct ChargePointTariffs {
    /// What holds for a session that begins now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active: Option<TariffAssignment>,
    /// What will hold, in order of time.
    pub planned: Vec<TariffAssignment>,
    /// What held, newest first; the last 100, those that were taken back too.
    pub history: Vec<TariffAssignment>,
}
