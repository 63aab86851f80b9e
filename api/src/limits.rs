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
