//! Connectors: plugs and sockets of a charge point.

use poem_openapi::Object;
use serde::{Deserialize, Serialize};
use stromtor_schema::schema::connector;

use crate::{
    Error, Result, Timestamp,
    money::Kwh,
    network::{charge_point::ChargePointId, location::LocationId, station::StationId},
    tenancy::partner::PartnerId,
    values::{ExternalId, Metadata},
};

id! {
    /// Id of a connector.
    ConnectorId
}

choice! {
    /// Type of plug. Words of OCPI 2.2.1 `ConnectorType`, in lower case; the usual ones.
    pub enum ConnectorStandard {
        /// Type 1 (SAE J1772).
        Iec62196T1 = "iec_62196_t1",
        /// Combined charging system 1.
        Iec62196T1Combo = "iec_62196_t1_combo",
        /// Type 2.
        Iec62196T2 = "iec_62196_t2",
        /// Combined charging system 2.
        Iec62196T2Combo = "iec_62196_t2_combo",
        /// CHAdeMO.
        Chademo = "chademo",
        /// Household socket, Schuko.
        DomesticF = "domestic_f",
        /// Household socket, French.
        DomesticE = "domestic_e",
        /// Industrial socket, 3 phases, 16 A.
        Iec603093Phase16A = "iec_60309_2_three_16",
        /// Industrial socket, 3 phases, 32 A.
        Iec603093Phase32A = "iec_60309_2_three_32",
        /// Tesla.
        TeslaS = "tesla_s",
        /// Megawatt charging system.
        Mcs = "mcs",
    }
}

choice! {
    /// Whether the driver brings the cable.
    pub enum ConnectorFormat {
        /// The driver does.
        Socket = "socket",
        /// It is attached.
        Cable = "cable",
    }
}

choice! {
    /// Kind of power. Words of OCPI 2.2.1 `PowerType`, in lower case.
    pub enum PowerType {
        /// AC, one phase.
        Ac1Phase = "ac_1_phase",
        /// AC, two phases.
        Ac2Phase = "ac_2_phase",
        /// AC, two phases of a split system.
        Ac2PhaseSplit = "ac_2_phase_split",
        /// AC, three phases.
        Ac3Phase = "ac_3_phase",
        /// DC.
        Dc = "dc",
    }
}

/// What a caller may set of a connector.
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
#[diesel(table_name = connector, treat_none_as_null = true)]
pub struct ConnectorInput {
    /// The station's own number of it in OCPP, 1 to 999; several may belong to one charge point.
    pub ocpp_connector_id: i32,
    /// Type of plug.
    pub standard: ConnectorStandard,
    /// Socket or cable.
    pub format: ConnectorFormat,
    /// Kind of power.
    pub power_type: PowerType,
    /// Most voltage in V, between the conductors: 400 for three phases.
    pub max_voltage_v: i32,
    /// Most current in A, per phase.
    pub max_current_a: i32,
    /// Most power in kW; computed from the others by readers when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_power_kw: Option<Kwh>,
    /// The caller's own id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<ExternalId>,
    /// Free key/value pairs.
    #[serde(default)]
    #[oai(default)]
    pub metadata: Metadata,
}

impl ConnectorInput {
    /// The rules that concern more than one field.
    pub fn check(&self) -> Result<()> {
        for (value, least, most, pointer) in [
            (self.ocpp_connector_id, 1, 999, "/ocpp_connector_id"),
            (self.max_voltage_v, 1, 2000, "/max_voltage_v"),
            (self.max_current_a, 1, 5000, "/max_current_a"),
        ] {
            if !(least..=most).contains(&value) {
                return Err(Error::invalid(pointer, format!("must be between {least} and {most}")));
            }
        }
        Ok(())
    }
}

/// A connector.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object, diesel::Queryable, diesel::Selectable)]
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = connector, check_for_backend(diesel::pg::Pg))]
pub struct Connector {
    /// Id.
    pub id: ConnectorId,
    /// The station's operator.
    pub partner_id: PartnerId,
    /// The station's location.
    pub location_id: LocationId,
    /// The station.
    pub station_id: StationId,
    /// The charge point.
    pub charge_point_id: ChargePointId,
    /// What a caller may set.
    #[oai(flatten)]
    #[serde(flatten)]
    #[diesel(embed)]
    pub input: ConnectorInput,
    /// Counts the changes.
    pub revision: i64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}
