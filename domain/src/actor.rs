//! Who acts, and what that actor may do.

use std::{collections::BTreeSet, net::IpAddr};

use uuid::Uuid;

use crate::{network::location::LocationId, tenancy::partner::PartnerId};

choice! {
    /// What an actor may be allowed to do. Names are `resource:verb`; a write permission does not include the read one.
    pub enum Permission {
        /// See business partners of one's own subtree, and EVSE-ID prefixes.
        PartnerRead = "partner:read",
        /// Create, change and delete business partners of one's own subtree and their EVSE-ID prefixes.
        PartnerWrite = "partner:write",
        /// See users and roles.
        UserRead = "user:read",
        /// Invite, change and disable users; define roles.
        UserWrite = "user:write",
        /// See API clients (never their secrets).
        ApiClientRead = "api_client:read",
        /// Create API clients, rotate their secrets, disable them.
        ApiClientWrite = "api_client:write",
        /// Read the audit log.
        AuditRead = "audit:read",
        /// Export and erase a person's data.
        PersonalDataWrite = "personal_data:write",
        /// See locations.
        LocationRead = "location:read",
        /// Create, change and delete locations.
        LocationWrite = "location:write",
        /// See stations, charge points, connectors, notes and live status.
        StationRead = "station:read",
        /// Create, change, clone, dismantle and delete stations and their parts.
        StationWrite = "station:write",
        /// Move a station to another operator.
        StationTransfer = "station:transfer",
        /// See the hardware catalogue.
        HardwareRead = "hardware:read",
        /// Change the hardware catalogue.
        HardwareWrite = "hardware:write",
        /// See tokens and authorisations.
        AccessRead = "access:read",
        /// Change tokens and permissions to charge.
        AccessWrite = "access:write",
        /// See contracts of operators with providers.
        ContractRead = "contract:read",
        /// Offer providers contracts and change them; agree to them.
        ContractWrite = "contract:write",
        /// See OCPI parties, peers and what went over the wire.
        RoamingRead = "roaming:read",
        /// Change OCPI parties and peers, register with them.
        RoamingWrite = "roaming:write",
        /// See products, their orders and who has them.
        ProductRead = "product:read",
        /// Create and change products that a partner sells.
        ProductWrite = "product:write",
        /// Order products and end them.
        ProductOrder = "product:order",
        /// See tariffs and their assignments.
        TariffRead = "tariff:read",
        /// Create and change tariffs, assign them.
        TariffWrite = "tariff:write",
        /// See sessions.
        SessionRead = "session:read",
        /// Repair sessions whose start or end was lost.
        SessionWrite = "session:write",
        /// See charge detail records.
        CdrRead = "cdr:read",
        /// Read the OCPP message log.
        OcppLogRead = "ocpp_log:read",
        /// Read events and follow them live.
        EventRead = "event:read",
        /// See commands and their results.
        CommandRead = "command:read",
        /// Send typed commands to stations.
        CommandExecute = "command:execute",
        /// Send any OCPP call to a station.
        OcppCallExecute = "ocpp_call:execute",
        /// See and download the files that stations have uploaded.
        FileRead = "file:read",
        /// Delete the files that stations have uploaded.
        FileWrite = "file:write",
        /// See and download firmware images, see firmware updates and publications.
        FirmwareRead = "firmware:read",
        /// Create, change and delete firmware images.
        FirmwareWrite = "firmware:write",
        /// Give stations new firmware, have local controllers publish it.
        FirmwareExecute = "firmware:execute",
        /// See deliveries, jobs and dead letters.
        OutboxRead = "outbox:read",
        /// Retry or discard dead letters.
        OutboxWrite = "outbox:write",
        /// Rotate the platform's signing keys and see what concerns the platform as a whole.
        PlatformAdmin = "platform:admin",
    }
}

choice! {
    /// What kind of actor it is.
    pub enum ActorKind {
        /// A person.
        User = "user",
        /// A program with client credentials.
        ApiClient = "api_client",
        /// The platform itself: jobs, stations' reports.
        System = "system",
    }
}

/// Who asks, resolved once at the door; every transaction needs one.
#[derive(Debug, Clone)]
pub struct Actor {
    /// What kind of actor.
    pub kind: ActorKind,
    /// The user's or API client's id; nil for the system.
    pub id: Uuid,
    /// Name for the audit log.
    pub name: String,
    /// The partner the actor belongs to: it sees this partner and its subtree.
    pub partner_id: PartnerId,
    /// Whether the actor belongs to the platform itself and so sees every partner.
    pub platform: bool,
    /// What the actor may do.
    pub permissions: BTreeSet<Permission>,
    /// The only locations the actor may see; `None` for all of the partner's.
    pub locations: Option<Vec<LocationId>>,
    /// Where the request came from.
    pub ip: Option<IpAddr>,
    /// The request, as it stands in log and audit.
    pub request_id: Option<Uuid>,
}

impl Actor {
    /// The platform itself, allowed everything; for jobs and first start.
    #[must_use]
    pub fn system(partner_id: PartnerId) -> Self {
        Self {
            kind: ActorKind::System,
            id: Uuid::nil(),
            name: "system".into(),
            partner_id,
            platform: true,
            permissions: Permission::ALL.iter().copied().collect(),
            locations: None,
            ip: None,
            request_id: None,
        }
    }

    /// Whether the actor holds a permission.
    #[must_use]
    pub fn may(&self, permission: Permission) -> bool {
        self.permissions.contains(&permission)
    }
}
