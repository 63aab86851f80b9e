//! Stations: pieces of hardware, each with one OCPP identity.

use std::collections::HashSet;

use chrono::NaiveDate;
use poem_openapi::Object;
use serde::{Deserialize, Serialize};
use stromtor_schema::schema::{station, station_live};

use crate::{
    Error, Result, Timestamp,
    error::FieldError,
    network::{
        charge_point::ChargePointInput, connector::ConnectorInput, hardware::StationModelId, location::LocationId,
        tolerance::Tolerances,
    },
    session::report::BootReport,
    tenancy::partner::PartnerId,
    values::{ExternalId, Line, Metadata, Name},
};

id! {
    /// Id of a station.
    StationId
}

fn parse_identity(text: &str) -> Result<String, String> {
    let printable = text.chars().all(|c| !c.is_control() && !c.is_whitespace());
    if !text.is_empty() && printable && !text.contains([':', '/', '?', '#', '%']) {
        Ok(text.to_owned())
    } else {
        Err("must be printable, without blanks and the characters : / ? # %".into())
    }
}

text! {
    /// A station's OCPP identity: last segment of its URL and user name of Basic authentication. Compared exactly, unique
    /// on the platform.
    OcppIdentity { example: "wallbeP8001", max: 48, parse: parse_identity }
}

choice! {
    /// How far a station's installation is.
    pub enum InstallationStatus {
        /// Ordered or being built.
        Planned = "planned",
        /// On its place, not yet in service.
        Installed = "installed",
        /// In service.
        Commissioned = "commissioned",
        /// Taken out of service for good; its history is kept.
        Dismantled = "dismantled",
    }
}

/// How a station's connection is treated.
#[derive(
    Debug,
    Clone,
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
#[diesel(sql_type = diesel::sql_types::Jsonb)]
pub struct OcppSettings {
    /// Whether it must send its password. Without, anybody who knows the identity can connect; only security profile 0 allows
    /// that.
    pub password_required: bool,
    /// Whether a connection that names no sub-protocol counts as OCPP 1.6.
    pub accept_without_protocol: bool,
    /// Whether pings are sent to it.
    pub ping: bool,
}

impl Default for OcppSettings {
    fn default() -> Self {
        Self { password_required: true, accept_without_protocol: false, ping: true }
    }
}

jsonb!(OcppSettings, BootReport);

/// What a caller may set of a station.
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
#[diesel(table_name = station, treat_none_as_null = true)]
pub struct StationInput {
    /// The location it stands at; one of the station's operator.
    pub location_id: LocationId,
    /// OCPP identity.
    pub ocpp_identity: OcppIdentity,
    /// Name for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
    /// Model in the hardware catalogue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_id: Option<StationModelId>,
    /// Serial number on its plate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial_number: Option<Line>,
    /// How far its installation is. `dismantled` is set by dismantling alone.
    pub installation_status: InstallationStatus,
    /// When it was installed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub installed_on: Option<NaiveDate>,
    /// Free key/values for people.
    #[serde(default)]
    #[oai(default)]
    pub attributes: Metadata,
    /// How its connection is treated.
    #[serde(default)]
    #[oai(default)]
    pub ocpp_settings: OcppSettings,
    /// How it is treated where it departs from the specification; goes before the model's.
    #[serde(default)]
    #[oai(default)]
    pub tolerances: Tolerances,
    /// The least OCPP security profile that its connections must have: 0 whatever comes (a password where
    /// `ocpp_settings.password_required`), 1 a password, 2 a password over TLS, 3 a client certificate. Rises by itself when the
    /// station comes with a higher one; it is lowered only by a reset.
    #[serde(default = "usual_profile")]
    #[oai(default = "usual_profile", validator(minimum(value = "0"), maximum(value = "3")))]
    pub security_profile: i16,
    /// The caller's own id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<ExternalId>,
    /// Free key/value pairs.
    #[serde(default)]
    #[oai(default)]
    pub metadata: Metadata,
}

/// Security profile of a new station: a password.
const fn usual_profile() -> i16 {
    StationInput::USUAL_PROFILE
}

impl StationInput {
    /// Security profile of a new station when the caller does not say: a password.
    pub const USUAL_PROFILE: i16 = 1;

    /// The rules that concern more than one field.
    pub fn check(&self) -> Result<()> {
        if !(0..=3).contains(&self.security_profile) {
            return Err(Error::invalid("/security_profile", "must be between 0 and 3"));
        }
        if self.security_profile > 0 && !self.ocpp_settings.password_required {
            let pointer = "/ocpp_settings/password_required";
            return Err(Error::invalid(pointer, "may be false only with security_profile 0"));
        }
        if self.installation_status == InstallationStatus::Dismantled {
            return Err(Error::invalid("/installation_status", "is set by dismantling the station"));
        }
        self.tolerances.check("/tolerances")
    }
}

/// A station.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object, diesel::Queryable, diesel::Selectable)]
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = station, check_for_backend(diesel::pg::Pg))]
pub struct Station {
    /// Id.
    pub id: StationId,
    /// Its operator.
    pub partner_id: PartnerId,
    /// What a caller may set.
    #[oai(flatten)]
    #[serde(flatten)]
    #[diesel(embed)]
    pub input: StationInput,
    /// When it was dismantled.
    pub dismantled_at: Option<Timestamp>,
    /// Counts the changes.
    pub revision: i64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// A station's connection and what it says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object, diesel::Queryable, diesel::Selectable)]
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = station_live, check_for_backend(diesel::pg::Pg))]
pub struct StationLive {
    /// The station.
    pub station_id: StationId,
    /// Whether it is connected.
    pub connected: bool,
    /// OCPP version of its newest connection.
    pub ocpp_version: Option<String>,
    /// Address it connected from.
    pub remote_address: Option<String>,
    /// Security profile of its newest connection: 0 nothing, 1 password, 2 password over TLS, 3 client certificate.
    pub security_profile: Option<i16>,
    /// When it connected.
    pub connected_at: Option<Timestamp>,
    /// When its last connection ended.
    pub disconnected_at: Option<Timestamp>,
    /// Last sign of life; up to some seconds old.
    pub last_seen_at: Option<Timestamp>,
    /// Last boot.
    pub booted_at: Option<Timestamp>,
    /// What it said of itself at boot.
    pub boot: Option<BootReport>,
    /// Firmware version it reported.
    pub firmware_version: Option<String>,
    /// What had to be forgiven, and how often, by the words of `GET /v1/quirks`.
    pub quirks: serde_json::Value,
    /// How often somebody came with its identity and wrong credentials.
    pub refused_attempts: i64,
    /// The last time.
    pub last_refused_at: Option<Timestamp>,
}

/// A station's password, shown this once.
#[derive(Debug, Clone, Serialize, Deserialize, Object)]
pub struct StationPassword {
    /// The station.
    pub station_id: StationId,
    /// User name of Basic authentication.
    pub ocpp_identity: OcppIdentity,
    /// Password of Basic authentication: 20 characters. It is not kept and cannot be shown again.
    pub password: String,
}

/// A charge point of a new station, with its connectors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
pub struct NewChargePoint {
    /// The charge point.
    pub charge_point: ChargePointInput,
    /// Its connectors, up to 10.
    #[serde(default)]
    #[oai(default)]
    pub connectors: Vec<ConnectorInput>,
}

/// A new station with its parts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
pub struct NewStation {
    /// The station.
    pub station: StationInput,
    /// Its charge points, up to 50.
    #[serde(default)]
    #[oai(default)]
    pub charge_points: Vec<NewChargePoint>,
}

/// Many new stations; all are created or none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
pub struct StationBatch {
    /// 1 to 1,000 stations.
    pub stations: Vec<NewStation>,
}

impl StationBatch {
    /// Most stations of one batch.
    pub const MOST: usize = 1000;

    /// Every station and part by its own rules; identities, codes and numbers that occur twice.
    pub fn check(&self) -> Result<()> {
        if !(1..=Self::MOST).contains(&self.stations.len()) {
            return Err(Error::invalid("/stations", "must have 1 to 1000 entries"));
        }
        let mut fields = Vec::new();
        let mut identities = HashSet::new();
        let mut note = |at: String, checked: Result<()>| {
            if let Err(Error::Invalid { fields: wrong }) = checked {
                fields.extend(
                    wrong.into_iter().map(|field| FieldError { pointer: at.clone() + &field.pointer, ..field }),
                );
            }
        };
        for (at, new) in self.stations.iter().enumerate() {
            let place = format!("/stations/{at}");
            note(format!("{place}/station"), new.station.check());
            if !identities.insert(&new.station.ocpp_identity) {
                note(place.clone(), Err(Error::invalid("/station/ocpp_identity", "occurs twice in the batch")));
            }
            if new.charge_points.len() > 50 {
                note(place.clone(), Err(Error::invalid("/charge_points", "has more than 50 entries")));
            }
            for (at, point) in new.charge_points.iter().enumerate() {
                let place = format!("{place}/charge_points/{at}");
                note(format!("{place}/charge_point"), point.charge_point.check());
                if point.connectors.len() > 10 {
                    note(place.clone(), Err(Error::invalid("/connectors", "has more than 10 entries")));
                }
                for (at, connector) in point.connectors.iter().enumerate() {
                    note(format!("{place}/connectors/{at}"), connector.check());
                }
            }
        }
        if fields.is_empty() { Ok(()) } else { Err(Error::Invalid { fields }) }
    }
}

/// What a copy of a station is to be called.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(skip_serializing_if_is_none)]
pub struct StationClone {
    /// OCPP identity of the copy. Its charge points get the codes `<identity>-<EVSE number>`.
    pub ocpp_identity: OcppIdentity,
    /// Name of the copy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
}

/// Where a station goes when another operator takes it over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
pub struct StationTransfer {
    /// The location; its operator becomes the station's.
    pub location_id: LocationId,
}

/// Identity of a station that has tried to connect, to be adopted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(skip_serializing_if_is_none)]
pub struct StationAdoption {
    /// Its exact identity.
    pub ocpp_identity: OcppIdentity,
    /// The location it stands at.
    pub location_id: LocationId,
    /// Name for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
}

/// A station that tried to connect and is not known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object, diesel::Queryable, diesel::Selectable)]
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = stromtor_schema::schema::unknown_station, check_for_backend(diesel::pg::Pg))]
pub struct UnknownStation {
    /// The identity it used.
    pub ocpp_identity: String,
    /// How often it tried.
    pub attempts: i64,
    /// First attempt.
    pub first_seen_at: Timestamp,
    /// Last attempt.
    pub last_seen_at: Timestamp,
    /// Where the last came from.
    pub remote_address: String,
    /// The sub-protocols it offered.
    pub protocols: Option<String>,
}
