//! The rules our contract keeps beyond being valid.

use std::collections::HashSet;

use serde_json::Value;

/// Every breach, one line each.
#[must_use]
pub fn lint(document: &Value) -> Vec<String> {
    let mut findings = Vec::new();
    let mut ids = HashSet::new();
    for (path, methods) in document["paths"].as_object().into_iter().flatten() {
        for (method, operation) in methods.as_object().into_iter().flatten() {
            let place = format!("{method} {path}");
            let id = operation["operationId"].as_str().unwrap_or_default();
            let word = |id: &str| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            if !word(id) || !id.contains('_') {
                findings.push(format!("{place}: operationId {id:?} is not resource_verb"));
            }
            if !ids.insert(id.to_owned()) {
                findings.push(format!("{place}: operationId {id} is used twice"));
            }
            if operation["summary"].as_str().unwrap_or_default().is_empty() {
                findings.push(format!("{place}: no summary"));
            }
            let description = operation["description"].as_str().unwrap_or_default();
            let open = ["Public.", "Any valid token.", "Stream ticket."].iter().any(|word| description.contains(word));
            if operation.get("x-permission").is_none() && !open {
                findings.push(format!("{place}: the description names no permission"));
            }
            if operation.get("x-permission").is_some() && operation["security"].as_array().is_none_or(Vec::is_empty) {
                findings.push(format!("{place}: names a permission and asks for no token"));
            }
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                if parameter["description"].as_str().unwrap_or_default().is_empty() {
                    findings.push(format!("{place}: parameter {} has no description", parameter["name"]));
                }
            }
        }
    }
    for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
        for (field, property) in schema["properties"].as_object().into_iter().flatten() {
            let described =
                property["description"].is_string() || property["$ref"].is_string() || property["allOf"].is_array();
            if !described {
                findings.push(format!("schema {name}: field {field} has no description"));
            }
        }
    }
    findings
}
