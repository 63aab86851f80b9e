//! How stations spell tags: exactly, but for case and separators; some cut, reverse or cannot spell them at all.

use crate::access::decide::normalise_uid;

/// In which other spellings a station's tags may name a token.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TagPolicy {
    /// Least length with which the beginning of a UID names it.
    pub prefix_min: Option<u32>,
    /// Whether the bytes may be in reversed order.
    pub reversed: bool,
    /// Whether a token may be named by its hexadecimal UID.
    pub hex: bool,
}

choice! {
    /// How a tag named its token. The first that leads to a token counts.
    pub enum Spelling {
        /// By its UID.
        Exact = "exact",
        /// By one of its aliases.
        Alias = "alias",
        /// By its hexadecimal UID.
        Hex = "hex",
        /// By its UID with the bytes reversed.
        Reversed = "reversed",
        /// By the beginning of its UID.
        Cut = "cut",
    }
}

impl Spelling {
    /// Whether it must be the only token that the tag may mean; of the others the nearest counts.
    #[must_use]
    pub const fn must_be_unique(self) -> bool {
        matches!(self, Self::Hex | Self::Cut)
    }
}

/// A tag as it is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Normalised.
    pub tag: String,
    /// With its bytes reversed, where that may be.
    pub reversed: Option<String>,
    /// Whether it may be the beginning of a UID.
    pub cut: bool,
    /// Whether it may be a hexadecimal UID.
    pub hex: bool,
}

impl Wanted {
    /// What a station's tag is looked for by.
    #[must_use]
    pub fn new(tag: &str, policy: TagPolicy) -> Self {
        let tag = normalise_uid(tag);
        let length = tag.chars().count();
        Self {
            reversed: policy.reversed.then(|| reverse(&tag)).flatten(),
            cut: policy.prefix_min.is_some_and(|least| length >= least as usize),
            hex: policy.hex,
            tag,
        }
    }
}

/// The bytes of a hexadecimal text in reversed order; `None` for one byte, and for what is no bytes.
fn reverse(tag: &str) -> Option<String> {
    let bytes = hex::decode(tag).ok().filter(|bytes| bytes.len() > 1)?;
    let reversed: Vec<u8> = bytes.into_iter().rev().collect();
    Some(hex::encode_upper(reversed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_by_its_policy() {
        let all = TagPolicy { prefix_min: Some(8), reversed: true, hex: true };
        let wanted = Wanted::new("04:a2:b3:c4", all);
        assert_eq!((wanted.tag.as_str(), wanted.reversed.as_deref()), ("04A2B3C4", Some("C4B3A204")));
        assert!(wanted.cut && wanted.hex);
        let short = Wanted::new("04A2B3", all);
        assert!(!short.cut);
        let plain = Wanted::new("04a2b3c4", TagPolicy::default());
        assert_eq!(plain, Wanted { tag: "04A2B3C4".into(), reversed: None, cut: false, hex: false });
        assert_eq!(Wanted::new("DE8AACA2B", all).reversed, None);
        assert_eq!(Wanted::new("0", all).reversed, None);
    }
}
