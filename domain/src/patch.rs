//! Merge patch (RFC 7396) of any input type.

use std::{borrow::Cow, marker::PhantomData};

use poem_openapi::{
    registry::{MetaSchema, MetaSchemaRef, Registry},
    types::{ParseError, ParseFromJSON, ParseResult, ToJSON, Type},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use crate::{Error, Result, error::FieldError};

/// A merge patch of `T`: T's schema with nothing required and everything nullable. Applying it serialises the current value, merges,
/// and parses the whole again, so that T's own rules judge the result.
#[derive(Debug, Clone)]
pub struct Patch<T> {
    changes: Map<String, Value>,
    of: PhantomData<T>,
}

impl<T: Serialize + DeserializeOwned + ParseFromJSON> Patch<T> {
    /// The value after the patch; the input is unchanged.
    pub fn apply(&self, current: &T) -> Result<T> {
        let mut merged = serde_json::to_value(current).map_err(Error::internal)?;
        merge(&mut merged, &Value::Object(self.changes.clone()));
        parse(merged)
    }

    /// A patch from an object.
    #[must_use]
    pub const fn new(changes: Map<String, Value>) -> Self {
        Self { changes, of: PhantomData }
    }
}

impl<'de, T> serde::Deserialize<'de> for Patch<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Map::deserialize(deserializer).map(|changes| Self { changes, of: PhantomData })
    }
}

/// Parses JSON into an input type: serde finds the wrong field and its JSON pointer, then the type's published
/// validators have their say.
pub fn parse<T: DeserializeOwned + ParseFromJSON>(value: Value) -> Result<T> {
    let parsed = serde_path_to_error::deserialize::<_, T>(&value)
        .map_err(|error| Error::invalid(pointer(error.path()), error.inner().to_string()))?;
    T::parse_from_json(Some(value)).map_err(|error| {
        let message = error.into_message();
        Error::Invalid { fields: vec![FieldError { pointer: field_of(&message), message: reason_of(&message) }] }
    })?;
    Ok(parsed)
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter().fold(String::new(), |mut pointer, segment| {
        match segment {
            Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            Segment::Map { key } => pointer.push_str(&format!("/{}", key.replace('~', "~0").replace('/', "~1"))),
            Segment::Enum { .. } | Segment::Unknown => {}
        }
        pointer
    })
}

/// poem-openapi's validators say: failed to parse "Outer": field `name` verification failed. maxLength(100) (occurred …)
fn field_of(message: &str) -> String {
    let mut parts: Vec<&str> = message.split("field `").skip(1).filter_map(|rest| rest.split('`').next()).collect();
    parts.reverse();
    parts.iter().map(|part| format!("/{part}")).collect()
}

fn reason_of(message: &str) -> String {
    message.split("verification failed. ").nth(1).map_or_else(
        || "is not valid".to_owned(),
        |reason| format!("must satisfy {}", reason.split(" (occurred").next().unwrap_or(reason)),
    )
}

/// RFC 7396, section 2.
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    if let Value::Object(target) = target {
        for (key, change) in patch {
            if change.is_null() {
                target.remove(key);
            } else {
                merge(target.entry(key.clone()).or_insert(Value::Null), change);
            }
        }
    }
}

impl<T: Type> Type for Patch<T> {
    const IS_REQUIRED: bool = true;
    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        format!("{}Patch", T::name()).into()
    }

    fn schema_ref() -> MetaSchemaRef {
        MetaSchemaRef::Reference(Self::name().into_owned())
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
        let inner = T::name().into_owned();
        let schema = registry.schemas.get(&inner).cloned();
        registry.create_schema::<Self, _>(Self::name().into_owned(), move |_| {
            let mut schema = schema.unwrap_or_else(|| MetaSchema::new("object"));
            schema.required.clear();
            schema.rust_typename = None;
            schema.description =
                Some("Merge patch (RFC 7396): what is absent stays, null clears an optional field, the rest replaces.");
            schema
        });
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}

impl<T: Type> ParseFromJSON for Patch<T> {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        match value {
            Some(Value::Object(changes)) => Ok(Self { changes, of: PhantomData }),
            Some(other) => Err(ParseError::expected_type(other)),
            None => Err(ParseError::expected_input()),
        }
    }
}

impl<T: Type> ToJSON for Patch<T> {
    fn to_json(&self) -> Option<Value> {
        Some(Value::Object(self.changes.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::merge;
    use serde_json::json;

    #[test]
    fn follows_the_examples_of_rfc_7396() {
        let cases = [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "b"}), json!({"b": "c"}), json!({"a": "b", "b": "c"})),
            (json!({"a": "b"}), json!({"a": null}), json!({})),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": {"b": "c"}}), json!({"a": {"b": "d", "c": null}}), json!({"a": {"b": "d"}})),
            (json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])),
            (json!({"e": null}), json!({"a": 1}), json!({"e": null, "a": 1})),
            (json!({}), json!({"a": {"bb": {"ccc": null}}}), json!({"a": {"bb": {}}})),
        ];
        for (mut target, patch, expected) in cases {
            merge(&mut target, &patch);
            assert_eq!(target, expected);
        }
    }
}
