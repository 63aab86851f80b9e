//! Columns whose distinct values fill the filter lists of a portal.

use poem_openapi::Object;
use serde::{Deserialize, Serialize};

use crate::actor::Permission;

choice! {
    /// A column that can be asked for.
    pub enum Column {
        /// Towns of locations.
        LocationCity = "location.city",
        /// Countries of locations.
        LocationCountry = "location.country",
        /// Streets of locations.
        LocationStreet = "location.street",
        /// Installation statuses of stations.
        StationInstallationStatus = "station.installation_status",
        /// Vendors that stations say they are of.
        StationVendor = "station.vendor",
        /// Models that stations say they are.
        StationModel = "station.model",
        /// Firmware versions that stations run.
        StationFirmware = "station.firmware_version",
        /// Statuses of charge points.
        ChargePointStatus = "charge_point.status",
        /// Why sessions ended.
        SessionStopReason = "session.stop_reason",
        /// How drivers were let in.
        SessionAuthSource = "session.auth_source",
        /// Currencies of CDRs.
        CdrCurrency = "cdr.currency",
        /// Why CDRs are held.
        CdrHeldReason = "cdr.held_reason",
        /// Actions in the OCPP message log.
        OcppMessageAction = "ocpp_message.action",
    }
}

impl Column {
    /// The permission that its resource needs.
    #[must_use]
    pub const fn permission(self) -> Permission {
        match self {
            Self::LocationCity | Self::LocationCountry | Self::LocationStreet => Permission::LocationRead,
            Self::StationInstallationStatus
            | Self::StationVendor
            | Self::StationModel
            | Self::StationFirmware
            | Self::ChargePointStatus => Permission::StationRead,
            Self::SessionStopReason | Self::SessionAuthSource => Permission::SessionRead,
            Self::CdrCurrency | Self::CdrHeldReason => Permission::CdrRead,
            Self::OcppMessageAction => Permission::OcppLogRead,
        }
    }
}

/// The distinct values of a column, in your scope.
#[derive(Debug, Clone, Serialize, Deserialize, Object)]
pub struct DistinctValues {
    /// In alphabetical order; at most 1,000.
    pub values: Vec<String>,
}
