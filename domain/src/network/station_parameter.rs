//! What a station says of one of its parameters, and which values it can therefore not be given.

use poem_openapi::Object;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use stromtor_schema::schema::station_parameter;

use crate::{
    Timestamp,
    network::{location::LocationId, station::StationId},
    tenancy::partner::PartnerId,
};

choice! {
    /// How a parameter may be used (OCPP 2.0.1 MutabilityEnumType).
    pub enum Mutability {
        /// Read and set.
        ReadWrite = "read_write",
        /// Read alone.
        ReadOnly = "read_only",
        /// Set alone.
        WriteOnly = "write_only",
    }
}

/// A parameter as the station last reported it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object, diesel::Queryable, diesel::Selectable)]
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = station_parameter, check_for_backend(diesel::pg::Pg))]
pub struct StationParameter {
    /// The station.
    pub station_id: StationId,
    /// Configuration key (OCPP 1.6), or `Component[instance]@evse.connector/Variable[instance]` (OCPP 2.x).
    pub name: String,
    /// `Actual`, `Target`, `MinSet` or `MaxSet`; `Actual` for OCPP 1.6.
    pub attribute: String,
    /// The station's operator.
    pub partner_id: PartnerId,
    /// The station's location.
    pub location_id: LocationId,
    /// Value; secrets masked. Absent when it has none or may not be read.
    pub value: Option<String>,
    /// How it may be used; absent when the station did not say.
    pub mutability: Option<Mutability>,
    /// `string`, `decimal`, `integer`, `dateTime`, `boolean`, `OptionList`, `SequenceList`, `MemberList`; OCPP 2.x.
    pub data_type: Option<String>,
    /// Unit; OCPP 2.x.
    pub unit: Option<String>,
    /// Least value, a decimal; OCPP 2.x.
    pub min_limit: Option<String>,
    /// Greatest value, a decimal; for texts and lists the most characters; OCPP 2.x.
    pub max_limit: Option<String>,
    /// Allowed values, comma-separated; OCPP 2.x.
    pub values_list: Option<String>,
    /// Whether it can be monitored; OCPP 2.x.
    pub supports_monitoring: Option<bool>,
    /// Whether the value counts only after the next restart.
    pub reboot_required: bool,
    /// When the station said so.
    pub reported_at: Timestamp,
}

impl StationParameter {
    /// Why the parameter cannot have this value, by its characteristics (OCPP 2.0.1 VariableCharacteristicsType); `None`
    /// when nothing that the station said speaks against it.
    #[must_use]
    pub fn refuses(&self, value: &str) -> Option<String> {
        let limit = |text: &Option<String>| text.as_deref().and_then(|text| text.parse::<Decimal>().ok());
        let (least, most) = (limit(&self.min_limit), limit(&self.max_limit));
        let allowed: Vec<&str> = self.values_list.as_deref().unwrap_or_default().split(',').map(str::trim).collect();
        let unknown = |word: &str| self.values_list.is_some() && !allowed.contains(&word);
        let (wrong, too_long) = (|what: &str| Some(format!("must be {what}")), value.chars().count());
        match self.data_type.as_deref()? {
            kind @ ("integer" | "decimal") => match value.parse::<Decimal>() {
                Ok(number) if kind == "decimal" || value.parse::<i64>().is_ok() => match (least, most) {
                    (Some(least), _) if number < least => wrong(&format!("at least {least}")),
                    (_, Some(most)) if number > most => wrong(&format!("at most {most}")),
                    _ => None,
                },
                _ if kind == "integer" => wrong("a whole number"),
                _ => wrong("a decimal number"),
            },
            "boolean" if !matches!(value, "true" | "false") => wrong("true or false"),
            "dateTime" => Timestamp::parse(value).err(),
            "string" | "OptionList" | "SequenceList" | "MemberList"
                if most.is_some_and(|most| Decimal::from(too_long) > most) =>
            {
                most.map(|most| format!("has more than {most} characters"))
            }
            "OptionList" if unknown(value) => wrong(&format!("one of {}", allowed.join(", "))),
            "SequenceList" | "MemberList" if !value.is_empty() && value.split(',').any(|word| unknown(word.trim())) => {
                wrong(&format!("a list of {}", allowed.join(", ")))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameter(data_type: &str, limits: (Option<&str>, Option<&str>), values: Option<&str>) -> StationParameter {
        StationParameter {
            station_id: StationId(uuid::Uuid::nil()),
            name: "A/B".into(),
            attribute: "Actual".into(),
            partner_id: PartnerId(uuid::Uuid::nil()),
            location_id: LocationId(uuid::Uuid::nil()),
            value: None,
            mutability: None,
            data_type: Some(data_type.into()),
            unit: None,
            min_limit: limits.0.map(str::to_owned),
            max_limit: limits.1.map(str::to_owned),
            values_list: values.map(str::to_owned),
            supports_monitoring: None,
            reboot_required: false,
            reported_at: Timestamp::from_millis(0),
        }
    }

    #[test]
    fn values_outside_the_characteristics_are_refused() {
        let (none, limits) = ((None, None), (Some("1"), Some("10.5")));
        let list = Some("A, B,C");
        for (data_type, limits, values, fine, wrong) in [
            ("integer", limits, None, vec!["1", "10"], vec!["0", "11", "1.5", "x", ""]),
            ("decimal", limits, None, vec!["1", "10.5"], vec!["0.9", "10.51", "1,5"]),
            ("boolean", none, None, vec!["true", "false"], vec!["True", "1", ""]),
            ("dateTime", none, None, vec!["2026-11-23T17:25:43Z"], vec!["yesterday"]),
            ("string", (None, Some("3")), None, vec!["", "abc"], vec!["abcd"]),
            ("OptionList", none, list, vec!["A", "B"], vec!["D", "A,B", ""]),
            ("SequenceList", none, list, vec!["C,A", ""], vec!["A,D"]),
            ("MemberList", (None, Some("3")), list, vec!["A,B"], vec!["A,B,C"]),
            ("MemberList", none, None, vec!["whatever"], vec![]),
            ("vendor", limits, list, vec!["anything"], vec![]),
        ] {
            let parameter = parameter(data_type, limits, values);
            for value in fine {
                assert_eq!(parameter.refuses(value), None, "{data_type} {value}");
            }
            for value in wrong {
                assert!(parameter.refuses(value).is_some(), "{data_type} {value}");
            }
        }
    }
}
