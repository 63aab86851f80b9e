//! Calls about many things at once: a station that takes only so many in one message is sent them in parts, and its answers
//! are put together again.

use serde_json::Value;

/// An action whose payload is a list.
struct Listed {
    action: &'static str,
    /// The list in the call.
    call: &'static str,
    /// The lists in the answer.
    answer: &'static [&'static str],
    /// The parameter that says how many entries the station takes.
    limit: &'static str,
}

const LISTED: [Listed; 5] = [
    Listed {
        action: "GetConfiguration",
        call: "key",
        answer: &["configurationKey", "unknownKey"],
        limit: "GetConfigurationMaxKeys",
    },
    Listed {
        action: "GetVariables",
        call: "getVariableData",
        answer: &["getVariableResult"],
        limit: "DeviceDataCtrlr/ItemsPerMessage[GetVariables]",
    },
    Listed {
        action: "SetVariables",
        call: "setVariableData",
        answer: &["setVariableResult"],
        limit: "DeviceDataCtrlr/ItemsPerMessage[SetVariables]",
    },
    Listed {
        action: "SetVariableMonitoring",
        call: "setMonitoringData",
        answer: &["setMonitoringResult"],
        limit: "MonitoringCtrlr/ItemsPerMessage[SetVariableMonitoring]",
    },
    Listed {
        action: "ClearVariableMonitoring",
        call: "id",
        answer: &["clearMonitoringResult"],
        limit: "MonitoringCtrlr/ItemsPerMessage[ClearVariableMonitoring]",
    },
];

fn listed(action: &str) -> Option<&'static Listed> {
    LISTED.iter().find(|listed| listed.action == action)
}

/// The parameter that says how many entries of this call a station takes, when the call has more than one.
#[must_use]
pub fn limit(action: &str, payload: &Value) -> Option<&'static str> {
    let listed = listed(action)?;
    payload[listed.call].as_array().filter(|entries| entries.len() > 1).map(|_| listed.limit)
}

/// The payloads of the calls that take the place of one, with at most `most` entries each; never none.
#[must_use]
pub fn split(action: &str, payload: Value, most: usize) -> Vec<Value> {
    let Some(listed) = listed(action) else { return vec![payload] };
    match payload[listed.call].as_array() {
        Some(entries) if entries.len() > most.max(1) => entries
            .chunks(most.max(1))
            .map(|part| {
                let mut call = payload.clone();
                call[listed.call] = part.to_vec().into();
                call
            })
            .collect(),
        _ => vec![payload],
    }
}

/// Puts the answer to a further part behind those before.
pub fn join(action: &str, answer: &mut Value, further: Value) {
    let Some(listed) = listed(action) else { return };
    for name in listed.answer {
        let Some(more) = further[*name].as_array().filter(|more| !more.is_empty()) else { continue };
        match answer.get_mut(*name).and_then(Value::as_array_mut) {
            Some(there) => there.extend(more.iter().cloned()),
            None => answer[*name] = more.clone().into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_call_is_cut_and_its_answers_are_joined() {
        let call = json!({ "key": ["A", "B", "C", "D", "E"] });
        assert_eq!(limit("GetConfiguration", &call), Some("GetConfigurationMaxKeys"));
        let parts = split("GetConfiguration", call.clone(), 2);
        assert_eq!(parts, [json!({ "key": ["A", "B"] }), json!({ "key": ["C", "D"] }), json!({ "key": ["E"] })]);
        assert_eq!(split("GetConfiguration", call.clone(), 5), [call]);
        let mut answer = json!({ "unknownKey": ["A"] });
        join("GetConfiguration", &mut answer, json!({ "configurationKey": [{ "key": "C" }], "unknownKey": ["D"] }));
        join("GetConfiguration", &mut answer, json!({ "configurationKey": [{ "key": "E" }] }));
        assert_eq!(answer, json!({ "unknownKey": ["A", "D"], "configurationKey": [{ "key": "C" }, { "key": "E" }] }));
    }

    #[test]
    fn what_has_no_list_stays_whole() {
        assert_eq!(limit("GetConfiguration", &json!({})), None);
        assert_eq!(split("GetConfiguration", json!({}), 1), [json!({})]);
        assert_eq!(split("Reset", json!({ "type": "Soft" }), 1), [json!({ "type": "Soft" })]);
        assert_eq!(split("ClearVariableMonitoring", json!({ "id": [1, 2] }), 0).len(), 2);
    }
}
