//! Values that OCPI gives a form of its own (OCPI 2.2.1 chapter 16).

use std::{borrow::Cow, fmt};

use chrono::{DateTime as ChronoTime, NaiveDateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::value::RawValue;
use stromtor_domain::Timestamp;

/// Text of printable ASCII whose case does not matter (OCPI `CiString`). Its spelling is kept.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(transparent)]
pub struct CiString<const MOST: usize>(String);

impl<const MOST: usize> CiString<MOST> {
    /// Of a text; refused when it is empty, too long or has other characters.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() || text.len() > MOST {
            return Err(format!("must have 1 to {MOST} characters"));
        }
        if !text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
            return Err("must be printable ASCII".into());
        }
        Ok(Self(text.to_owned()))
    }

    /// Of what is ours to send: cut, other characters left out.
    #[must_use]
    pub fn cut(text: &str) -> Self {
        Self(text.chars().filter(|c| (' '..='~').contains(c)).take(MOST).collect())
    }

    /// As it was spelled.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is this text, whatever the case.
    #[must_use]
    pub fn is(&self, text: &str) -> bool {
        self.0.eq_ignore_ascii_case(text)
    }
}

impl<const MOST: usize> PartialEq for CiString<MOST> {
    fn eq(&self, other: &Self) -> bool {
        self.is(&other.0)
    }
}

impl<const MOST: usize> Eq for CiString<MOST> {}

impl<const MOST: usize> fmt::Display for CiString<MOST> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de, const MOST: usize> Deserialize<'de> for CiString<MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(D::Error::custom)
    }
}

/// Printable text of at most so many characters (OCPI `string`). Longer text of a peer's is refused; ours is cut.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Text<const MOST: usize>(String);

impl<const MOST: usize> Text<MOST> {
    /// Of what is ours to send: cut.
    #[must_use]
    pub fn cut(text: &str) -> Self {
        Self(text.chars().filter(|c| !c.is_control() || *c == '\n').take(MOST).collect())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de, const MOST: usize> Deserialize<'de> for Text<MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.chars().count() > MOST {
            return Err(D::Error::custom(format!("must have at most {MOST} characters")));
        }
        Ok(Self(text))
    }
}

/// An address on the web (OCPI `URL`).
pub type Url = Text<255>;

/// A point in time: RFC 3339 in UTC, with `Z` or nothing (OCPI `DateTime`). Other offsets are converted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct DateTime(pub Timestamp);

impl DateTime {
    /// From text; without an offset it is UTC.
    pub fn parse(text: &str) -> Result<Self, String> {
        let utc = ChronoTime::parse_from_rfc3339(text)
            .map(|time| time.with_timezone(&Utc))
            .or_else(|_| text.parse::<NaiveDateTime>().map(|time| time.and_utc()));
        utc.map(|time| Self(Timestamp::new(time))).map_err(|_| "is not a date-time such as 2026-11-23T17:25:43Z".into())
    }
}

impl fmt::Display for DateTime {
    /// Milliseconds only where there are some: at most 25 characters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.to_string();
        f.write_str(&text.replace(".000Z", "Z"))
    }
}

impl Serialize for DateTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for DateTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(D::Error::custom)
    }
}

/// A number: exact, never a float. Peers that send it as text are understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Number(pub Decimal);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // A raw value stands in the document digit by digit.
        let digits = self.0.normalize().to_string();
        RawValue::from_string(digits).map_err(serde::ser::Error::custom)?.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let digits = raw.get().trim_matches('"');
        let number = if digits.contains(['e', 'E']) { Decimal::from_scientific(digits) } else { digits.parse() };
        number.map(Self).map_err(|_| D::Error::custom("is not a number"))
    }
}

/// Declares a set of words that the specification closes. A peer's word that is none of them becomes `$other` where one is
/// named, else it is refused.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $text:literal),+ $(,)? } $(else $other:ident)?) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[allow(missing_docs, reason = "the words are the specification's")]
        pub enum $name { $($(#[$vmeta])* $variant),+ }

        impl $name {
            /// Every word, in the specification's order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word as it is sent.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// Of a word as it came, whatever its case.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                let found = Self::ALL.iter().copied().find(|word| word.as_str().eq_ignore_ascii_case(text));
                found $(.or(Some(Self::$other)))?
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
                Self::parse(&text).ok_or_else(|| serde::de::Error::custom(format!(
                    "is not one of {}", Self::ALL.iter().map(|word| word.as_str()).collect::<Vec<_>>().join(", "))))
            }
        }
    };
}
pub(crate) use words;

/// A list of words of which those that are not known are left out: receivers must not fail on them.
pub(crate) fn known_only<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: for<'a> Deserialize<'a>,
{
    let items = Vec::<serde_json::Value>::deserialize(deserializer)?;
    Ok(items.into_iter().filter_map(|item| serde_json::from_value(item).ok()).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn case_does_not_matter_and_is_kept() {
        let text = CiString::<8>::parse("DeAbC").unwrap();
        assert_eq!(text, CiString::parse("DEABC").unwrap());
        assert_eq!(serde_json::to_value(&text).unwrap(), json!("DeAbC"));
        for wrong in ["", "ninechars", "Ü", "a\tb"] {
            assert!(CiString::<8>::parse(wrong).is_err(), "{wrong}");
        }
        assert_eq!(CiString::<3>::cut("Ünion").as_str(), "nio");
    }

    #[test]
    fn times_are_utc_with_or_without_saying_so() {
        let noon = DateTime::parse("2026-11-23T12:00:00Z").unwrap();
        for same in ["2026-11-23T12:00:00", "2026-11-23T13:00:00+01:00", "2026-11-23T12:00:00.000Z"] {
            assert_eq!(DateTime::parse(same).unwrap(), noon, "{same}");
        }
        assert_eq!(noon.to_string(), "2026-11-23T12:00:00Z");
        assert_eq!(DateTime::parse("2026-11-23T12:00:00.5").unwrap().to_string(), "2026-11-23T12:00:00.500Z");
        assert!(DateTime::parse("23.11.2026").is_err());
    }

    #[test]
    fn numbers_come_as_text_too() {
        for (sent, is) in [("0.1", "0.1"), ("\"12.50\"", "12.5"), ("1e3", "1000"), ("41.1200", "41.12"), ("-2", "-2")] {
            let number: Number = serde_json::from_str(sent).unwrap();
            assert_eq!(serde_json::to_string(&number).unwrap(), is, "{sent}");
        }
        for wrong in ["null", "true", "\"x\"", "[]", "\"\""] {
            assert!(serde_json::from_str::<Number>(wrong).is_err(), "{wrong}");
        }
    }

    words! { Word { Known = "KNOWN", Other = "OTHER" } else Other }

    #[test]
    fn unknown_words_do_no_harm() {
        assert_eq!(serde_json::from_str::<Word>("\"known\"").unwrap(), Word::Known);
        assert_eq!(serde_json::from_str::<Word>("\"NEW\"").unwrap(), Word::Other);
    }

    proptest! {
        #[test]
        fn numbers_are_exact(mantissa in -9_999_999_999_999_i64..9_999_999_999_999, scale in 0_u32..5) {
            let number = Number(Decimal::new(mantissa, scale));
            let text = serde_json::to_string(&number).unwrap();
            prop_assert_eq!(serde_json::from_str::<Number>(&text).unwrap(), number);
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,40}") {
            let _ = DateTime::parse(&text);
            let cut = CiString::<10>::cut(&text);
            prop_assert!(cut.as_str().is_empty() || CiString::<10>::parse(cut.as_str()).is_ok());
        }
    }
}
