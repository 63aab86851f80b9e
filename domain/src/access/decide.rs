//! The authorisation decision: a pure function over facts, with the rule that decided (portal functions E1, E2).

use chrono::NaiveDateTime;

use super::{
    permission::{AccessPermissionId, Limits, Used, Windows},
    policy::{AccessPolicy, AuthenticationType},
};
use crate::{Timestamp, marketplace::emp_contract::EmpContractId, network::charge_point::ChargePointId};

choice! {
    /// The decision. Words of OCPP 1.6 section 7.2, in lower case.
    pub enum Outcome {
        /// May charge.
        Accepted = "accepted",
        /// The token is blocked.
        Blocked = "blocked",
        /// The token has expired.
        Expired = "expired",
        /// The token is not known here, not valid yet, or may not charge here, in this way or at this time.
        Invalid = "invalid",
        /// The token is charging elsewhere.
        ConcurrentTx = "concurrent_tx",
    }
}

choice! {
    /// The rule that decided.
    pub enum Reason {
        /// The token is active and within its validity.
        TokenValid = "token_valid",
        /// No token of the operator, of the partners above it or of a provider has this uid.
        TokenUnknown = "token_unknown",
        /// The token's status is `blocked`.
        TokenBlocked = "token_blocked",
        /// The token's validity has not begun.
        NotYetValid = "not_yet_valid",
        /// The token's validity has ended.
        ValidityEnded = "validity_ended",
        /// The token is charging elsewhere, and one session per token is the rule.
        ChargingElsewhere = "charging_elsewhere",
        /// The charge point takes nobody in this way: its authentication types lack it.
        AuthenticationTypeOff = "authentication_type_off",
        /// The charge point lets in by permission alone, and none joins one of its groups with one of the token's.
        NoPermission = "no_permission",
        /// There are permissions, and none holds today: disabled, not valid yet, or no longer.
        PermissionNotValid = "permission_not_valid",
        /// There are permissions, and none holds at this time of the week.
        OutsideWindow = "outside_window",
        /// There are permissions, and the token has used up what they allow.
        LimitReached = "limit_reached",
        /// A permission admits the token.
        PermissionGranted = "permission_granted",
        /// The token is a provider's, and the operator has no contract with it that holds here now.
        NoContract = "no_contract",
        /// The token is a provider's, and the station takes no drivers of other providers: its access information has roaming off.
        RoamingOff = "roaming_off",
        /// A contract with the token's provider admits it.
        ContractHolds = "contract_holds",
        /// The token came over OCPI, and the station is not published there to the peer that told of it.
        RoamingPlusOff = "roaming_plus_off",
        /// The token came over OCPI, and its provider wants to be asked each time, which could not be done.
        ProviderNotAsked = "provider_not_asked",
        /// The token came over OCPI, and the station is published there.
        RoamingPlus = "roaming_plus",
        /// The station lets everybody in, and asked nobody.
        FreeCharging = "free_charging",
    }
}

/// What is known of the token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenFacts {
    /// Whether its status is `blocked`.
    pub blocked: bool,
    /// Begin of validity.
    pub valid_from: Option<Timestamp>,
    /// End of validity.
    pub valid_until: Option<Timestamp>,
    /// Whether it is charging elsewhere, and that matters.
    pub charging: bool,
    /// Whether it is a provider's that is no partner above the operator: a contract must admit it, or Roaming+.
    pub foreign: bool,
    /// What is known of the peer that told of it, where one did.
    pub peer: Option<PeerFacts>,
}

/// What is known of a peer whose token it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerFacts {
    /// Whether the operator is one of those that the peer is connected to, now.
    pub connected: bool,
    /// Whether its provider wants to be asked each time.
    pub ask_always: bool,
}

/// What is known of the contract with the token's provider that holds at a charge point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContractFacts {
    /// Which.
    pub id: EmpContractId,
    /// Whether it names a group that the charge point is in: then it admits where permissions are needed, too.
    pub named: bool,
}

/// What is known of a permission that joins one of the token's groups with one of the charge point's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PermissionFacts {
    /// Which.
    pub id: AccessPermissionId,
    /// Whether it counts.
    pub enabled: bool,
    /// Begin of validity.
    pub valid_from: Option<Timestamp>,
    /// End of validity.
    pub valid_until: Option<Timestamp>,
    /// When of the week it holds.
    pub windows: Windows,
    /// The most that it allows.
    pub limits: Limits,
    /// What the token has charged by it.
    pub used: Used,
}

/// What is known of a charge point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaceFacts {
    /// Which.
    pub id: ChargePointId,
    /// Whom it lets in.
    pub policy: AccessPolicy,
    /// How it lets in.
    pub ways: Vec<AuthenticationType>,
    /// The time there.
    pub local: NaiveDateTime,
    /// Permissions of the token here, in a fixed order; looked at where the policy is `permitted`.
    pub permissions: Vec<PermissionFacts>,
    /// Whether drivers of other providers are taken here at all.
    pub roaming: bool,
    /// Whether the station is published to partners connected over OCPI.
    pub roaming_plus: bool,
    /// The contract with the token's provider that holds here; looked at where the token is foreign.
    pub contract: Option<ContractFacts>,
}

/// What was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// The decision.
    pub outcome: Outcome,
    /// The rule that decided.
    pub reason: Reason,
    /// The permission that admitted, or that came closest to it.
    pub permission_id: Option<AccessPermissionId>,
    /// The charge point that the decision is about.
    pub charge_point_id: Option<ChargePointId>,
    /// The contract with the token's provider that admitted.
    pub emp_contract_id: Option<EmpContractId>,
}

impl Decision {
    const fn of(outcome: Outcome, reason: Reason) -> Self {
        Self { outcome, reason, permission_id: None, charge_point_id: None, emp_contract_id: None }
    }

    /// Whether the driver is let in.
    #[must_use]
    pub fn accepted(&self) -> bool {
        self.outcome == Outcome::Accepted
    }
}

/// Decides. The first rule that applies wins: unknown, blocked, not yet valid, no longer valid, charging elsewhere; then, of the
/// places that are meant, the first that lets in, or the first one's refusal. A station whose charge points are not known
/// goes by the token alone, and lets no provider's driver in.
#[must_use]
pub fn decide(token: Option<&TokenFacts>, way: AuthenticationType, places: &[PlaceFacts], now: Timestamp) -> Decision {
    let of_token = match token {
        None => Decision::of(Outcome::Invalid, Reason::TokenUnknown),
        Some(token) if token.blocked => Decision::of(Outcome::Blocked, Reason::TokenBlocked),
        Some(token) if token.valid_from.is_some_and(|from| now < from) => {
            Decision::of(Outcome::Invalid, Reason::NotYetValid)
        }
        Some(token) if token.valid_until.is_some_and(|until| until <= now) => {
            Decision::of(Outcome::Expired, Reason::ValidityEnded)
        }
        Some(token) if token.charging => Decision::of(Outcome::ConcurrentTx, Reason::ChargingElsewhere),
        Some(_) => Decision::of(Outcome::Accepted, Reason::TokenValid),
    };
    let (foreign, peer) = (token.is_some_and(|token| token.foreign), token.and_then(|token| token.peer));
    let one = |place: &PlaceFacts| {
        let here = match of_token.accepted() {
            false => of_token,
            true if !place.ways.contains(&way) => Decision::of(Outcome::Invalid, Reason::AuthenticationTypeOff),
            true => match peer {
                Some(peer) => by_peer(place, peer),
                None if foreign => by_contract(place),
                None => by_permission(place, now),
            },
        };
        Decision { charge_point_id: Some(place.id), ..here }
    };
    match places {
        [] if of_token.accepted() && peer.is_some() => Decision::of(Outcome::Invalid, Reason::RoamingPlusOff),
        [] if of_token.accepted() && foreign => Decision::of(Outcome::Invalid, Reason::NoContract),
        [] => of_token,
        [place] => one(place),
        [first, ..] if of_token.accepted() => {
            places.iter().map(one).find(Decision::accepted).unwrap_or_else(|| one(first))
        }
        _ => of_token,
    }
}

fn by_contract(place: &PlaceFacts) -> Decision {
    match place.contract {
        _ if !place.roaming => Decision::of(Outcome::Invalid, Reason::RoamingOff),
        None => Decision::of(Outcome::Invalid, Reason::NoContract),
        Some(contract) if contract.named || place.policy == AccessPolicy::Open => {
            Decision { emp_contract_id: Some(contract.id), ..Decision::of(Outcome::Accepted, Reason::ContractHolds) }
        }
        Some(_) => Decision::of(Outcome::Invalid, Reason::NoPermission),
    }
}

fn by_peer(place: &PlaceFacts, peer: PeerFacts) -> Decision {
    if !place.roaming_plus || !peer.connected {
        Decision::of(Outcome::Invalid, Reason::RoamingPlusOff)
    } else if place.policy != AccessPolicy::Open {
        Decision::of(Outcome::Invalid, Reason::NoPermission)
    } else if peer.ask_always {
        Decision::of(Outcome::Invalid, Reason::ProviderNotAsked)
    } else {
        Decision::of(Outcome::Accepted, Reason::RoamingPlus)
    }
}

fn by_permission(place: &PlaceFacts, now: Timestamp) -> Decision {
    if place.policy == AccessPolicy::Open {
        return Decision::of(Outcome::Accepted, Reason::TokenValid);
    }
    // The permission that gets furthest says why it is not enough.
    let ranks = place.permissions.iter().map(|permission| (rank(permission, place.local, now), permission.id));
    let best = ranks.reduce(|best, next| if next.0.0 > best.0.0 { next } else { best });
    let Some(((_, outcome, reason), id)) = best else {
        return Decision::of(Outcome::Invalid, Reason::NoPermission);
    };
    Decision { permission_id: Some(id), ..Decision::of(outcome, reason) }
}

fn rank(permission: &PermissionFacts, local: NaiveDateTime, now: Timestamp) -> (u8, Outcome, Reason) {
    let begun = permission.valid_from.is_none_or(|from| from <= now);
    let ended = permission.valid_until.is_some_and(|until| until <= now);
    let windows = &permission.windows.0;
    if !permission.enabled || !begun || ended {
        (0, Outcome::Invalid, Reason::PermissionNotValid)
    } else if !windows.is_empty() && !windows.iter().any(|window| window.holds(local)) {
        (1, Outcome::Invalid, Reason::OutsideWindow)
    } else if !permission.limits.0.iter().all(|limit| permission.used.leaves_room(limit)) {
        (2, Outcome::Invalid, Reason::LimitReached)
    } else {
        (3, Outcome::Accepted, Reason::PermissionGranted)
    }
}

/// What two spellings of one uid have in common: upper case, letters and digits only.
#[must_use]
pub fn normalise_uid(uid: &str) -> String {
    uid.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::permission::{Limit, LimitPeriod, LimitUnit, Window};

    fn facts(blocked: bool, from: Option<i64>, until: Option<i64>) -> TokenFacts {
        let at = Timestamp::from_millis;
        TokenFacts {
            blocked,
            valid_from: from.map(at),
            valid_until: until.map(at),
            charging: false,
            foreign: false,
            peer: None,
        }
    }

    #[test]
    fn the_first_rule_that_applies_wins() {
        let cases = [
            (None, Outcome::Invalid, Reason::TokenUnknown),
            (Some(facts(false, None, None)), Outcome::Accepted, Reason::TokenValid),
            (Some(facts(true, None, Some(5))), Outcome::Blocked, Reason::TokenBlocked),
            (Some(facts(false, Some(11), None)), Outcome::Invalid, Reason::NotYetValid),
            (Some(facts(false, Some(10), Some(11))), Outcome::Accepted, Reason::TokenValid),
            (Some(facts(false, None, Some(10))), Outcome::Expired, Reason::ValidityEnded),
            (
                Some(TokenFacts { charging: true, ..facts(false, None, None) }),
                Outcome::ConcurrentTx,
                Reason::ChargingElsewhere,
            ),
        ];
        for (token, outcome, reason) in cases {
            let decision = decide(token.as_ref(), AuthenticationType::LocalRfid, &[], Timestamp::from_millis(10));
            assert_eq!((decision.outcome, decision.reason), (outcome, reason), "{token:?}");
        }
    }

    fn place(number: u128, permissions: Vec<PermissionFacts>) -> PlaceFacts {
        PlaceFacts {
            id: ChargePointId(uuid::Uuid::from_u128(number)),
            policy: AccessPolicy::Permitted,
            ways: AuthenticationType::all(),
            // a Tuesday
            local: chrono::NaiveDate::from_ymd_opt(2026, 9, 1).and_then(|day| day.and_hms_opt(12, 0, 0)).unwrap(),
            permissions,
            roaming: true,
            roaming_plus: true,
            contract: None,
        }
    }

    #[test]
    fn a_token_of_a_peer_needs_a_published_station() {
        let decide = |connected, ask_always, place: PlaceFacts| {
            let peer = Some(PeerFacts { connected, ask_always });
            let token = TokenFacts { foreign: true, peer, ..facts(false, None, None) };
            decide(Some(&token), AuthenticationType::LocalRfid, &[place], Timestamp::from_millis(10)).reason
        };
        let open = || PlaceFacts { policy: AccessPolicy::Open, roaming: false, ..place(1, vec![]) };
        assert_eq!(decide(true, false, open()), Reason::RoamingPlus);
        assert_eq!(decide(true, true, open()), Reason::ProviderNotAsked);
        assert_eq!(decide(false, false, open()), Reason::RoamingPlusOff);
        assert_eq!(decide(true, false, PlaceFacts { roaming_plus: false, ..open() }), Reason::RoamingPlusOff);
        assert_eq!(decide(true, false, place(1, vec![permission(1)])), Reason::NoPermission);
    }

    #[test]
    fn a_providers_driver_needs_a_contract() {
        let token = TokenFacts { foreign: true, ..facts(false, None, None) };
        let decide = |places: &[PlaceFacts]| {
            decide(Some(&token), AuthenticationType::LocalRfid, places, Timestamp::from_millis(10))
        };
        let id = EmpContractId(uuid::Uuid::from_u128(7));
        let at = |policy, named: Option<bool>| PlaceFacts {
            policy,
            contract: named.map(|named| ContractFacts { id, named }),
            ..place(1, vec![permission(1)])
        };
        for (policy, named, reason) in [
            (AccessPolicy::Open, None, Reason::NoContract),
            (AccessPolicy::Open, Some(false), Reason::ContractHolds),
            (AccessPolicy::Permitted, Some(true), Reason::ContractHolds),
            // A permission is for the operator's own tokens.
            (AccessPolicy::Permitted, Some(false), Reason::NoPermission),
            (AccessPolicy::Permitted, None, Reason::NoContract),
        ] {
            let decision = decide(&[at(policy, named)]);
            let admitted = reason == Reason::ContractHolds;
            assert_eq!(
                (decision.reason, decision.accepted(), decision.emp_contract_id),
                (reason, admitted, admitted.then_some(id))
            );
        }
        let closed = PlaceFacts { roaming: false, ..at(AccessPolicy::Open, Some(true)) };
        assert_eq!(decide(&[closed]).reason, Reason::RoamingOff);
        assert_eq!(decide(&[]).reason, Reason::NoContract);
    }

    fn permission(number: u128) -> PermissionFacts {
        PermissionFacts {
            id: AccessPermissionId(uuid::Uuid::from_u128(number)),
            enabled: true,
            valid_from: None,
            valid_until: None,
            windows: Windows::default(),
            limits: Limits::default(),
            used: Used::default(),
        }
    }

    fn at(places: &[PlaceFacts], way: AuthenticationType) -> Decision {
        decide(Some(&facts(false, None, None)), way, places, Timestamp::from_millis(10))
    }

    #[test]
    fn a_permitted_place_wants_a_permission() {
        let window = |start: &str, end: &str| -> Window {
            serde_json::from_value(serde_json::json!({ "start_time": start, "end_time": end })).unwrap()
        };
        let limit = Limit { unit: LimitUnit::Kwh, period: LimitPeriod::Day, most: crate::money::Kwh::round(20.into()) };
        let used = Used { kwh_day: 20.into(), ..Used::default() };
        let cases = [
            (PermissionFacts { enabled: false, ..permission(1) }, Reason::PermissionNotValid),
            (
                PermissionFacts { valid_from: Some(Timestamp::from_millis(11)), ..permission(1) },
                Reason::PermissionNotValid,
            ),
            (
                PermissionFacts { valid_until: Some(Timestamp::from_millis(10)), ..permission(1) },
                Reason::PermissionNotValid,
            ),
            (
                PermissionFacts { windows: Windows(vec![window("06:00", "12:00")]), ..permission(1) },
                Reason::OutsideWindow,
            ),
            (
                PermissionFacts {
                    windows: Windows(vec![window("06:00", "07:00"), window("12:00", "13:00")]),
                    ..permission(1)
                },
                Reason::PermissionGranted,
            ),
            (PermissionFacts { limits: Limits(vec![limit.clone()]), used, ..permission(1) }, Reason::LimitReached),
            (
                PermissionFacts {
                    limits: Limits(vec![limit]),
                    used: Used { kwh_day: "19.9".parse().unwrap(), ..Used::default() },
                    ..permission(1)
                },
                Reason::PermissionGranted,
            ),
        ];
        for (one, reason) in cases {
            let decision = at(&[place(1, vec![one.clone()])], AuthenticationType::LocalRfid);
            assert_eq!(decision.reason, reason, "{one:?}");
            assert_eq!(decision.accepted(), reason == Reason::PermissionGranted);
            assert_eq!(decision.permission_id, Some(one.id));
        }
        assert_eq!(at(&[place(1, vec![])], AuthenticationType::LocalRfid).reason, Reason::NoPermission);
    }

    #[test]
    fn the_best_permission_and_the_first_place_that_lets_in_count() {
        let off = PermissionFacts { enabled: false, ..permission(1) };
        let decision = at(&[place(1, vec![off.clone(), permission(2)])], AuthenticationType::Remote);
        assert_eq!(decision.permission_id, Some(permission(2).id));
        let decision = at(&[place(1, vec![off]), place(2, vec![permission(3)])], AuthenticationType::Remote);
        assert_eq!(
            (decision.charge_point_id, decision.permission_id),
            (Some(place(2, vec![]).id), Some(permission(3).id))
        );
        let closed =
            PlaceFacts { ways: vec![AuthenticationType::Remote], policy: AccessPolicy::Open, ..place(1, vec![]) };
        assert_eq!(
            at(std::slice::from_ref(&closed), AuthenticationType::LocalRfid).reason,
            Reason::AuthenticationTypeOff
        );
        assert_eq!(at(&[closed], AuthenticationType::Remote).reason, Reason::TokenValid);
    }

    #[test]
    fn uids_are_compared_without_case_and_separators() {
        assert_eq!(normalise_uid("04:a2-b3 c4"), "04A2B3C4");
    }
}
