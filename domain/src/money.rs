//! Exact decimals for money and energy: strings in JSON, `numeric` in the database, never a float.

use std::borrow::Cow;

use poem_openapi::{
    registry::{MetaSchema, MetaSchemaRef},
    types::{Example, ParseError, ParseFromJSON, ParseFromParameter, ParseResult, ToJSON, Type},
};
use rust_decimal::{Decimal, RoundingStrategy};

/// A decimal with a fixed number of fraction digits. JSON carries it as a string with exactly that many digits; input
/// may have fewer, never more (nothing is rounded silently).
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Default,
    diesel::expression::AsExpression,
    diesel::deserialize::FromSqlRow,
)]
#[diesel(sql_type = diesel::sql_types::Numeric)]
pub struct Fixed<const SCALE: u32>(Decimal);

/// A net price or cost component, four decimals, in the currency named beside it: `"0.4900"`.
pub type Amount = Fixed<4>;
/// A payable sum in the minor unit of its currency's usual two decimals: `"12.34"`.
pub type Total = Fixed<2>;
/// Energy in kWh to the milliwatt-hour: `"11.250000"`.
pub type Kwh = Fixed<6>;
/// A share in percent, two decimals: `"19.00"`.
pub type Percent = Fixed<2>;

impl<const SCALE: u32> Fixed<SCALE> {
    /// Nothing.
    pub const ZERO: Self = Self(Decimal::ZERO);
    /// Most digits before the point.
    const INTEGER_DIGITS: u32 = 12;

    /// Rounds half up (away from zero), the commercial rule.
    #[must_use]
    pub fn round(value: Decimal) -> Self {
        Self(value.round_dp_with_strategy(SCALE, RoundingStrategy::MidpointAwayFromZero))
    }

    /// The plain decimal.
    #[must_use]
    pub const fn decimal(self) -> Decimal {
        self.0
    }

    /// Parses a plain decimal: an optional minus, digits, at most `SCALE` fraction digits; no exponent.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("is not a decimal number such as \"{}\"", Self::example());
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let (integer, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if integer.is_empty() || !digits(integer) || !digits(fraction) || unsigned.ends_with('.') {
            return Err(wrong());
        }
        if fraction.len() > SCALE as usize {
            return Err(format!("has more than {SCALE} decimals"));
        }
        if integer.len() > Self::INTEGER_DIGITS as usize {
            return Err(format!("has more than {} digits before the point", Self::INTEGER_DIGITS));
        }
        text.parse().map(Self).map_err(|_| wrong())
    }
}

impl<const SCALE: u32> std::fmt::Display for Fixed<SCALE> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut value = self.0;
        value.rescale(SCALE);
        value.fmt(f)
    }
}

impl<const SCALE: u32> serde::Serialize for Fixed<SCALE> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, const SCALE: u32> serde::Deserialize<'de> for Fixed<SCALE> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

impl<const SCALE: u32> schemars::JsonSchema for Fixed<SCALE> {
    fn schema_name() -> Cow<'static, str> {
        format!("Decimal{SCALE}").into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": pattern(SCALE) })
    }
}

fn pattern(scale: u32) -> String {
    format!(r"^-?\d{{1,12}}(\.\d{{1,{scale}}})?$")
}

impl<const SCALE: u32> Type for Fixed<SCALE> {
    const IS_REQUIRED: bool = true;
    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        format!("string(decimal{SCALE})").into()
    }

    fn schema_ref() -> MetaSchemaRef {
        MetaSchemaRef::Inline(Box::new(MetaSchema {
            pattern: Some(pattern(SCALE)),
            example: Some(Self::example().to_string().into()),
            ..MetaSchema::new("string")
        }))
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}

impl<const SCALE: u32> ParseFromJSON for Fixed<SCALE> {
    fn parse_from_json(value: Option<serde_json::Value>) -> ParseResult<Self> {
        match value {
            Some(serde_json::Value::String(text)) => Self::parse(&text).map_err(ParseError::custom),
            Some(serde_json::Value::Number(_)) => {
                Err(ParseError::custom("is a JSON number; send the decimal as a string, so that it stays exact"))
            }
            Some(other) => Err(ParseError::expected_type(other)),
            None => Err(ParseError::expected_input()),
        }
    }
}

impl<const SCALE: u32> ParseFromParameter for Fixed<SCALE> {
    fn parse_from_parameter(text: &str) -> ParseResult<Self> {
        Self::parse(text).map_err(ParseError::custom)
    }
}

impl<const SCALE: u32> ToJSON for Fixed<SCALE> {
    fn to_json(&self) -> Option<serde_json::Value> {
        Some(self.to_string().into())
    }
}

impl<const SCALE: u32> Example for Fixed<SCALE> {
    fn example() -> Self {
        Self(Decimal::new(49, 2))
    }
}

impl<const SCALE: u32> diesel::serialize::ToSql<diesel::sql_types::Numeric, diesel::pg::Pg> for Fixed<SCALE> {
    fn to_sql<'b>(&'b self, out: &mut diesel::serialize::Output<'b, '_, diesel::pg::Pg>) -> diesel::serialize::Result {
        <Decimal as diesel::serialize::ToSql<diesel::sql_types::Numeric, diesel::pg::Pg>>::to_sql(&self.0, out)
    }
}

impl<const SCALE: u32> diesel::deserialize::FromSql<diesel::sql_types::Numeric, diesel::pg::Pg> for Fixed<SCALE> {
    fn from_sql(bytes: diesel::pg::PgValue<'_>) -> diesel::deserialize::Result<Self> {
        <Decimal as diesel::deserialize::FromSql<diesel::sql_types::Numeric, diesel::pg::Pg>>::from_sql(bytes).map(Self)
    }
}

fn parse_currency(text: &str) -> Result<String, String> {
    let upper = text.to_ascii_uppercase();
    match iso_currency::Currency::from_code(&upper) {
        Some(_) => Ok(upper),
        None => Err("is not an ISO 4217 currency code such as EUR".into()),
    }
}

text! {
    /// Currency code, ISO 4217, upper case.
    CurrencyCode { example: "EUR", max: 3, parse: parse_currency }
}

impl CurrencyCode {
    /// ISO 4217's code for no currency: none was named.
    #[must_use]
    pub fn none() -> Self {
        Self("XXX".into())
    }

    /// Whether none was named.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.0 == "XXX"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn refuses_what_is_not_exact() {
        for text in ["", ".5", "1.", "1e3", "0.49001", "NaN", "1,5", "+1", " 1", "--1", "1234567890123"] {
            assert!(Amount::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn rounds_half_up() {
        assert_eq!(Total::round(Decimal::new(12345, 3)).to_string(), "12.35");
        assert_eq!(Total::round(Decimal::new(-12345, 3)).to_string(), "-12.35");
    }

    proptest! {
        #[test]
        fn prints_what_it_parsed(units in -999_999_999_999_i64..999_999_999_999) {
            let amount = Amount::round(Decimal::new(units, 4));
            prop_assert_eq!(Amount::parse(&amount.to_string()).unwrap(), amount);
        }
    }
}
