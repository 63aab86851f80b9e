//! Requests per minute, counted per actor; before log-in per address.

use std::{net::IpAddr, num::NonZeroU32};

use governor::{
    DefaultKeyedRateLimiter, Quota, RateLimiter, clock::Clock as _, middleware::StateInformationMiddleware,
};
use uuid::Uuid;

type Keyed = RateLimiter<
    Subject,
    governor::state::keyed::DefaultKeyedStateStore<Subject>,
    governor::clock::DefaultClock,
    StateInformationMiddleware,
>;

/// Who is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A user or API client.
    Actor(Uuid),
    /// An address, before log-in.
    Address(Option<IpAddr>),
}

/// The counters.
pub struct Limits {
    limiter: Keyed,
    per_minute: u32,
}

impl std::fmt::Debug for Limits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Limits").field("per_minute", &self.per_minute).finish_non_exhaustive()
    }
}

/// What the RateLimit headers say (draft-ietf-httpapi-ratelimit-headers).
#[derive(Debug, Clone, Copy)]
pub struct Standing {
    /// Requests per minute.
    pub limit: u32,
    /// Requests left at once.
    pub remaining: u32,
    /// Seconds to wait, when refused.
    pub retry_after: Option<u32>,
}

impl Limits {
    /// `per_minute` requests, a tenth of it at once.
    #[must_use]
    pub fn new(per_minute: u32) -> Self {
        let per_minute = per_minute.max(1);
        let rate = NonZeroU32::new(per_minute).unwrap_or(NonZeroU32::MIN);
        let burst = NonZeroU32::new((per_minute / 10).max(1)).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_minute(rate).allow_burst(burst);
        let limiter: DefaultKeyedRateLimiter<Subject> = RateLimiter::keyed(quota);
        Self { limiter: limiter.with_middleware(), per_minute }
    }

    /// Counts a request.
    pub fn count(&self, subject: Subject) -> Standing {
        match self.limiter.check_key(&subject) {
            Ok(state) => {
                Standing { limit: self.per_minute, remaining: state.remaining_burst_capacity(), retry_after: None }
            }
            Err(refused) => {
                let wait = refused.wait_time_from(governor::clock::DefaultClock::default().now()).as_secs();
                let wait = u32::try_from(wait.saturating_add(1)).unwrap_or(u32::MAX);
                Standing { limit: self.per_minute, remaining: 0, retry_after: Some(wait) }
            }
        }
    }

    /// Forgets who has been quiet; run now and then.
    pub fn forget_idle(&self) {
        self.limiter.retain_recent();
    }
}

/// Wrong passwords at the stations' door, per identity and address: after five in a row each further one waits, from one
/// second doubling to a minute. The real station, which comes from elsewhere or knows its password, is not locked out.
#[derive(Debug, Default)]
pub struct Attempts {
    failed: dashmap::DashMap<(String, IpAddr), (u32, std::time::Instant)>,
    /// TLS handshakes that failed in a row, by address: who it is was not said yet.
    shook: dashmap::DashMap<IpAddr, (u32, std::time::Instant)>,
}

impl Attempts {
    const FREE: u32 = 5;
    /// Entries kept; a flood of invented identities costs no more memory than this.
    const MOST: usize = 100_000;

    /// Failed handshakes of an address without a wait: many stations may share one behind a carrier's NAT.
    const FREE_HANDSHAKES: u32 = 20;

    /// Whether a TLS handshake with this address is begun.
    pub fn may_shake(&self, address: IpAddr) -> bool {
        self.shook.get(&address).is_none_or(|entry| entry.1 <= std::time::Instant::now())
    }

    /// How a TLS handshake ended. After many failed ones in a row an address waits, from a quarter of a second doubling to eight:
    /// enough to make a flood of them cheap, short enough for the other stations of a shared address.
    pub fn shook(&self, address: IpAddr, fine: bool) {
        if fine {
            self.shook.remove(&address);
            return;
        }
        let now = std::time::Instant::now();
        if self.shook.len() >= Self::MOST {
            self.shook.retain(|_, (_, until)| *until > now);
        }
        let mut entry = self.shook.entry(address).or_insert((0, now));
        entry.0 = entry.0.saturating_add(1);
        if let Some(over) = entry.0.checked_sub(Self::FREE_HANDSHAKES) {
            entry.1 = now + std::time::Duration::from_millis(250 << over.min(5));
        }
    }

    /// Whether another attempt is looked at.
    pub fn may_try(&self, identity: &str, address: IpAddr) -> bool {
        let entry = self.failed.get(&(identity.to_owned(), address));
        entry.is_none_or(|entry| entry.1 <= std::time::Instant::now())
    }

    /// The password was wrong.
    pub fn failed(&self, identity: &str, address: IpAddr) {
        let now = std::time::Instant::now();
        if self.failed.len() >= Self::MOST {
            self.failed.retain(|_, (_, until)| *until > now);
        }
        let mut entry = self.failed.entry((identity.to_owned(), address)).or_insert((0, now));
        entry.0 += 1;
        let wait = if entry.0 < Self::FREE { 0 } else { (1 << (entry.0 - Self::FREE).min(6)).min(60) };
        entry.1 = now + std::time::Duration::from_secs(wait);
    }

    /// The password was right.
    pub fn succeeded(&self, identity: &str, address: IpAddr) {
        self.failed.remove(&(identity.to_owned(), address));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_handshakes_slow_their_address_alone() {
        let attempts = Attempts::default();
        let (bad, good) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        for _ in 0..Attempts::FREE_HANDSHAKES {
            assert!(attempts.may_shake(bad));
            attempts.shook(bad, false);
        }
        assert!(!attempts.may_shake(bad) && attempts.may_shake(good));
        attempts.shook(bad, true);
        assert!(attempts.may_shake(bad));
    }
}
