//! Headers (OCPI 2.2.1 sections 4.1.2 to 4.1.4).

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// Unique for each request; the answer has it too.
pub const X_REQUEST_ID: &str = "x-request-id";
/// The same for all requests that one of them caused.
pub const X_CORRELATION_ID: &str = "x-correlation-id";
/// The country of the party that a message is for.
pub const OCPI_TO_COUNTRY_CODE: &str = "ocpi-to-country-code";
/// The party that a message is for.
pub const OCPI_TO_PARTY_ID: &str = "ocpi-to-party-id";
/// The country of the party that a message is from.
pub const OCPI_FROM_COUNTRY_CODE: &str = "ocpi-from-country-code";
/// The party that a message is from.
pub const OCPI_FROM_PARTY_ID: &str = "ocpi-from-party-id";
/// How many objects match, whatever the page.
pub const X_TOTAL_COUNT: &str = "x-total-count";
/// How many objects a page has at the most.
pub const X_LIMIT: &str = "x-limit";

/// A party: an operator or a provider on a platform.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Party {
    /// ISO 3166-1 alpha-2, upper case.
    pub country_code: String,
    /// Three characters, upper case.
    pub party_id: String,
}

impl Party {
    /// Of what stands in headers or in a path; the case does not matter.
    #[must_use]
    pub fn new(country_code: &str, party_id: &str) -> Option<Self> {
        let word = |text: &str, length| {
            (text.len() == length && text.bytes().all(|byte| byte.is_ascii_alphanumeric()))
                .then(|| text.to_ascii_uppercase())
        };
        Some(Self { country_code: word(country_code, 2)?, party_id: word(party_id, 3)? })
    }
}

/// The value of `Authorization` for a credentials token; some peers want it as it is, without base64.
#[must_use]
pub fn authorization(token: &str, base64: bool) -> String {
    if base64 { format!("Token {}", STANDARD.encode(token)) } else { format!("Token {token}") }
}

/// The tokens that a value of `Authorization` may mean, the likelier one first: decoded, then as it stands. Peers differ in whether
/// they encode, and the specification's own sample has a newline inside.
#[must_use]
pub fn tokens(authorization: &str) -> Vec<String> {
    let Some(sent) =
        authorization.trim().strip_prefix("Token ").or_else(|| authorization.trim().strip_prefix("token "))
    else {
        return Vec::new();
    };
    let sent = sent.trim();
    let decoded = STANDARD.decode(sent).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let mut tokens: Vec<String> = decoded.map(|text| text.trim_end().to_owned()).into_iter().collect();
    tokens.push(sent.to_owned());
    tokens.retain(|token| {
        !token.is_empty() && token.len() <= 64 && token.bytes().all(|byte| (0x21..0x7f).contains(&byte))
    });
    tokens.dedup();
    tokens
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tokens_come_encoded_or_not() {
        assert_eq!(authorization("example-token", true), "Token ZXhhbXBsZS10b2tlbg==");
        assert_eq!(tokens("Token ZXhhbXBsZS10b2tlbgo="), ["example-token", "ZXhhbXBsZS10b2tlbgo="]);
        assert_eq!(tokens("Token 9e80a9c4-28be"), ["9e80a9c4-28be"]);
        for none in ["Bearer abc", "Token", "Token ", "", "Tokenabc"] {
            assert!(tokens(none).is_empty(), "{none}");
        }
    }

    #[test]
    fn a_party_is_two_and_three_characters() {
        assert_eq!(Party::new("de", "abc"), Some(Party { country_code: "DE".into(), party_id: "ABC".into() }));
        for (country, party) in [("DEU", "ABC"), ("DE", "AB"), ("D-", "ABC"), ("DE", "AÄ")] {
            assert_eq!(Party::new(country, party), None);
        }
    }

    proptest! {
        #[test]
        fn what_is_sent_is_found(token in "[!-~]{1,64}", base64: bool) {
            prop_assert!(tokens(&authorization(&token, base64)).contains(&token));
        }
    }
}
