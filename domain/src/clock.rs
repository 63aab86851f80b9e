//! Time and ids as parameters: who needs them asks a `Clock`, so that tests can hold them still.

use std::sync::Arc;

use uuid::Uuid;

use crate::Timestamp;

/// Where the time and new ids come from. The one real clock is `stromtor_persistence::clock::SystemClock`.
pub trait Clock: Send + Sync + 'static {
    /// Now.
    fn now(&self) -> Timestamp;
    /// A new id: UUIDv7, so that ids sort by time of creation.
    fn id(&self) -> Uuid;
}

/// A clock that many hold.
pub type SharedClock = Arc<dyn Clock>;
