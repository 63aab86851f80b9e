//! A clock that starts at the machine's time and stands wherever a test puts it.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use stromtor_domain::{Timestamp, clock::Clock};
use stromtor_persistence::clock::SystemClock;
use uuid::Uuid;

pub struct TestClock {
    ahead_ms: AtomicI64,
    counter: AtomicU64,
}

impl Default for TestClock {
    fn default() -> Self {
        Self { ahead_ms: AtomicI64::new(0), counter: AtomicU64::new(1000) }
    }
}

impl TestClock {
    /// Moves the time on.
    pub fn advance(&self, delta: chrono::TimeDelta) {
        self.ahead_ms.fetch_add(delta.num_milliseconds(), Ordering::SeqCst);
    }

    /// A number that no other call gets.
    pub fn next(&self) -> u64 {
        self.counter.fetch_add(1, Ordering::SeqCst)
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        SystemClock.now() + chrono::TimeDelta::milliseconds(self.ahead_ms.load(Ordering::SeqCst))
    }

    /// Of this clock's time.
    fn id(&self) -> Uuid {
        let random = SystemClock.id().as_u128() & ((1 << 80) - 1);
        Uuid::from_u128(self.now().first_id().as_u128() | random)
    }
}
