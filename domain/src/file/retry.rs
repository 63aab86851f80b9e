//! How often a station tries a transfer: the same two numbers in every message that asks for one.

use crate::{Error, Result};

/// Most further attempts.
pub const MOST_RETRIES: i32 = 100;
/// Longest pause between attempts, seconds: a day.
pub const MOST_INTERVAL_S: i32 = 86_400;

/// Ranges of `retries` and `retry_interval_s`.
pub fn check(retries: Option<i32>, interval_s: Option<i32>) -> Result<()> {
    if retries.is_some_and(|retries| !(0..=MOST_RETRIES).contains(&retries)) {
        return Err(Error::invalid("/retries", format!("must be between 0 and {MOST_RETRIES}")));
    }
    if interval_s.is_some_and(|seconds| !(0..=MOST_INTERVAL_S).contains(&seconds)) {
        return Err(Error::invalid("/retry_interval_s", format!("must be between 0 and {MOST_INTERVAL_S}")));
    }
    Ok(())
}
