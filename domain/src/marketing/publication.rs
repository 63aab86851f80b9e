//! What roaming platforms are to see of a station, and how it follows the station's data.

use poem_openapi::Object;
use serde::{Deserialize, Serialize};
use stromtor_schema::schema::roaming_publication;

use super::{
    access_information::RoamingPlatform,
    readiness::{ReadinessItem, StationFacts},
};
use crate::{
    Timestamp,
    network::{location::LocationId, station::StationId},
    tenancy::partner::PartnerId,
};

choice! {
    /// Whether a platform is to see the station.
    pub enum PublicationState {
        /// It is.
        Published = "published",
        /// It is not, or not any more.
        Withdrawn = "withdrawn",
    }
}

choice! {
    /// Why a publication is withdrawn.
    pub enum WithdrawalReason {
        /// Something that the platform asks for broke; it is published again when that is mended.
        NotReady = "not_ready",
        /// Roaming+ was switched off.
        SwitchedOff = "switched_off",
    }
}

/// What is wrong, item by item.
#[derive(
    Debug,
    Clone,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    diesel::expression::AsExpression,
    diesel::deserialize::FromSqlRow,
)]
#[diesel(sql_type = diesel::sql_types::Jsonb)]
pub struct Items(pub Vec<ReadinessItem>);

jsonb!(Items);

impl From<Items> for Vec<ReadinessItem> {
    fn from(items: Items) -> Self {
        items.0
    }
}

/// What a roaming platform is to see of a station.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object, diesel::Queryable, diesel::Selectable)]
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = roaming_publication, check_for_backend(diesel::pg::Pg))]
pub struct Publication {
    /// The station.
    pub station_id: StationId,
    /// The platform.
    pub platform: RoamingPlatform,
    /// The station's operator.
    pub partner_id: PartnerId,
    /// The station's location.
    pub location_id: LocationId,
    /// Whether the platform is to see it.
    pub state: PublicationState,
    /// Why not.
    pub reason: Option<WithdrawalReason>,
    /// What is wrong, with `not_ready`: the items that do not hold.
    #[diesel(deserialize_as = Items)]
    pub items: Vec<ReadinessItem>,
    /// Since when it is published or withdrawn.
    pub since: Timestamp,
    /// When anything of it last changed.
    pub updated_at: Timestamp,
}

/// What a publication should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Why it is to be withdrawn; published when absent.
    pub reason: Option<WithdrawalReason>,
    /// What is wrong.
    pub items: Vec<ReadinessItem>,
}

impl Wanted {
    /// The state it amounts to.
    #[must_use]
    pub const fn state(&self) -> PublicationState {
        if self.reason.is_none() { PublicationState::Published } else { PublicationState::Withdrawn }
    }
}

/// What a platform is to see of a station whose Roaming+ is on or off for it: never what is broken.
#[must_use]
pub fn wanted(on: bool, platform: RoamingPlatform, facts: &StationFacts) -> Wanted {
    if !on {
        return Wanted { reason: Some(WithdrawalReason::SwitchedOff), items: Vec::new() };
    }
    let mut readiness = facts.readiness(platform);
    readiness.items.retain(|item| !item.holds);
    Wanted { reason: (!readiness.ready).then_some(WithdrawalReason::NotReady), items: readiness.items }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::marketing::readiness::{ReadinessItemKind, tests::ready};

    #[test]
    fn what_is_broken_is_not_published() {
        let facts = StationFacts { hotline: false, ..ready() };
        let hubject = wanted(true, RoamingPlatform::Hubject, &facts);
        assert_eq!((hubject.state(), hubject.reason), (PublicationState::Withdrawn, Some(WithdrawalReason::NotReady)));
        assert_eq!((hubject.items.len(), hubject.items[0].item), (1, ReadinessItemKind::Hotline));
        assert_eq!(wanted(true, RoamingPlatform::Ocpi, &facts).state(), PublicationState::Published);
        assert_eq!(wanted(false, RoamingPlatform::Ocpi, &ready()).reason, Some(WithdrawalReason::SwitchedOff));
    }
}
