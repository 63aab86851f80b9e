//! Firmware updates of one station.

use poem_openapi::Object;
use serde::{Deserialize, Serialize};
use stromtor_schema::schema::firmware_update;

use crate::{
    Error, Result, Timestamp,
    command::CommandId,
    file::{firmware_image::FirmwareImageId, retry},
    network::{location::LocationId, progress::ProgressHistory, station::StationId},
    tenancy::partner::PartnerId,
};

id! {
    /// Id of a firmware update.
    FirmwareUpdateId
}

choice! {
    /// How far a firmware update is.
    pub enum FirmwareUpdateState {
        /// The station has not answered yet.
        Requested = "requested",
        /// The station will download, or has scheduled it.
        Accepted = "accepted",
        /// It downloads.
        Downloading = "downloading",
        /// It has the image, and may be waiting for the time to install it.
        Downloaded = "downloaded",
        /// It installs, or restarts for it.
        Installing = "installing",
        /// It runs the image.
        Installed = "installed",
        /// It answered that it will not.
        Rejected = "rejected",
        /// It could not, or was not reached. A station that tries again gets on from here.
        Failed = "failed",
        /// Withdrawn here, or replaced by a newer update.
        Cancelled = "cancelled",
    }
}

impl FirmwareUpdateState {
    /// The states in which more is to come; a station has one such update at most.
    pub const OPEN: [Self; 5] =
        [Self::Requested, Self::Accepted, Self::Downloading, Self::Downloaded, Self::Installing];

    /// Whether more is to come.
    #[must_use]
    pub fn is_open(self) -> bool {
        Self::OPEN.contains(&self)
    }

    /// The state after a word of the station (OCPP 1.6 section 7.25, OCPP 2.0.1 FirmwareStatusEnumType).
    #[must_use]
    pub fn after(self, word: &str) -> Self {
        match (self, word) {
            (Self::Installed | Self::Cancelled | Self::Rejected, _) => self,
            (_, "DownloadScheduled") => Self::Accepted,
            (_, "Downloading" | "DownloadPaused") => Self::Downloading,
            (_, "Downloaded" | "SignatureVerified" | "InstallScheduled") => Self::Downloaded,
            (_, "Installing" | "InstallRebooting") => Self::Installing,
            (_, "Installed") => Self::Installed,
            (_, "DownloadFailed" | "InstallationFailed" | "InstallVerificationFailed" | "InvalidSignature") => {
                Self::Failed
            }
            // `Idle`, and words of nobody's.
            _ => self,
        }
    }
}

/// What a station is to install.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(skip_serializing_if_is_none)]
pub struct FirmwareUpdateInput {
    /// The image: the station's operator's or the platform's.
    pub firmware_image_id: FirmwareImageId,
    /// The station downloads from then on; at once when absent.
    pub retrieve_at: Option<Timestamp>,
    /// The station installs from then on; as soon as it can when absent. OCPP 1.6 knows it in signed updates alone.
    pub install_at: Option<Timestamp>,
    /// Further attempts when a download fails, 0 to 100; the station decides when absent.
    pub retries: Option<i32>,
    /// Seconds between attempts, 0 to 86400; the station decides when absent.
    pub retry_interval_s: Option<i32>,
    /// Whether the station gets the signature to verify; when absent, if the image has one.
    pub signed: Option<bool>,
}

impl FirmwareUpdateInput {
    /// The rules that concern more than one field.
    pub fn check(&self) -> Result<()> {
        if let (Some(retrieve), Some(install)) = (self.retrieve_at, self.install_at)
            && install < retrieve
        {
            return Err(Error::invalid("/install_at", "must not be before retrieve_at"));
        }
        retry::check(self.retries, self.retry_interval_s)
    }
}

/// An update of a station's firmware.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object, diesel::Queryable, diesel::Selectable)]
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = firmware_update, check_for_backend(diesel::pg::Pg))]
pub struct FirmwareUpdate {
    /// Id.
    pub id: FirmwareUpdateId,
    /// The station's operator at the time.
    pub partner_id: PartnerId,
    /// The station's location at the time.
    pub location_id: LocationId,
    /// The station.
    pub station_id: StationId,
    /// The image; absent when it was deleted since.
    pub firmware_image_id: Option<FirmwareImageId>,
    /// Name of the image.
    pub name: String,
    /// Version of the image.
    pub version: String,
    /// The number in the station's messages.
    pub ocpp_request_id: i32,
    /// Whether the station was given the signature to verify.
    pub signed: bool,
    /// The station downloads from then on.
    pub retrieve_at: Timestamp,
    /// The station installs from then on.
    pub install_at: Option<Timestamp>,
    /// Further attempts when a download fails.
    pub retries: Option<i32>,
    /// Seconds between attempts.
    pub retry_interval_s: Option<i32>,
    /// How far it is.
    pub state: FirmwareUpdateState,
    /// The station's last word, for example `InstallationFailed`, or why it was not reached.
    pub detail: Option<String>,
    /// The station's words so far.
    pub history: ProgressHistory,
    /// The version that the station reported before.
    pub firmware_before: Option<String>,
    /// The version that the station reported at its first boot after the installation.
    pub firmware_after: Option<String>,
    /// The command that asked; absent when it is no longer kept.
    pub command_id: Option<CommandId>,
    /// Who asked.
    pub created_by: String,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When its state last changed.
    pub updated_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_lead_to_states() {
        use FirmwareUpdateState as S;
        let end = ["Downloading", "DownloadFailed", "Downloading", "Downloaded", "Installing", "Idle", "Installed"]
            .iter()
            .fold(S::Accepted, |state, word| state.after(word));
        assert_eq!(end, S::Installed);
        assert_eq!(S::Installed.after("Downloading"), S::Installed);
        assert_eq!(S::Downloaded.after("InvalidSignature"), S::Failed);
    }
}
