//! Dated notes on stations and charge points.

use chrono::NaiveDate;
use poem_openapi::Object;
use serde::{Deserialize, Serialize};
use stromtor_schema::schema::note;

use crate::{
    Result, Timestamp,
    network::{charge_point::ChargePointId, location::LocationId, station::StationId},
    tenancy::partner::PartnerId,
    values::LongText,
};

id! {
    /// Id of a note.
    NoteId
}

/// What a caller may set of a note.
#[derive(
    Debug,
    Clone,
    PartialEq,
    Serialize,
    Deserialize,
    Object,
    diesel::Queryable,
    diesel::Selectable,
    diesel::Insertable,
    diesel::AsChangeset,
)]
#[serde(deny_unknown_fields)]
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = note, treat_none_as_null = true)]
pub struct NoteInput {
    /// The charge point it is about; the whole station when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub charge_point_id: Option<ChargePointId>,
    /// What there is to say.
    pub text: LongText,
    /// The day it is about.
    pub noted_on: NaiveDate,
}

impl NoteInput {
    /// The rules that concern more than one field.
    pub fn check(&self) -> Result<()> {
        Ok(())
    }
}

/// A note.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object, diesel::Queryable, diesel::Selectable)]
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = note, check_for_backend(diesel::pg::Pg))]
pub struct Note {
    /// Id.
    pub id: NoteId,
    /// The station's operator.
    pub partner_id: PartnerId,
    /// The station's location.
    pub location_id: LocationId,
    /// The station.
    pub station_id: StationId,
    /// Who wrote it.
    pub author: String,
    /// What a caller may set.
    #[oai(flatten)]
    #[serde(flatten)]
    #[diesel(embed)]
    pub input: NoteInput,
    /// Counts the changes.
    pub revision: i64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}
