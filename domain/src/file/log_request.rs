//! Logs that a station is asked to upload.

use poem_openapi::Object;
use serde::{Deserialize, Serialize};
use stromtor_schema::schema::log_request;

use crate::{
    Error, Result, Timestamp,
    command::CommandId,
    file::{retry, station_file::StationFileId, target::UploadTarget},
    network::{location::LocationId, station::StationId},
    tenancy::partner::PartnerId,
};

id! {
    /// Id of a log request.
    LogRequestId
}

choice! {
    /// Which log.
    pub enum LogKind {
        /// What a technician reads: GetDiagnostics in OCPP 1.6, the diagnostics log of GetLog in OCPP 2.0.1.
        Diagnostics = "diagnostics",
        /// Security events, with GetLog (OCPP 1.6 security whitepaper, OCPP 2.0.1).
        Security = "security",
    }
}

choice! {
    /// How far a log request is.
    pub enum LogRequestState {
        /// The station has not answered yet.
        Requested = "requested",
        /// The station will upload.
        Accepted = "accepted",
        /// It uploads.
        Uploading = "uploading",
        /// It has uploaded.
        Uploaded = "uploaded",
        /// It could not, or was not reached. A station that tries again gets on from here.
        Failed = "failed",
        /// It answered that it will not.
        Rejected = "rejected",
        /// Withdrawn, or replaced by a newer request.
        Cancelled = "cancelled",
        /// It answered that it has nothing to upload.
        NothingToUpload = "nothing_to_upload",
    }
}

impl LogRequestState {
    /// The states in which more is to come.
    pub const OPEN: [Self; 3] = [Self::Requested, Self::Accepted, Self::Uploading];

    /// Whether more is to come.
    #[must_use]
    pub fn is_open(self) -> bool {
        Self::OPEN.contains(&self)
    }

    /// The state after a word of the station (OCPP 1.6 section 7.23, OCPP 2.0.1 UploadLogStatusEnumType). What was uploaded
    /// stays so: messages and uploads go different ways and overtake each other.
    #[must_use]
    pub fn after(self, word: &str) -> Self {
        match (self, word) {
            (Self::Uploaded | Self::Cancelled, _) => self,
            (_, "Uploading") => Self::Uploading,
            (_, "Uploaded") => Self::Uploaded,
            (_, "AcceptedCanceled") => Self::Cancelled,
            (_, "UploadFailed" | "UploadFailure" | "BadMessage" | "NotSupportedOperation" | "PermissionDenied") => {
                Self::Failed
            }
            // `Idle`, and words of nobody's.
            _ => self,
        }
    }
}

/// Which log a station is to upload.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(skip_serializing_if_is_none)]
pub struct LogRequestInput {
    /// Which log.
    pub kind: LogKind,
    /// What happened at or after this time; from the beginning when absent.
    pub from: Option<Timestamp>,
    /// What happened before this time; until now when absent.
    pub to: Option<Timestamp>,
    /// Further attempts when an upload fails, 0 to 100; the station decides when absent.
    pub retries: Option<i32>,
    /// Seconds between attempts, 0 to 86400; the station decides when absent.
    pub retry_interval_s: Option<i32>,
    /// Where the station uploads to instead of here. Its password is sent to the station and never shown.
    pub upload_url: Option<UploadTarget>,
}

impl LogRequestInput {
    /// The rules that concern more than one field.
    pub fn check(&self) -> Result<()> {
        if let (Some(from), Some(to)) = (self.from, self.to)
            && from >= to
        {
            return Err(Error::invalid("/to", "must be after from"));
        }
        retry::check(self.retries, self.retry_interval_s)
    }
}

/// A log that a station was asked to upload.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object, diesel::Queryable, diesel::Selectable)]
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = log_request, check_for_backend(diesel::pg::Pg))]
pub struct LogRequest {
    /// Id.
    pub id: LogRequestId,
    /// The station's operator at the time.
    pub partner_id: PartnerId,
    /// The station's location at the time.
    pub location_id: LocationId,
    /// The station.
    pub station_id: StationId,
    /// The number in the station's messages.
    pub ocpp_request_id: i32,
    /// Which log.
    pub kind: LogKind,
    /// What happened at or after this time.
    #[diesel(column_name = from_at)]
    pub from: Option<Timestamp>,
    /// What happened before this time.
    #[diesel(column_name = to_at)]
    pub to: Option<Timestamp>,
    /// Further attempts when an upload fails.
    pub retries: Option<i32>,
    /// Seconds between attempts.
    pub retry_interval_s: Option<i32>,
    /// Where the station uploads to, without the password; absent when that is here.
    pub upload_url: Option<String>,
    /// How far it is.
    pub state: LogRequestState,
    /// The station's last word, for example `UploadFailed`, or why it was not reached.
    pub detail: Option<String>,
    /// The file's name as the station says.
    pub file_name: Option<String>,
    /// The file, once it was uploaded here.
    pub file_id: Option<StationFileId>,
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
    fn an_upload_is_not_undone_by_a_late_word() {
        use LogRequestState as S;
        assert_eq!(S::Accepted.after("Uploading"), S::Uploading);
        assert_eq!(S::Uploaded.after("Uploading"), S::Uploaded);
        assert_eq!(S::Uploaded.after("UploadFailed"), S::Uploaded);
        assert_eq!(S::Failed.after("Uploading"), S::Uploading);
        assert_eq!(S::Accepted.after("Idle"), S::Accepted);
        assert_eq!(S::Cancelled.after("Uploaded"), S::Cancelled);
    }
}
