//! Keyset pages: `limit` and an opaque `cursor` in, `items` and `next_cursor` out.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Serialize, de::DeserializeOwned};

use crate::{Error, Result};

/// Items of a page when the caller does not say.
pub const DEFAULT_LIMIT: u32 = 50;
/// Most items of a page.
pub const MAX_LIMIT: u32 = 500;

/// One page of a list as the store returns it: the rows and, when more follow, the cursor of the next page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Opaque position behind the last item; `None` on the last page.
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// Cuts a result that was asked for with one row more than `limit` and notes where the next page begins.
    pub fn cut<K: Serialize>(mut rows: Vec<T>, limit: usize, key: impl Fn(&T) -> K) -> Self {
        let next_cursor = if rows.len() > limit {
            rows.truncate(limit);
            rows.last().map(|last| encode(&key(last)))
        } else {
            None
        };
        Self { items: rows, next_cursor }
    }
}

/// Which page of a list is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageRequest {
    /// Most items, 1 to 500; 50 when absent.
    pub limit: Option<u32>,
    /// Where to go on, from the previous page's `next_cursor`.
    pub cursor: Option<String>,
}

impl PageRequest {
    /// The checked limit.
    pub fn limit(&self) -> Result<usize> {
        match self.limit.unwrap_or(DEFAULT_LIMIT) {
            limit @ 1..=MAX_LIMIT => Ok(limit as usize),
            _ => Err(Error::invalid("limit", format!("must be between 1 and {MAX_LIMIT}"))),
        }
    }

    /// The key behind which the page begins; a cursor of another list is refused.
    pub fn after<K: DeserializeOwned>(&self) -> Result<Option<K>> {
        self.cursor.as_deref().map(decode).transpose()
    }
}

/// Packs a key into a cursor.
pub fn encode<K: Serialize>(key: &K) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(key).unwrap_or_default())
}

/// Unpacks a cursor.
pub fn decode<K: DeserializeOwned>(cursor: &str) -> Result<K> {
    URL_SAFE_NO_PAD
        .decode(cursor)
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .ok_or_else(|| Error::invalid("cursor", "is not a cursor of this list"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn pages_cover_everything_once(total in 0_usize..200, limit in 1_usize..50) {
            let all: Vec<usize> = (0..total).collect();
            let (mut seen, mut cursor) = (Vec::new(), None::<String>);
            loop {
                let from = cursor.as_deref().map(decode::<usize>).transpose().unwrap().map_or(0, |last| last + 1);
                let rows: Vec<usize> = all[from..].iter().copied().take(limit + 1).collect();
                let page = Page::cut(rows, limit, |item| *item);
                prop_assert!(page.items.len() <= limit);
                seen.extend(page.items);
                cursor = page.next_cursor;
                if cursor.is_none() { break; }
            }
            prop_assert_eq!(seen, all);
        }

        #[test]
        fn foreign_cursors_are_refused_not_fatal(text in ".*") {
            let _ = decode::<(i64, String)>(&text);
        }
    }
}
