//! Points in time as the API shows them: RFC 3339, UTC, milliseconds, `Z`.

use std::borrow::Cow;

use chrono::{DateTime, SecondsFormat, SubsecRound as _, Utc};
use poem_openapi::{
    registry::{MetaSchema, MetaSchemaRef},
    types::{Example, ParseError, ParseFromJSON, ParseFromParameter, ParseResult, ToJSON, Type},
};

/// A point in time, RFC 3339 in UTC with milliseconds, for example `2026-11-23T17:25:43.511Z`.
///
/// Input may carry any offset and precision; it is converted to UTC and cut to milliseconds.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    schemars::JsonSchema,
    diesel::expression::AsExpression,
    diesel::deserialize::FromSqlRow,
)]
#[diesel(sql_type = diesel::sql_types::Timestamptz)]
#[schemars(transparent)]
pub struct Timestamp(DateTime<Utc>);

impl Timestamp {
    /// Cuts a chrono time to milliseconds.
    #[must_use]
    pub fn new(time: DateTime<Utc>) -> Self {
        Self(time.trunc_subsecs(3))
    }

    /// Milliseconds since 1970-01-01T00:00:00Z; out-of-range values become the epoch.
    #[must_use]
    pub fn from_millis(millis: i64) -> Self {
        Self(DateTime::from_timestamp_millis(millis).unwrap_or_default())
    }

    /// Parses RFC 3339.
    pub fn parse(text: &str) -> Result<Self, String> {
        DateTime::parse_from_rfc3339(text)
            .map(|time| Self::new(time.with_timezone(&Utc)))
            .map_err(|_| "is not an RFC 3339 date-time such as 2026-11-23T17:25:43Z".to_owned())
    }

    /// The time as chrono knows it.
    #[must_use]
    pub const fn utc(self) -> DateTime<Utc> {
        self.0
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.0.timestamp_millis()
    }

    /// The lowest id (UUIDv7, RFC 9562 section 5.7) of this time: whatever came later has a higher one.
    #[must_use]
    pub fn first_id(self) -> uuid::Uuid {
        uuid::Uuid::from_u128(u128::try_from(self.millis()).unwrap_or_default() << 80)
    }

    /// Whole seconds, `Z`, no fraction: what strict stations accept (OCPP 1.6 section 3.11).
    #[must_use]
    pub fn to_ocpp(self) -> String {
        self.0.to_rfc3339_opts(SecondsFormat::Secs, true)
    }
}

impl std::ops::Add<chrono::TimeDelta> for Timestamp {
    type Output = Self;
    fn add(self, delta: chrono::TimeDelta) -> Self {
        Self(self.0 + delta)
    }
}

impl std::ops::Sub<chrono::TimeDelta> for Timestamp {
    type Output = Self;
    fn sub(self, delta: chrono::TimeDelta) -> Self {
        Self(self.0 - delta)
    }
}

impl std::ops::Sub for Timestamp {
    type Output = chrono::TimeDelta;
    fn sub(self, other: Self) -> chrono::TimeDelta {
        self.0 - other.0
    }
}

impl std::fmt::Display for Timestamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

impl Type for Timestamp {
    const IS_REQUIRED: bool = true;
    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        "string(date-time)".into()
    }

    fn schema_ref() -> MetaSchemaRef {
        MetaSchemaRef::Inline(Box::new(MetaSchema {
            example: Some(Self::example().to_string().into()),
            ..MetaSchema::new_with_format("string", "date-time")
        }))
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}

impl ParseFromJSON for Timestamp {
    fn parse_from_json(value: Option<serde_json::Value>) -> ParseResult<Self> {
        match value {
            Some(serde_json::Value::String(text)) => Self::parse(&text).map_err(ParseError::custom),
            Some(other) => Err(ParseError::expected_type(other)),
            None => Err(ParseError::expected_input()),
        }
    }
}

impl ParseFromParameter for Timestamp {
    fn parse_from_parameter(text: &str) -> ParseResult<Self> {
        Self::parse(text).map_err(ParseError::custom)
    }
}

impl ToJSON for Timestamp {
    fn to_json(&self) -> Option<serde_json::Value> {
        Some(self.to_string().into())
    }
}

impl Example for Timestamp {
    fn example() -> Self {
        Self::from_millis(1_795_454_743_511)
    }
}

impl diesel::serialize::ToSql<diesel::sql_types::Timestamptz, diesel::pg::Pg> for Timestamp {
    fn to_sql<'b>(&'b self, out: &mut diesel::serialize::Output<'b, '_, diesel::pg::Pg>) -> diesel::serialize::Result {
        <DateTime<Utc> as diesel::serialize::ToSql<diesel::sql_types::Timestamptz, diesel::pg::Pg>>::to_sql(
            &self.0, out,
        )
    }
}

impl diesel::deserialize::FromSql<diesel::sql_types::Timestamptz, diesel::pg::Pg> for Timestamp {
    fn from_sql(bytes: diesel::pg::PgValue<'_>) -> diesel::deserialize::Result<Self> {
        <DateTime<Utc> as diesel::deserialize::FromSql<diesel::sql_types::Timestamptz, diesel::pg::Pg>>::from_sql(bytes)
            .map(Self::new)
    }
}
