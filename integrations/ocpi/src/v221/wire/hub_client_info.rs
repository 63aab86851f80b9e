//! Who is connected to a hub (OCPI 2.2.1 chapter 15).

use serde::{Deserialize, Serialize};

use super::common::Role;
use crate::values::{CiString, DateTime, words};

/// A party at a hub.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientInfo {
    pub party_id: CiString<3>,
    pub country_code: CiString<2>,
    pub role: Role,
    pub status: ConnectionStatus,
    pub last_updated: DateTime,
}

words! {
    /// Whether it can be reached.
    ConnectionStatus { Connected = "CONNECTED", Offline = "OFFLINE", Planned = "PLANNED", Suspended = "SUSPENDED" } else Offline
}
