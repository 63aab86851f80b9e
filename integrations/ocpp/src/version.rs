//! The OCPP versions that are spoken here. The version belongs to the connection, not to the station.

/// A version of OCPP-J.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Version {
    /// OCPP 1.6 edition 2, with the security whitepaper's messages.
    V16,
    /// OCPP 2.0.1 edition 3.
    V201,
    // OCPP 2.1 gets its line here, its folder `v21` beside `v201`, and its arms in `call` and `dispatch` when it is complete.
}

impl Version {
    /// All of them, best first.
    pub const ALL: [Self; 2] = [Self::V201, Self::V16];

    /// The WebSocket sub-protocol (IANA registry).
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V16 => "ocpp1.6",
            Self::V201 => "ocpp2.0.1",
        }
    }

    /// The version with this sub-protocol.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|version| version.as_str().eq_ignore_ascii_case(text))
    }

    /// The best of those offered.
    #[must_use]
    pub fn best(offered: &[String]) -> Option<Self> {
        Self::ALL.into_iter().find(|ours| offered.iter().any(|offered| Self::parse(offered) == Some(*ours)))
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
