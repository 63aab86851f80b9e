//! Reads the fields of a payload leniently: real stations send numbers for strings, strings for numbers, objects for
//! arrays and `"null"` for nothing. What was forgiven is noted as a quirk.

use chrono::{DateTime, NaiveDateTime, Utc};
use rust_decimal::Decimal;
use serde_json::{Map, Value};
use stromtor_domain::{Timestamp, network::quirk::Quirk};

use crate::{frame::ErrorCode, words::Words};

/// A field that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// Code of the CALLERROR.
    pub code: ErrorCode,
    /// Which field, for people.
    pub message: String,
}

/// What had to be forgiven, each once.
pub type Quirks = Vec<Quirk>;

/// The fields of one object.
#[derive(Debug)]
pub struct Reader<'a> {
    fields: &'a Map<String, Value>,
    quirks: &'a mut Quirks,
}

fn note(quirks: &mut Quirks, quirk: Quirk) {
    if !quirks.contains(&quirk) {
        quirks.push(quirk);
    }
}

impl<'a> Reader<'a> {
    /// A payload must be an object.
    pub fn new(payload: &'a Value, quirks: &'a mut Quirks) -> Result<Self, Wrong> {
        match payload {
            Value::Object(fields) => Ok(Self { fields, quirks }),
            _ => Err(Wrong { code: ErrorCode::FormationViolation, message: "the payload is not an object".into() }),
        }
    }

    /// Notes that fields beyond the known ones are there; they are ignored.
    pub fn known(&mut self, names: &[&str]) {
        if self.fields.keys().any(|name| !names.contains(&name.as_str())) {
            note(self.quirks, Quirk::ExtraFields);
        }
    }

    fn get(&mut self, name: &str) -> Option<&'a Value> {
        let value = self.fields.get(name)?;
        match value {
            Value::Null => {
                note(self.quirks, Quirk::NullField);
                None
            }
            value => Some(value),
        }
    }

    pub(crate) fn missing(name: &str) -> Wrong {
        Wrong { code: ErrorCode::OccurenceConstraintViolation, message: format!("{name} is missing") }
    }

    fn mistyped(name: &str) -> Wrong {
        Wrong { code: ErrorCode::TypeConstraintViolation, message: format!("{name} is of the wrong type") }
    }

    /// A text that may be absent; empty ones and `"null"` count as absent. Over-long texts are kept.
    pub fn text(&mut self, name: &str, usual: usize) -> Result<Option<String>, Wrong> {
        let text = match self.get(name) {
            None => return Ok(None),
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => {
                note(self.quirks, Quirk::NumberAsString);
                number.to_string()
            }
            Some(Value::Bool(value)) => {
                note(self.quirks, Quirk::BooleanAsString);
                value.to_string()
            }
            Some(_) => return Err(Self::mistyped(name)),
        };
        // PostgreSQL texts hold no NUL.
        let text = text.replace('\0', "");
        if text.is_empty() || text.eq_ignore_ascii_case("null") {
            if !text.is_empty() {
                note(self.quirks, Quirk::NullAsString);
            }
            return Ok(None);
        }
        if text.chars().count() > usual {
            note(self.quirks, Quirk::OverLongText);
        }
        Ok(Some(text))
    }

    /// A text that must be there.
    pub fn required_text(&mut self, name: &str, usual: usize) -> Result<String, Wrong> {
        self.text(name, usual)?.ok_or_else(|| Self::missing(name))
    }

    /// A word of a set: in the specification's spelling when it is known in whatever spelling, else as it came.
    pub fn word(&mut self, name: &str, usual: usize, words: &Words) -> Result<Option<String>, Wrong> {
        let Some(text) = self.text(name, usual)? else { return Ok(None) };
        let (word, quirk) = words.read(&text);
        if let Some(quirk) = quirk {
            note(self.quirks, quirk);
        }
        Ok(Some(word))
    }

    /// A whole number.
    pub fn integer(&mut self, name: &str) -> Result<Option<i64>, Wrong> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Number(number)) => match number.as_i64() {
                Some(integer) => Ok(Some(integer)),
                None => {
                    note(self.quirks, Quirk::FractionAsInteger);
                    let float =
                        number.as_f64().filter(|float| float.abs() < 9e15).ok_or_else(|| Self::mistyped(name))?;
                    Ok(Some(float as i64))
                }
            },
            Some(Value::String(text)) => {
                note(self.quirks, Quirk::StringAsNumber);
                match text.trim() {
                    "" => Ok(None),
                    text => text.parse().map(Some).map_err(|_| Self::mistyped(name)),
                }
            }
            Some(_) => Err(Self::mistyped(name)),
        }
    }

    /// A connector's number: 0 to 999.
    pub fn connector(&mut self, name: &str) -> Result<i32, Wrong> {
        let number = self.integer(name)?.ok_or_else(|| Self::missing(name))?;
        i32::try_from(number).ok().filter(|number| (0..=999).contains(number)).ok_or_else(|| Wrong {
            code: ErrorCode::PropertyConstraintViolation,
            message: format!("{name} is not between 0 and 999"),
        })
    }

    /// A register reading in Wh; the specification wants an integer, stations send fractions and strings too.
    pub fn register(&mut self, name: &str) -> Result<Decimal, Wrong> {
        if self.fields.get(name).is_some_and(Value::is_f64) {
            note(self.quirks, Quirk::FractionAsInteger);
        }
        self.decimal(name)?.ok_or_else(|| Self::missing(name))
    }

    /// A number, up to 10^12; strings are understood.
    pub fn decimal(&mut self, name: &str) -> Result<Option<Decimal>, Wrong> {
        let decimal = match self.get(name) {
            None => return Ok(None),
            Some(Value::Number(number)) => number.to_string(),
            Some(Value::String(text)) => {
                note(self.quirks, Quirk::StringAsNumber);
                text.trim().to_owned()
            }
            Some(_) => return Err(Self::mistyped(name)),
        };
        let parsed = decimal.parse::<Decimal>().or_else(|_| Decimal::from_scientific(&decimal));
        parsed
            .ok()
            .filter(|value| value.abs() < Decimal::from(1_000_000_000_000_i64))
            .map(Some)
            .ok_or_else(|| Self::mistyped(name))
    }

    /// A time, and the text as it was sent. Unreadable ones are none, not an error.
    pub fn time(&mut self, name: &str) -> Result<(Option<Timestamp>, String), Wrong> {
        let Some(text) = self.text(name, 64)? else { return Ok((None, String::new())) };
        let parsed = parse_time(&text);
        match &parsed {
            None => note(self.quirks, Quirk::UnreadableTime),
            Some((_, Some(quirk))) => note(self.quirks, *quirk),
            Some(_) => {}
        }
        Ok((parsed.map(|(time, _)| time), text))
    }

    /// The elements of an array; a lone object counts as one element.
    pub fn objects(&mut self, name: &str) -> Result<Vec<&'a Value>, Wrong> {
        match self.get(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) => Ok(items.iter().collect()),
            Some(object @ Value::Object(_)) => {
                note(self.quirks, Quirk::ObjectAsArray);
                Ok(vec![object])
            }
            Some(_) => Err(Self::mistyped(name)),
        }
    }

    /// A nested object; a lone-element array counts as its element.
    pub fn object(&mut self, name: &str) -> Result<Option<&'a Value>, Wrong> {
        match self.get(name) {
            None => Ok(None),
            Some(object @ Value::Object(_)) => Ok(Some(object)),
            Some(Value::Array(items)) if items.len() == 1 && items[0].is_object() => {
                note(self.quirks, Quirk::ArrayAsObject);
                Ok(items.first())
            }
            Some(_) => Err(Self::mistyped(name)),
        }
    }

    /// A nested object that must be there.
    pub fn required_object(&mut self, name: &str) -> Result<&'a Value, Wrong> {
        self.object(name)?.ok_or_else(|| Self::missing(name))
    }

    /// Yes or no; texts and 0/1 are understood.
    pub fn boolean(&mut self, name: &str) -> Result<Option<bool>, Wrong> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Bool(value)) => Ok(Some(*value)),
            Some(Value::String(text)) => {
                note(self.quirks, Quirk::StringAsBoolean);
                match text.trim().to_ascii_lowercase().as_str() {
                    "" => Ok(None),
                    "true" | "1" => Ok(Some(true)),
                    "false" | "0" => Ok(Some(false)),
                    _ => Err(Self::mistyped(name)),
                }
            }
            Some(Value::Number(number)) => {
                note(self.quirks, Quirk::NumberAsBoolean);
                Ok(Some(number.as_f64() != Some(0.0)))
            }
            Some(_) => Err(Self::mistyped(name)),
        }
    }

    /// The number of something that may be none: zero and below are none.
    pub fn number_of(&mut self, name: &str, none: Quirk) -> Result<Option<i64>, Wrong> {
        let number = self.integer(name)?;
        if number.is_some_and(|number| number <= 0) {
            note(self.quirks, none);
        }
        Ok(number.filter(|number| *number > 0))
    }

    /// An integer of 32 bits.
    pub fn small(&mut self, name: &str) -> Result<Option<i32>, Wrong> {
        match self.integer(name)? {
            None => Ok(None),
            Some(number) => i32::try_from(number).map(Some).map_err(|_| Self::mistyped(name)),
        }
    }

    /// An integer of 32 bits that must be there.
    pub fn required_small(&mut self, name: &str) -> Result<i32, Wrong> {
        self.small(name)?.ok_or_else(|| Self::missing(name))
    }

    /// A reader of a nested object.
    pub fn nested<'b>(&'b mut self, value: &'b Value) -> Result<Reader<'b>, Wrong> {
        Reader::new(value, self.quirks)
    }

    /// Notes a quirk.
    pub fn note(&mut self, quirk: Quirk) {
        note(self.quirks, quirk);
    }
}

/// RFC 3339, and what stations make of it: no zone (UTC is assumed), `+02` without minutes, a blank instead of `T`.
fn parse_time(text: &str) -> Option<(Timestamp, Option<Quirk>)> {
    let text = text.trim();
    if let Ok(time) = Timestamp::parse(text) {
        return Some((time, None));
    }
    let fixed = text.replacen(' ', "T", 1);
    for (candidate, quirk) in [
        (fixed.clone(), Quirk::BlankInTime),
        (format!("{fixed}:00"), Quirk::ShortZone),
        (format!("{}Z", fixed.trim_end_matches('z')), Quirk::NoZone),
    ] {
        if let Ok(time) = Timestamp::parse(&candidate) {
            return Some((time, Some(quirk)));
        }
    }
    for format in ["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S%.f%z"] {
        if let Ok(time) = DateTime::parse_from_str(&fixed, format) {
            return Some((Timestamp::new(time.with_timezone(&Utc)), Some(Quirk::ShortZone)));
        }
    }
    let naive = NaiveDateTime::parse_from_str(&fixed, "%Y-%m-%dT%H:%M").ok()?;
    Some((Timestamp::new(naive.and_utc()), Some(Quirk::NoZone)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn forgives_and_notes() {
        let payload =
            json!({ "a": 5, "b": "7", "c": "null", "d": {"x": 1}, "e": "2026-01-01T10:00:00+02", "f": 1.5, "g": null });
        let mut quirks = Vec::new();
        let mut reader = Reader::new(&payload, &mut quirks).unwrap();
        assert_eq!(reader.text("a", 20).unwrap().as_deref(), Some("5"));
        assert_eq!(reader.integer("b").unwrap(), Some(7));
        assert_eq!(reader.text("c", 20).unwrap(), None);
        assert_eq!(reader.objects("d").unwrap().len(), 1);
        assert_eq!(reader.time("e").unwrap().0.unwrap().to_string(), "2026-01-01T08:00:00.000Z");
        assert_eq!(reader.register("f").unwrap().to_string(), "1.5");
        assert_eq!(reader.integer("g").unwrap(), None);
        assert_eq!(reader.integer("d"), Err(Reader::mistyped("d")));
        for quirk in [
            Quirk::NumberAsString,
            Quirk::StringAsNumber,
            Quirk::NullAsString,
            Quirk::ObjectAsArray,
            Quirk::ShortZone,
            Quirk::FractionAsInteger,
            Quirk::NullField,
        ] {
            assert!(quirks.contains(&quirk), "{quirk}: {quirks:?}");
        }
    }

    #[test]
    fn reads_odd_times() {
        for (text, expected) in [
            ("2026-01-01T10:00:00Z", "2026-01-01T10:00:00.000Z"),
            ("2026-01-01T10:00:00", "2026-01-01T10:00:00.000Z"),
            ("2026-01-01 10:00:00", "2026-01-01T10:00:00.000Z"),
            ("2026-01-01T10:00:00.123456789+01:00", "2026-01-01T09:00:00.123Z"),
            ("2026-01-01T10:00:00+0100", "2026-01-01T09:00:00.000Z"),
            ("2026-01-01T10:00", "2026-01-01T10:00:00.000Z"),
        ] {
            assert_eq!(parse_time(text).map(|(time, _)| time.to_string()).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(parse_time("yesterday"), None);
    }

    proptest! {
        #[test]
        fn never_panics(text in "\\PC*") {
            let _ = parse_time(&text);
        }
    }
}
