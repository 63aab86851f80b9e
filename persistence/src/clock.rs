//! The real clock.

use std::sync::Arc;

use chrono::Utc;
use stromtor_domain::{
    Timestamp,
    clock::{Clock, SharedClock},
};
use uuid::Uuid;

/// The machine's clock and random UUIDv7 ids.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl SystemClock {
    /// The clock for everybody.
    #[must_use]
    pub fn shared() -> SharedClock {
        Arc::new(Self)
    }
}

#[allow(clippy::disallowed_methods, reason = "the one place where time and ids are made")]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::new(Utc::now())
    }

    fn id(&self) -> Uuid {
        Uuid::now_v7()
    }
}
