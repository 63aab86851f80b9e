/// Declares a validated string: parsed once at the door, then known to be right everywhere.
///
/// `parse` receives the caller's text and returns the canonical form or a message for people; `pattern` and lengths are
/// published in the OpenAPI document.
///
/// ```ignore
/// text! {
///     /// Two-letter country code, ISO 3166-1 alpha-2, upper case.
///     CountryCode { example: "DE", max: 2, parse: parse_country }
/// }
/// ```
#[macro_export]
macro_rules! text {
    ($(#[$meta:meta])* $name:ident { example: $example:literal, max: $max:literal, parse: $parse:path $(,)? }) => {
        $(#[$meta])*
        #[derive(
            Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
            diesel::expression::AsExpression, diesel::deserialize::FromSqlRow,
        )]
        #[serde(try_from = "String", into = "String")]
        #[diesel(sql_type = diesel::sql_types::Text)]
        pub struct $name(String);

        impl $name {
            /// Longest text accepted, in characters.
            pub const MAX: usize = $max;

            /// Checks and canonicalises; the error is a message for people.
            pub fn parse(text: &str) -> Result<Self, String> {
                if text.chars().count() > Self::MAX {
                    return Err(format!("is longer than {} characters", Self::MAX));
                }
                if text.contains('\0') {
                    return Err("must not contain the NUL character".into());
                }
                let parsed: Result<String, String> = $parse(text);
                parsed.map(Self)
            }

            /// The canonical text.
            #[must_use]
            pub fn as_str(&self) -> &str { &self.0 }
        }

        impl TryFrom<String> for $name {
            type Error = String;
            fn try_from(text: String) -> Result<Self, String> { Self::parse(&text) }
        }
        impl From<$name> for String { fn from(text: $name) -> Self { text.0 } }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str(&self.0) }
        }

        impl poem_openapi::types::Type for $name {
            const IS_REQUIRED: bool = true;
            type RawValueType = Self;
            type RawElementValueType = Self;
            fn name() -> std::borrow::Cow<'static, str> { concat!("string(", stringify!($name), ")").into() }
            fn schema_ref() -> poem_openapi::registry::MetaSchemaRef {
                poem_openapi::registry::MetaSchemaRef::Inline(Box::new(poem_openapi::registry::MetaSchema {
                    max_length: Some(Self::MAX),
                    example: Some(serde_json::Value::String($example.to_owned())),
                    ..poem_openapi::registry::MetaSchema::new("string")
                }))
            }
            fn as_raw_value(&self) -> Option<&Self::RawValueType> { Some(self) }
            fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self::RawElementValueType> + 'a> {
                Box::new(self.as_raw_value().into_iter())
            }
        }

        impl poem_openapi::types::ParseFromJSON for $name {
            fn parse_from_json(value: Option<serde_json::Value>) -> poem_openapi::types::ParseResult<Self> {
                match value {
                    Some(serde_json::Value::String(text)) => {
                        Self::parse(&text).map_err(poem_openapi::types::ParseError::custom)
                    }
                    Some(other) => Err(poem_openapi::types::ParseError::expected_type(other)),
                    None => Err(poem_openapi::types::ParseError::expected_input()),
                }
            }
        }
        impl poem_openapi::types::ParseFromParameter for $name {
            fn parse_from_parameter(text: &str) -> poem_openapi::types::ParseResult<Self> {
                Self::parse(text).map_err(poem_openapi::types::ParseError::custom)
            }
        }
        impl poem_openapi::types::ToJSON for $name {
            fn to_json(&self) -> Option<serde_json::Value> { Some(serde_json::Value::String(self.0.clone())) }
        }
        impl poem_openapi::types::Example for $name {
            fn example() -> Self { Self::parse($example).expect("the example is valid") }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> { stringify!($name).into() }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "maxLength": $max })
            }
        }

        impl diesel::serialize::ToSql<diesel::sql_types::Text, diesel::pg::Pg> for $name {
            fn to_sql<'b>(
                &'b self,
                out: &mut diesel::serialize::Output<'b, '_, diesel::pg::Pg>,
            ) -> diesel::serialize::Result {
                <str as diesel::serialize::ToSql<diesel::sql_types::Text, diesel::pg::Pg>>::to_sql(&self.0, out)
            }
        }

        impl diesel::deserialize::FromSql<diesel::sql_types::Text, diesel::pg::Pg> for $name {
            fn from_sql(bytes: diesel::pg::PgValue<'_>) -> diesel::deserialize::Result<Self> {
                // What the database holds was checked when it was written.
                <String as diesel::deserialize::FromSql<diesel::sql_types::Text, diesel::pg::Pg>>::from_sql(bytes)
                    .map(Self)
            }
        }
    };
}
