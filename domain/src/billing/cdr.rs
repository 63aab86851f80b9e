//! Charge detail records: immutable legs of what a session cost. The operator sells to the platform (leg 1), the platform to
//! the provider whose driver it was (leg 2). A correction is another leg, never a change.

use poem_openapi::Object;
use serde::{Deserialize, Serialize};
use stromtor_schema::schema::cdr;

use crate::{
    Timestamp,
    billing::rating::Cost,
    money::{Amount, CurrencyCode, Kwh, Percent, Total},
    network::{
        charge_point::{ChargePointId, CurrentType},
        location::LocationId,
        station::StationId,
    },
    session::{measure::Measurement, session::SessionId},
    tariff::{
        price::PowerPrice,
        tariff::{TariffId, TariffVersionId},
    },
    tenancy::partner::PartnerId,
    values::CountryCode,
};

id! {
    /// Id of a charge detail record.
    CdrId
}

choice! {
    /// Whether a CDR may be billed.
    pub enum CdrState {
        /// It may.
        Final = "final",
        /// It may not; `held_reason` says why.
        Held = "held",
    }
}

choice! {
    /// Why a CDR may not be billed.
    pub enum HeldReason {
        /// A signature does not match, or the signed readings do not belong together.
        SignatureFailed = "signature_failed",
        /// The readings are signed and no public key is known to check them.
        PublicKeyMissing = "public_key_missing",
        /// The readings are signed in a form that cannot be checked.
        SignedFormUnknown = "signed_form_unknown",
        /// Time costs, and the meter's clock was not synchronised.
        ClockNotBillable = "clock_not_billable",
        /// The register fell back and no reading explains it.
        RegisterImplausible = "register_implausible",
        /// More energy than the charge point can deliver in the time.
        EnergyImplausible = "energy_implausible",
        /// The station never reported the end.
        StopMissing = "stop_missing",
        /// The end names a transaction whose start was never reported.
        StartMissing = "start_missing",
        /// The connector belongs to no charge point.
        ChargePointUnknown = "charge_point_unknown",
        /// No tariff was assigned to the charge point when the session began.
        TariffMissing = "tariff_missing",
        /// The tariff has no price for this kind of current.
        PriceMissing = "price_missing",
        /// No VAT rate is configured for the country.
        VatMissing = "vat_missing",
        /// The token was refused, and yet the station charged.
        NotAuthorized = "not_authorized",
    }
}

/// The tariff as it was, and what came of it.
#[derive(
    Debug,
    Clone,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    Object,
    diesel::expression::AsExpression,
    diesel::deserialize::FromSqlRow,
)]
#[oai(skip_serializing_if_is_none)]
#[diesel(sql_type = diesel::sql_types::Jsonb)]
pub struct Rating {
    /// The tariff.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tariff_id: Option<TariffId>,
    /// Its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<i32>,
    /// Its name then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its short name then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The prices it was rated by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<PowerPrice>,
    /// What the platform added to the tariff's prices for the provider, in percent; `price` has it in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub markup_percent: Option<Percent>,
    /// What it costs.
    pub cost: Cost,
}

jsonb!(Rating);

/// A charge detail record. It never changes.
#[derive(
    Debug,
    Clone,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    Object,
    diesel::Queryable,
    diesel::Selectable,
    diesel::Insertable,
)]
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = cdr, check_for_backend(diesel::pg::Pg))]
pub struct Cdr {
    /// Id.
    pub id: CdrId,
    /// The session.
    pub session_id: SessionId,
    /// The session's running number.
    pub session_number: i64,
    /// 1: operator to platform, 2: platform to provider.
    pub leg: i32,
    /// Who sells.
    pub seller_id: PartnerId,
    /// Who buys.
    pub buyer_id: PartnerId,
    /// The operator it took place at.
    pub operator_id: PartnerId,
    /// The provider whose driver it was.
    pub emp_id: Option<PartnerId>,
    /// Where.
    pub location_id: LocationId,
    /// At which station.
    pub station_id: StationId,
    /// At which charge point.
    pub charge_point_id: Option<ChargePointId>,
    /// Who charged, as the station sent it.
    pub id_tag: Option<String>,
    /// When it began; from the signed readings where there are.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
    /// From begin to end, seconds.
    pub duration_s: i64,
    /// Energy in kWh.
    pub energy_kwh: Kwh,
    /// Current type; chose the price.
    pub current_type: CurrentType,
    /// Country of the location; chose the VAT.
    pub country: CountryCode,
    /// The tariff's version.
    pub tariff_version_id: Option<TariffVersionId>,
    /// Currency of every amount.
    pub currency: CurrencyCode,
    /// The tariff as it was, every component, VAT per rate.
    pub rating: Rating,
    /// Sum of the components.
    pub total_net: Amount,
    /// VAT.
    pub total_vat: Total,
    /// What is to be paid.
    pub total_gross: Total,
    /// Whether it may be billed.
    pub state: CdrState,
    /// Why it may not.
    pub held_reason: Option<HeldReason>,
    /// How it was measured.
    pub measurement: Measurement,
    /// The CDR it corrects.
    pub corrects_cdr_id: Option<CdrId>,
    /// When it was made.
    pub created_at: Timestamp,
}
