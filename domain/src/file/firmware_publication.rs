//! Firmware that a local controller serves to the stations behind it (OCPP 2.0.1 L03, L04).

use poem_openapi::Object;
use serde::{Deserialize, Serialize};
use stromtor_schema::schema::firmware_publication;

use crate::{
    Result, Timestamp,
    command::CommandId,
    file::{firmware_image::FirmwareImageId, retry},
    network::{location::LocationId, progress::ProgressHistory, station::StationId},
    tenancy::partner::PartnerId,
};

id! {
    /// Id of a firmware publication.
    FirmwarePublicationId
}

choice! {
    /// How far a firmware publication is.
    pub enum FirmwarePublicationState {
        /// The controller has not answered yet.
        Requested = "requested",
        /// It will download the image.
        Accepted = "accepted",
        /// It downloads.
        Downloading = "downloading",
        /// It has the image.
        Downloaded = "downloaded",
        /// It serves the image.
        Published = "published",
        /// It answered that it will not.
        Rejected = "rejected",
        /// It could not, or was not reached.
        Failed = "failed",
        /// It was asked to serve the image no longer.
        Unpublishing = "unpublishing",
        /// It serves the image no longer.
        Unpublished = "unpublished",
    }
}

impl FirmwarePublicationState {
    /// The states in which the controller needs the image from here.
    pub const OPEN: [Self; 4] = [Self::Requested, Self::Accepted, Self::Downloading, Self::Downloaded];

    /// The state after a word of the controller (OCPP 2.0.1 PublishFirmwareStatusEnumType).
    #[must_use]
    pub fn after(self, word: &str) -> Self {
        match (self, word) {
            (Self::Unpublishing | Self::Unpublished | Self::Rejected, _) => self,
            (_, "DownloadScheduled") => Self::Accepted,
            (_, "Downloading" | "DownloadPaused") => Self::Downloading,
            (_, "Downloaded" | "ChecksumVerified") => Self::Downloaded,
            (_, "Published") => Self::Published,
            (_, "DownloadFailed" | "InvalidChecksum" | "PublishFailed") => Self::Failed,
            _ => self,
        }
    }
}

/// What a local controller is to serve.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(skip_serializing_if_is_none)]
pub struct FirmwarePublicationInput {
    /// The image: the controller's operator's or the platform's.
    pub firmware_image_id: FirmwareImageId,
    /// Further attempts when a download fails, 0 to 100; the controller decides when absent.
    pub retries: Option<i32>,
    /// Seconds between attempts, 0 to 86400; the controller decides when absent.
    pub retry_interval_s: Option<i32>,
}

impl FirmwarePublicationInput {
    /// The ranges.
    pub fn check(&self) -> Result<()> {
        retry::check(self.retries, self.retry_interval_s)
    }
}

/// An image that a local controller serves, or was asked to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object, diesel::Queryable, diesel::Selectable)]
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = firmware_publication, check_for_backend(diesel::pg::Pg))]
pub struct FirmwarePublication {
    /// Id.
    pub id: FirmwarePublicationId,
    /// The controller's operator at the time.
    pub partner_id: PartnerId,
    /// The controller's location at the time.
    pub location_id: LocationId,
    /// The controller: a station that is a local controller.
    pub station_id: StationId,
    /// The image; absent when it was deleted since.
    pub firmware_image_id: Option<FirmwareImageId>,
    /// Name of the image.
    pub name: String,
    /// Version of the image.
    pub version: String,
    /// MD5 of the image, hexadecimal: what the controller knows it by.
    pub checksum: String,
    /// The number in the controller's messages.
    pub ocpp_request_id: i32,
    /// How far it is.
    pub state: FirmwarePublicationState,
    /// The controller's last word, for example `InvalidChecksum`, or why it was not reached.
    pub detail: Option<String>,
    /// Where the controller serves it.
    pub locations: Vec<String>,
    /// The controller's words so far.
    pub history: ProgressHistory,
    /// The command that asked; absent when it is no longer kept.
    pub command_id: Option<CommandId>,
    /// The command that asked to serve it no longer.
    pub unpublish_command_id: Option<CommandId>,
    /// Who asked.
    pub created_by: String,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When its state last changed.
    pub updated_at: Timestamp,
}
