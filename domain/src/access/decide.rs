//! The authorisation decision: a pure function over facts, with the rule that decided.

use crate::Timestamp;

choice! {
    /// The decision. Words of OCPP 1.6 section 7.2, in lower case.
    pub enum Outcome {
        /// May charge.
        Accepted = "accepted",
        /// The token is blocked.
        Blocked = "blocked",
        /// The token has expired.
        Expired = "expired",
        /// The token is not known here, or not valid yet.
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
}

/// Decides. The first rule that applies wins: unknown, blocked, not yet valid, no longer valid, charging elsewhere, valid.
#[must_use]
pub fn decide(token: Option<&TokenFacts>, now: Timestamp) -> (Outcome, Reason) {
    match token {
        None => (Outcome::Invalid, Reason::TokenUnknown),
        Some(token) if token.blocked => (Outcome::Blocked, Reason::TokenBlocked),
        Some(token) if token.valid_from.is_some_and(|from| now < from) => (Outcome::Invalid, Reason::NotYetValid),
        Some(token) if token.valid_until.is_some_and(|until| until <= now) => (Outcome::Expired, Reason::ValidityEnded),
        Some(token) if token.charging => (Outcome::ConcurrentTx, Reason::ChargingElsewhere),
        Some(_) => (Outcome::Accepted, Reason::TokenValid),
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

    #[test]
    fn the_first_rule_that_applies_wins() {
        let at = Timestamp::from_millis;
        let facts = |blocked, from: Option<i64>, until: Option<i64>| TokenFacts {
            blocked,
            valid_from: from.map(at),
            valid_until: until.map(at),
            charging: false,
        };
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
            assert_eq!(decide(token.as_ref(), at(10)), (outcome, reason), "{token:?}");
        }
    }

    #[test]
    fn uids_are_compared_without_case_and_separators() {
        assert_eq!(normalise_uid("04:a2-b3 c4"), "04A2B3C4");
    }
}
