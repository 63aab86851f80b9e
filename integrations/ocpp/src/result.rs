//! What stations' answers to our calls say, beyond yes and no.

use serde_json::Value;
use stromtor_domain::network::{notice::ParameterReport, station_parameter::Mutability};

use crate::{
    mask,
    read::{Quirks, Reader, Wrong},
    v201::notice,
};

/// What an answer says about parameters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parameters {
    /// As reported.
    pub known: Vec<ParameterReport>,
    /// Names that the station does not know.
    pub unknown: Vec<String>,
    /// Names and values that were set, and whether the station must restart first.
    pub set: Vec<(String, String, bool)>,
}

fn masked(name: &str, value: Option<String>) -> Option<String> {
    if mask::is_secret_key(name) { value.map(|_| mask::MASK.to_owned()) } else { value }
}

/// Reads the answer to GetConfiguration, ChangeConfiguration, GetVariables or SetVariables; what cannot be read is left out.
#[must_use]
pub fn parameters(action: &str, call: &Value, answer: &Value) -> Parameters {
    let mut quirks = Quirks::new();
    let mut found = Parameters::default();
    let _ = match action {
        "GetConfiguration" => configuration(answer, &mut quirks, &mut found),
        // Some that agreed on OCPP 2.0.1 answer in the shape of OCPP 1.6.
        "GetVariables" if answer.get("configurationKey").is_some() => configuration(answer, &mut quirks, &mut found),
        "GetVariables" => variables(answer, &mut quirks, &mut found),
        "SetVariables" if of_old_shape(action, answer) => set_by_one_word(call, answer, &mut found),
        "ChangeConfiguration" => {
            let (name, value) = (call["key"].as_str(), call["value"].as_str());
            if let (Some(name), Some(value), Some(word)) = (name, value, answer["status"].as_str())
                && matches!(word, "Accepted" | "RebootRequired")
            {
                found.set.push((name.to_owned(), value.to_owned(), word == "RebootRequired"));
            }
            Ok(())
        }
        "SetVariables" => set_variables(call, answer, &mut quirks, &mut found),
        _ => Ok(()),
    };
    found
}

/// Whether the answer to a call of OCPP 2.0.1 has the shape of OCPP 1.6.
#[must_use]
pub fn of_old_shape(action: &str, answer: &Value) -> bool {
    match action {
        "GetVariables" => answer.get("configurationKey").is_some(),
        "SetVariables" => answer.get("setVariableResult").is_none() && answer.get("status").is_some(),
        "GetLocalListVersion" => answer.get("listVersion").is_some(),
        _ => false,
    }
}

/// One word about all that was to be set.
fn set_by_one_word(call: &Value, answer: &Value, found: &mut Parameters) -> Result<(), Wrong> {
    let word = answer["status"].as_str().unwrap_or_default();
    if !matches!(word, "Accepted" | "RebootRequired") {
        return Ok(());
    }
    let mut quirks = Quirks::new();
    let mut reader = Reader::new(call, &mut quirks)?;
    for item in reader.objects("setVariableData")? {
        let mut nested = reader.nested(item)?;
        let Ok(name) = notice::variable(&mut nested) else { continue };
        if let Some(value) = masked(&name.variable, nested.text("attributeValue", 2500)?) {
            found.set.push((name.to_string(), value, word == "RebootRequired"));
        }
    }
    Ok(())
}

fn configuration(answer: &Value, quirks: &mut Quirks, found: &mut Parameters) -> Result<(), Wrong> {
    let mut reader = Reader::new(answer, quirks)?;
    for item in reader.objects("configurationKey")? {
        let mut nested = reader.nested(item)?;
        let Ok(name) = nested.required_text("key", 50) else { continue };
        let value = nested.text("value", 500).unwrap_or_default();
        let read_only = nested.boolean("readonly").unwrap_or_default().unwrap_or_default();
        let mutability = Some(if read_only { Mutability::ReadOnly } else { Mutability::ReadWrite });
        let value = masked(&name, value);
        found.known.push(ParameterReport {
            name,
            attribute: "Actual".into(),
            value,
            mutability,
            ..ParameterReport::default()
        });
    }
    let unknown = answer["unknownKey"].as_array().into_iter().flatten();
    found.unknown = unknown.filter_map(Value::as_str).map(str::to_owned).collect();
    Ok(())
}

fn variables(answer: &Value, quirks: &mut Quirks, found: &mut Parameters) -> Result<(), Wrong> {
    let mut reader = Reader::new(answer, quirks)?;
    for item in reader.objects("getVariableResult")? {
        let mut nested = reader.nested(item)?;
        let Ok(name) = notice::variable(&mut nested) else { continue };
        let word = nested.text("attributeStatus", 30)?.unwrap_or_default();
        let (attribute, value) = (nested.text("attributeType", 10)?, nested.text("attributeValue", 2500)?);
        match word.as_str() {
            "Accepted" => found.known.push(ParameterReport {
                value: masked(&name.variable, value),
                name: name.to_string(),
                attribute: attribute.unwrap_or_else(|| "Actual".into()),
                ..ParameterReport::default()
            }),
            "UnknownComponent" | "UnknownVariable" => found.unknown.push(name.to_string()),
            _ => {}
        }
    }
    Ok(())
}

fn set_variables(call: &Value, answer: &Value, quirks: &mut Quirks, found: &mut Parameters) -> Result<(), Wrong> {
    let asked = call["setVariableData"].as_array().cloned().unwrap_or_default();
    let mut reader = Reader::new(answer, quirks)?;
    for (item, asked) in reader.objects("setVariableResult")?.into_iter().zip(asked) {
        let mut nested = reader.nested(item)?;
        let Ok(name) = notice::variable(&mut nested) else { continue };
        let word = nested.text("attributeStatus", 30)?.unwrap_or_default();
        if let (Some(value), "Accepted" | "RebootRequired") = (asked["attributeValue"].as_str(), word.as_str()) {
            let value = masked(&name.variable, Some(value.to_owned())).unwrap_or_default();
            found.set.push((name.to_string(), value, word == "RebootRequired"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_are_masked_and_unknown_names_told() {
        let answer = json!({ "configurationKey": [{ "key": "AuthorizationKey", "readonly": "false", "value": "0011" },
            { "key": "HeartbeatInterval", "readonly": false, "value": 300 }], "unknownKey": ["Nope"] });
        let found = parameters("GetConfiguration", &json!({}), &answer);
        assert_eq!(found.known[0].value.as_deref(), Some("***"));
        assert_eq!(found.known[1].value.as_deref(), Some("300"));
        assert_eq!(found.unknown, ["Nope"]);
    }

    #[test]
    fn answers_in_the_shape_of_the_older_version_are_understood() {
        let asked = json!({ "getVariableData": [] });
        let answer = json!({ "configurationKey": [{ "key": "HeartbeatInterval", "readonly": false, "value": "300" }] });
        let found = parameters("GetVariables", &asked, &answer);
        assert_eq!((found.known[0].name.as_str(), found.known[0].value.as_deref()), ("HeartbeatInterval", Some("300")));
        let set = json!({ "setVariableData": [{ "component": { "name": "A" }, "variable": { "name": "B" }, "attributeValue": "1" }] });
        let found = parameters("SetVariables", &set, &json!({ "status": "Accepted" }));
        assert_eq!(found.set, [("A/B".to_owned(), "1".to_owned(), false)]);
        assert_eq!(parameters("SetVariables", &set, &json!({ "status": "Rejected" })), Parameters::default());
        for (action, answer) in [("GetVariables", answer), ("SetVariables", json!({ "status": "Accepted" }))] {
            assert!(of_old_shape(action, &answer), "{action}");
        }
        assert!(!of_old_shape("Reset", &json!({ "status": "Accepted" })));
    }

    #[test]
    fn what_was_set_is_told() {
        let call = json!({ "setVariableData": [{ "component": { "name": "A" }, "variable": { "name": "B" }, "attributeValue": "1" }] });
        let answer = json!({ "setVariableResult": [{ "component": { "name": "A" }, "variable": { "name": "B" },
            "attributeStatus": "RebootRequired" }] });
        let found = parameters("SetVariables", &call, &answer);
        assert_eq!(found.set, [("A/B".to_owned(), "1".to_owned(), true)]);
    }
}
