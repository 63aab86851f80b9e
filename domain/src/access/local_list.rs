//! The local authorisation list of a station (OCPP 1.6 section 3.5.2, OCPP 2.0.1 block D): which step brings it in line with
//! who may charge.

use std::collections::BTreeMap;

use poem_openapi::Object;
use serde::{Deserialize, Serialize};
use stromtor_schema::schema::local_list;

use crate::{
    Timestamp,
    command::CommandId,
    network::{location::LocationId, station::StationId},
    tenancy::partner::PartnerId,
};

choice! {
    /// How far a station's list is.
    pub enum LocalListState {
        /// Its version is not known.
        Unknown = "unknown",
        /// It holds what it should.
        InStep = "in_step",
        /// An update is on its way.
        Sending = "sending",
        /// It will be updated.
        OutOfStep = "out_of_step",
        /// The station has none.
        NotSupported = "not_supported",
        /// The station did not take it; it is tried again later.
        Failed = "failed",
    }
}

/// A token of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedToken {
    /// Until when it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Its group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
}

/// Tokens by UID.
pub type Entries = BTreeMap<String, ListedToken>;

/// What a station is known to hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Held {
    /// The version it acknowledged; `None` when nothing is known.
    pub version: Option<i32>,
    /// What it holds at that version.
    pub entries: Entries,
}

/// One update of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Whether it replaces the list.
    pub full: bool,
    /// The version it makes.
    pub version: i32,
    /// Tokens to be put in, or with `None` taken out.
    pub changes: Vec<(String, Option<ListedToken>)>,
    /// What the station holds then.
    pub entries: Entries,
}

/// The next update that brings a list nearer to what it should hold, with at most `most` tokens in one message; `None`
/// when it is there. Without a known version the list is replaced; a version is never used twice.
#[must_use]
pub fn next(held: &Held, wanted: &Entries, most: usize, last_version: i32) -> Option<Step> {
    let most = most.max(1);
    let Some(version) = held.version else {
        let entries: Entries = wanted.iter().take(most).map(|(uid, token)| (uid.clone(), token.clone())).collect();
        let changes = entries.iter().map(|(uid, token)| (uid.clone(), Some(token.clone()))).collect();
        return Some(Step { full: true, version: last_version + 1, changes, entries });
    };
    let gone = held.entries.keys().filter(|uid| !wanted.contains_key(*uid)).map(|uid| (uid.clone(), None));
    let new = wanted
        .iter()
        .filter(|(uid, token)| held.entries.get(*uid) != Some(token))
        .map(|(uid, token)| (uid.clone(), Some(token.clone())));
    let changes: Vec<(String, Option<ListedToken>)> = gone.chain(new).take(most).collect();
    if changes.is_empty() {
        return None;
    }
    let mut entries = held.entries.clone();
    for (uid, token) in &changes {
        match token {
            Some(token) => entries.insert(uid.clone(), token.clone()),
            None => entries.remove(uid),
        };
    }
    Some(Step { full: false, version: version.max(last_version) + 1, changes, entries })
}

/// Whether a station's list is kept in step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
pub struct LocalListInput {
    /// Whether its list is kept in step with who may charge there.
    pub enabled: bool,
}

/// A station's local authorisation list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object, diesel::Queryable, diesel::Selectable)]
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = local_list, check_for_backend(diesel::pg::Pg))]
pub struct LocalList {
    /// The station.
    pub station_id: StationId,
    /// The station's operator.
    pub partner_id: PartnerId,
    /// The station's location.
    pub location_id: LocationId,
    /// Whether it is kept in step with who may charge there.
    pub enabled: bool,
    /// How far it is.
    pub state: LocalListState,
    /// The version that the station acknowledged.
    pub version: Option<i32>,
    /// What it holds: valid-until and group by token UID.
    pub entries: serde_json::Value,
    /// Whether cards are left out because the station says that it cannot hold them all (LocalAuthListMaxLength): the
    /// operator's own come first, then those of the partners above it, then providers'; of each the latest changed.
    pub truncated: bool,
    /// The station's word or the error of the last update.
    pub detail: Option<String>,
    /// The last command about it.
    pub command_id: Option<CommandId>,
    /// When it was last in step.
    pub synced_at: Option<Timestamp>,
    /// When its state last changed.
    pub updated_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entries(uids: &[u8]) -> Entries {
        uids.iter().map(|uid| (format!("{uid:02X}"), ListedToken { expires_at: None, group: None })).collect()
    }

    /// A station as the specification wants it.
    fn take(held: &mut Held, step: &Step) -> bool {
        if step.full {
            held.entries.clear();
        } else if held.version.is_none_or(|version| step.version <= version) {
            return false;
        }
        for (uid, token) in &step.changes {
            match token {
                Some(token) => held.entries.insert(uid.clone(), token.clone()),
                None => held.entries.remove(uid),
            };
        }
        held.version = Some(step.version);
        true
    }

    proptest! {
        #[test]
        fn steps_lead_to_what_is_wanted(
            first in proptest::collection::vec(any::<u8>(), 0..30),
            second in proptest::collection::vec(any::<u8>(), 0..30),
            most in 1_usize..8,
            known in any::<bool>(),
        ) {
            let mut station = Held { version: Some(3), entries: entries(&first) };
            let mut held = if known { station.clone() } else { Held::default() };
            let wanted = entries(&second);
            let mut steps = 0;
            while let Some(step) = next(&held, &wanted, most, held.version.unwrap_or(3)) {
                prop_assert!(step.changes.len() <= most);
                prop_assert!(take(&mut station, &step));
                held = Held { version: Some(step.version), entries: step.entries };
                prop_assert_eq!(&held.entries, &station.entries);
                steps += 1;
                prop_assert!(steps < 200);
            }
            prop_assert_eq!(station.entries, wanted);
        }
    }
}
