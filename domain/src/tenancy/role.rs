//! Roles: named sets of permissions. Six are built in; partners define more of their own.

use std::collections::BTreeSet;

use poem_openapi::Object;
use serde::{Deserialize, Serialize};
use stromtor_schema::schema::role;

use crate::{
    Error, Result, Timestamp,
    actor::Permission,
    tenancy::partner::PartnerId,
    values::{Line, Name},
};

id! {
    /// Id of a role that a partner defined.
    RoleId
}

choice! {
    /// The roles that every partner has.
    pub enum BuiltInRole {
        /// Everything within the partner.
        Owner = "owner",
        /// Everything but personal data.
        Admin = "admin",
        /// Network, commands, logs.
        Technician = "technician",
        /// Tariffs, sessions, CDRs.
        Finance = "finance",
        /// Sees network and sessions.
        Viewer = "viewer",
        /// Sees what a driver on the telephone asks about, and starts, stops, unlocks.
        Support = "support",
    }
}

impl BuiltInRole {
    /// What the role allows.
    #[must_use]
    pub fn permissions(self) -> BTreeSet<Permission> {
        use Permission as P;
        const NETWORK: [P; 4] = [P::PartnerRead, P::LocationRead, P::StationRead, P::HardwareRead];
        let more: &[P] = match self {
            Self::Owner => P::ALL,
            Self::Admin => {
                return P::ALL
                    .iter()
                    .copied()
                    .filter(|p| !matches!(p, P::PersonalDataWrite | P::PlatformAdmin))
                    .collect();
            }
            Self::Technician => &[
                P::LocationWrite,
                P::StationWrite,
                P::ProductRead,
                P::SessionRead,
                P::AccessRead,
                P::OcppLogRead,
                P::CommandRead,
                P::CommandExecute,
                P::OcppCallExecute,
                P::FileRead,
                P::FileWrite,
                P::FirmwareRead,
                P::FirmwareWrite,
                P::FirmwareExecute,
            ],
            Self::Finance => &[
                P::AccessRead,
                P::ContractRead,
                P::ContractWrite,
                P::RoamingRead,
                P::ProductRead,
                P::ProductWrite,
                P::ProductOrder,
                P::TariffRead,
                P::TariffWrite,
                P::SessionRead,
                P::SessionWrite,
                P::CdrRead,
            ],
            Self::Viewer => &[P::SessionRead, P::TariffRead],
            Self::Support => &[
                P::AccessRead,
                P::SessionRead,
                P::CdrRead,
                P::TariffRead,
                P::CommandRead,
                P::CommandExecute,
                P::OcppLogRead,
            ],
        };
        NETWORK.iter().chain(more).copied().collect()
    }
}

/// What a caller may set of a role.
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
#[diesel(table_name = role, treat_none_as_null = true)]
pub struct RoleInput {
    /// Name, unique for the partner; not that of a built-in role.
    pub name: Name,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<Line>,
    /// What it allows; nobody can give more than they hold.
    pub permissions: Vec<Permission>,
}

impl RoleInput {
    /// The rules that concern more than one field.
    pub fn check(&self) -> Result<()> {
        if BuiltInRole::parse(self.name.as_str()).is_some() {
            return Err(Error::invalid("/name", "is the name of a built-in role"));
        }
        Ok(())
    }
}

/// A role that a partner defined.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object, diesel::Queryable, diesel::Selectable)]
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = role, check_for_backend(diesel::pg::Pg))]
pub struct Role {
    /// Id.
    pub id: RoleId,
    /// The partner that defined it.
    pub partner_id: PartnerId,
    /// What a caller may set.
    #[oai(flatten)]
    #[serde(flatten)]
    #[diesel(embed)]
    pub input: RoleInput,
    /// Counts the changes.
    pub revision: i64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}
