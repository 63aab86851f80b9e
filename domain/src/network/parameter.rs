//! Parameters of stations: configuration keys of OCPP 1.6 and variables of OCPP 2.x under one roof.

use poem_openapi::Object;
use serde::{Deserialize, Serialize};
use stromtor_schema::schema::parameter_template;

use crate::{
    Error, Result, Timestamp,
    network::{hardware::StationModelId, station::StationId},
    tenancy::partner::PartnerId,
    values::{ExternalId, Line, Metadata, Name},
};

/// A variable of OCPP 2.x, written `Component[instance]@evse.connector/Variable[instance]`; what is absent is left out:
/// `OCPPCommCtrlr/HeartbeatInterval`, `Connector@1.2/ConnectorType`, `DeviceDataCtrlr/ItemsPerMessage[GetReport]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VariableName {
    /// Name of the component.
    pub component: String,
    /// Instance of the component.
    pub component_instance: Option<String>,
    /// Its EVSE.
    pub evse: Option<i32>,
    /// Its connector of the EVSE.
    pub connector: Option<i32>,
    /// Name of the variable.
    pub variable: String,
    /// Instance of the variable.
    pub variable_instance: Option<String>,
}

fn instance(text: &str) -> Option<(&str, Option<String>)> {
    match text.split_once('[') {
        None => Some((text, None)),
        Some((name, rest)) => Some((name, Some(rest.strip_suffix(']')?.to_owned()))),
    }
}

impl VariableName {
    /// Parses the written form; `None` when it is none, as a key of OCPP 1.6.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        // An instance may hold anything: the variable begins behind the slash that follows no open bracket.
        let mut depth = 0_i32;
        let slash = text.char_indices().find_map(|(at, c)| {
            depth += i32::from(c == '[') - i32::from(c == ']');
            (c == '/' && depth == 0).then_some(at)
        })?;
        let (component, variable) = (&text[..slash], &text[slash + 1..]);
        let (component, place) = match component.rsplit_once('@') {
            Some((component, place)) if !place.contains(']') => (component, Some(place)),
            _ => (component, None),
        };
        let (evse, connector) = match place.map(|place| place.split_once('.').unwrap_or((place, ""))) {
            None => (None, None),
            Some((evse, "")) => (Some(evse.parse().ok()?), None),
            Some((evse, connector)) => (Some(evse.parse().ok()?), Some(connector.parse().ok()?)),
        };
        let (component, component_instance) = instance(component)?;
        let (variable, variable_instance) = instance(variable)?;
        let fine = |name: &str| !name.is_empty() && name.chars().count() <= 50;
        (fine(component) && fine(variable)).then(|| Self {
            component: component.to_owned(),
            component_instance,
            evse,
            connector,
            variable: variable.to_owned(),
            variable_instance,
        })
    }

    /// The component's part of the written form.
    #[must_use]
    pub fn component_text(&self) -> String {
        let place = match (self.evse, self.connector) {
            (Some(evse), Some(connector)) => format!("@{evse}.{connector}"),
            (Some(evse), None) => format!("@{evse}"),
            _ => String::new(),
        };
        format!("{}{}{place}", self.component, bracket(self.component_instance.as_deref()))
    }

    /// The variable's part of the written form.
    #[must_use]
    pub fn variable_text(&self) -> String {
        format!("{}{}", self.variable, bracket(self.variable_instance.as_deref()))
    }
}

fn bracket(instance: Option<&str>) -> String {
    instance.map_or_else(String::new, |instance| format!("[{instance}]"))
}

impl std::fmt::Display for VariableName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.component_text(), self.variable_text())
    }
}

/// The configuration keys of OCPP 1.6 that are standard variables of OCPP 2.0.1 under another name (part 2, appendix 3).
const SAME: [(&str, &str); 21] = [
    ("AllowOfflineTxForUnknownId", "AuthCtrlr/OfflineTxForUnknownIdEnabled"),
    ("AuthorizationCacheEnabled", "AuthCacheCtrlr/Enabled"),
    ("AuthorizationKey", "SecurityCtrlr/BasicAuthPassword"),
    ("AuthorizeRemoteTxRequests", "AuthCtrlr/AuthorizeRemoteStart"),
    ("ClockAlignedDataInterval", "AlignedDataCtrlr/Interval"),
    ("ConnectionTimeOut", "TxCtrlr/EVConnectionTimeOut"),
    ("CpoName", "SecurityCtrlr/OrganizationName"),
    ("HeartbeatInterval", "OCPPCommCtrlr/HeartbeatInterval"),
    ("LocalAuthListEnabled", "LocalAuthListCtrlr/Enabled"),
    ("LocalAuthorizeOffline", "AuthCtrlr/LocalAuthorizeOffline"),
    ("LocalPreAuthorize", "AuthCtrlr/LocalPreAuthorize"),
    ("MaxEnergyOnInvalidId", "TxCtrlr/MaxEnergyOnInvalidId"),
    ("MeterValuesAlignedData", "AlignedDataCtrlr/Measurands"),
    ("MeterValuesSampledData", "SampledDataCtrlr/TxUpdatedMeasurands"),
    ("MeterValueSampleInterval", "SampledDataCtrlr/TxUpdatedInterval"),
    ("ResetRetries", "OCPPCommCtrlr/ResetRetries"),
    ("StopTransactionOnEVSideDisconnect", "TxCtrlr/StopTxOnEVSideDisconnect"),
    ("StopTransactionOnInvalidId", "TxCtrlr/StopTxOnInvalidId"),
    ("StopTxnSampledData", "SampledDataCtrlr/TxEndedMeasurands"),
    ("UnlockConnectorOnEVSideDisconnect", "OCPPCommCtrlr/UnlockOnEVSideDisconnect"),
    ("WebSocketPingInterval", "OCPPCommCtrlr/WebSocketPingInterval"),
];

/// The name a parameter has on a station: a key of OCPP 1.6 (`of_variables` false) or a variable of OCPP 2.x. Names that
/// are written for the other world are translated where the standard knows both; `None` where it does not.
#[must_use]
pub fn name_for(name: &str, of_variables: bool) -> Option<String> {
    match (VariableName::parse(name).is_some(), of_variables) {
        (true, true) | (false, false) => Some(name.to_owned()),
        (false, true) => {
            SAME.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, variable)| (*variable).to_owned())
        }
        (true, false) => SAME.iter().find(|(_, variable)| *variable == name).map(|(key, _)| (*key).to_owned()),
    }
}

/// A parameter and the value it shall have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
pub struct ParameterSetting {
    /// Configuration key (OCPP 1.6) or variable (OCPP 2.x); standard ones are translated for stations of the other version.
    pub name: String,
    /// Value, up to 500 characters (1,000 in OCPP 2.x).
    pub value: String,
}

/// Parameters to be set.
#[derive(
    Debug,
    Clone,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    poem_openapi::NewType,
    diesel::expression::AsExpression,
    diesel::deserialize::FromSqlRow,
)]
#[oai(to_header = false, from_parameter = false, from_multipart = false)]
#[diesel(sql_type = diesel::sql_types::Jsonb)]
pub struct ParameterSettings(pub Vec<ParameterSetting>);

jsonb!(ParameterSettings);

impl ParameterSettings {
    /// 1 to 100, each named once, within the lengths of OCPP.
    pub fn check(&self, pointer: &str) -> Result<()> {
        if !(1..=100).contains(&self.0.len()) {
            return Err(Error::invalid(pointer, "must have 1 to 100 entries"));
        }
        for (at, setting) in self.0.iter().enumerate() {
            if self.0[..at].iter().any(|other| other.name == setting.name) {
                return Err(Error::invalid(format!("{pointer}/{at}/name"), "occurs twice"));
            }
            setting.check(&format!("{pointer}/{at}"))?;
        }
        Ok(())
    }
}

impl ParameterSetting {
    /// Lengths: a name of 1 to 250 characters (a key: 50), a value of at most 1,000.
    pub fn check(&self, pointer: &str) -> Result<()> {
        let most = if VariableName::parse(&self.name).is_some() { 250 } else { 50 };
        if self.name.is_empty() || self.name.chars().count() > most {
            return Err(Error::invalid(format!("{pointer}/name"), format!("must have 1 to {most} characters")));
        }
        if self.value.chars().count() > 1000 {
            return Err(Error::invalid(format!("{pointer}/value"), "has more than 1000 characters"));
        }
        Ok(())
    }
}

/// Parameters of one station to be set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
pub struct ParameterChange {
    /// 1 to 100 parameters.
    pub parameters: ParameterSettings,
}

id! {
    /// Id of a parameter template.
    ParameterTemplateId
}

/// What a caller may set of a template.
#[derive(
    Debug,
    Clone,
    PartialEq,
    Serialize,
    Deserialize,
    Object,
    diesel::Queryable,
    diesel::Selectable,
    diesel::Insertable,
    diesel::AsChangeset,
)]
#[serde(deny_unknown_fields)]
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = parameter_template, treat_none_as_null = true)]
pub struct ParameterTemplateInput {
    /// Name, unique within the partner.
    pub name: Name,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<Line>,
    /// The only model it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_id: Option<StationModelId>,
    /// 1 to 100 parameters with their values. Secrets have no place here: passwords are rotated per station.
    pub parameters: ParameterSettings,
    /// The caller's own id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<ExternalId>,
    /// Free key/value pairs.
    #[serde(default)]
    #[oai(default)]
    pub metadata: Metadata,
}

impl ParameterTemplateInput {
    /// The parameters by their own rules.
    pub fn check(&self) -> Result<()> {
        self.parameters.check("/parameters")
    }
}

/// A named set of parameters (quick configuration).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object, diesel::Queryable, diesel::Selectable)]
#[oai(skip_serializing_if_is_none)]
#[diesel(table_name = parameter_template, check_for_backend(diesel::pg::Pg))]
pub struct ParameterTemplate {
    /// Id.
    pub id: ParameterTemplateId,
    /// Whose it is.
    pub partner_id: PartnerId,
    /// What a caller may set.
    #[oai(flatten)]
    #[serde(flatten)]
    #[diesel(embed)]
    pub input: ParameterTemplateInput,
    /// Counts the changes.
    pub revision: i64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// Stations that a template is applied to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
pub struct TemplateApplication {
    /// 1 to 1,000 stations.
    pub station_ids: Vec<StationId>,
}

/// A parameter of a station that is not as a template wants it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct ParameterDrift {
    /// The station.
    pub station_id: StationId,
    /// The parameter, as the template names it.
    pub name: String,
    /// The value it shall have.
    pub wanted: String,
    /// The value it has, as last reported; absent when the station never reported it.
    pub actual: Option<String>,
    /// When the station said so.
    pub reported_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_read_and_written() {
        for text in [
            "OCPPCommCtrlr/HeartbeatInterval",
            "Connector@1.2/ConnectorType",
            "EVSE@1/Power",
            "DeviceDataCtrlr/ItemsPerMessage[GetReport]",
            "Tariff[a/b@1]@2/Fee[x]",
        ] {
            assert_eq!(VariableName::parse(text).map(|name| name.to_string()).as_deref(), Some(text));
        }
        for text in ["HeartbeatInterval", "/x", "x/", "A@b/C", "A[/B"] {
            assert_eq!(VariableName::parse(text), None, "{text}");
        }
    }

    #[test]
    fn names_are_translated_between_versions() {
        assert_eq!(name_for("HeartbeatInterval", true).as_deref(), Some("OCPPCommCtrlr/HeartbeatInterval"));
        assert_eq!(name_for("TxCtrlr/StopTxOnInvalidId", false).as_deref(), Some("StopTransactionOnInvalidId"));
        assert_eq!(name_for("BlinkRepeat", true), None);
        assert_eq!(name_for("VendorKey", false).as_deref(), Some("VendorKey"));
    }

    proptest! {
        #[test]
        fn never_panics(text in "\\PC{0,80}") {
            if let Some(name) = VariableName::parse(&text) {
                prop_assert_eq!(VariableName::parse(&name.to_string()), Some(name));
            }
        }
    }
}
