//! Makes poem-openapi's document valid 3.0.3, readable for generators, and the same on every run.

use serde_json::{Map, Value, json};

/// The whole transformation.
#[must_use]
pub fn normalise(mut document: Value) -> Value {
    document["openapi"] = json!("3.0.3");
    document["info"]["license"] = json!({ "name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0" });
    document["servers"] = json!([{ "url": "/", "description": "This server" }]);
    walk(&mut document);
    rename_lists(&mut document);
    open_patches(&mut document);
    let schemas = document["components"]["schemas"].clone();
    if let Some(paths) = document["paths"].as_object_mut() {
        for (_, methods) in paths.iter_mut() {
            for (_, operation) in methods.as_object_mut().into_iter().flatten() {
                finish_operation(operation, &schemas);
            }
        }
    }
    document
}

/// What holds anywhere in the document.
fn walk(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(walk),
        Value::Object(map) => {
            // A parameter's array may always be absent; poem says it is required.
            if map.contains_key("in") && map.get("schema").is_some_and(|schema| schema["type"] == "array") {
                map.insert("required".into(), Value::Bool(false));
            }
            // The defaults, said aloud, are noise; "deprecated" and "explode" tell only when they differ.
            for (key, default) in [("deprecated", false), ("explode", true)] {
                if map.get(key) == Some(&Value::Bool(default)) {
                    map.remove(key);
                }
            }
            // A described reference comes with its description twice.
            if let (Some(description), Some(parts)) =
                (map.get("description").cloned(), map.get_mut("allOf").and_then(Value::as_array_mut))
            {
                parts.retain(|part| *part != json!({ "description": description }));
            }
            if map.get("format") == Some(&json!("naive-date")) {
                map.insert("format".into(), json!("date"));
            }
            unsigned_to_int(map);
            let charset: Vec<String> = map.keys().filter(|key| key.contains("; charset=")).cloned().collect();
            for key in charset {
                if let Some(content) = map.shift_remove(&key) {
                    map.insert(key.split(';').next().unwrap_or(&key).to_owned(), content);
                }
            }
            map.values_mut().for_each(walk);
        }
        _ => {}
    }
}

/// OpenAPI knows int32 and int64 alone; bounds are integers where the type is one.
fn unsigned_to_int(map: &mut Map<String, Value>) {
    if map.get("type") != Some(&json!("integer")) {
        return;
    }
    let format = map.get("format").and_then(Value::as_str).unwrap_or_default().to_owned();
    if let Some(bits) = format.strip_prefix("uint") {
        map.insert("format".into(), json!(if matches!(bits, "8" | "16" | "32") { "int32" } else { "int64" }));
        map.entry("minimum").or_insert(json!(0));
    } else if matches!(format.as_str(), "int8" | "int16") {
        map.insert("format".into(), json!("int32"));
    }
    for bound in ["minimum", "maximum"] {
        if let Some(number) = map.get(bound).and_then(Value::as_f64) {
            map.insert(bound.into(), json!(number as i64));
        }
    }
}

/// `List_Location` reads better as `LocationList`.
fn rename_lists(document: &mut Value) {
    let Some(schemas) = document["components"]["schemas"].as_object() else { return };
    let names: Vec<(String, String)> = schemas
        .keys()
        .filter_map(|name| name.strip_prefix("List_").map(|item| (name.clone(), format!("{item}List"))))
        .collect();
    let mut text = document.to_string();
    for (old, new) in &names {
        text = text.replace(&format!("\"#/components/schemas/{old}\""), &format!("\"#/components/schemas/{new}\""));
        text = text.replace(&format!("\"{old}\":{{"), &format!("\"{new}\":{{"));
    }
    *document = serde_json::from_str(&text).expect("renaming keeps it JSON");
    if let Some(schemas) = document["components"]["schemas"].as_object_mut() {
        schemas.sort_keys();
    }
}

/// In a merge patch every field may be null.
fn open_patches(document: &mut Value) {
    let Some(schemas) = document["components"]["schemas"].as_object_mut() else { return };
    for (name, schema) in schemas.iter_mut() {
        if !name.ends_with("Patch") {
            continue;
        }
        for (_, property) in schema["properties"].as_object_mut().into_iter().flatten() {
            if let Some(reference) = property.get("$ref").cloned() {
                *property = json!({ "nullable": true, "allOf": [{ "$ref": reference }] });
            } else {
                property["nullable"] = Value::Bool(true);
            }
            if let Some(property) = property.as_object_mut() {
                property.remove("default");
            }
        }
    }
}

/// Permission, descriptions, problem documents and examples of one operation.
fn finish_operation(operation: &mut Value, schemas: &Value) {
    let description = operation["description"].as_str().unwrap_or_default().to_owned();
    if let Some(permission) = description.split("Permission: `").nth(1).and_then(|rest| rest.split('`').next()) {
        operation["x-permission"] = json!(permission);
    }
    for (_, content) in operation["requestBody"]["content"].as_object_mut().into_iter().flatten() {
        add_example(content, schemas);
    }
    if let Some(responses) = operation["responses"].as_object_mut() {
        for (status, response) in responses.iter_mut() {
            if response["description"].as_str().unwrap_or_default().is_empty() {
                response["description"] = json!(if status == "200" { "Done." } else { "See status." });
            }
            for (_, content) in response["content"].as_object_mut().into_iter().flatten() {
                add_example(content, schemas);
            }
        }
        // Both media types, so that generators type the error; ranges, so that none of them panics on `default`.
        for (range, text) in [
            ("4XX", "The request was refused and changed nothing; `code` says why."),
            ("5XX", "The server could not answer; with 503 try again after `Retry-After`."),
        ] {
            let problem = json!({ "schema": { "$ref": "#/components/schemas/Problem" }, "example": {
                "type": "urn:stromtor:problem:invalid_input", "title": "Unprocessable Entity", "status": 422,
                "code": "invalid_input", "detail": "the input is not valid",
                "errors": [{ "pointer": "/name", "message": "must not be empty" }],
            } });
            let content = json!({ "application/problem+json": problem, "application/json": problem });
            responses.insert(range.into(), json!({ "description": text, "content": content }));
        }
    }
    for parameter in operation["parameters"].as_array_mut().into_iter().flatten() {
        let example = example_of(&parameter["schema"], schemas, 0);
        if !example.is_null() && parameter.get("example").is_none() {
            parameter["example"] = example;
        }
        if parameter["description"].as_str().unwrap_or_default().is_empty() && parameter["in"] == "path" {
            let name = parameter["name"].as_str().unwrap_or_default().trim_end_matches("_id").replace('_', " ");
            parameter["description"] = json!(format!("Id of the {name}."));
        }
    }
}

fn add_example(content: &mut Value, schemas: &Value) {
    if content.get("example").is_none() {
        let example = example_of(&content["schema"], schemas, 0);
        if !example.is_null() {
            content["example"] = example;
        }
    }
}

/// An example of a schema, made of the examples of its parts.
fn example_of(schema: &Value, schemas: &Value, depth: usize) -> Value {
    if depth > 20 {
        return Value::Null;
    }
    if let Some(example) = schema.get("example") {
        return example.clone();
    }
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap_or_default();
        return example_of(&schemas[name], schemas, depth + 1);
    }
    if let Some(first) = schema["enum"].as_array().and_then(|words| words.first()) {
        return first.clone();
    }
    for key in ["allOf", "oneOf", "anyOf"] {
        let Some(parts) = schema[key].as_array() else { continue };
        if key != "allOf" {
            return parts.first().map_or(Value::Null, |part| example_of(part, schemas, depth + 1));
        }
        let mut whole = Value::Null;
        for part in parts {
            match (&mut whole, example_of(part, schemas, depth + 1)) {
                (Value::Object(whole), Value::Object(more)) => whole.extend(more),
                (_, Value::Null) => {}
                (whole, more) => *whole = more,
            }
        }
        return whole;
    }
    match schema["type"].as_str() {
        Some("object") if schema["properties"].is_object() => {
            let properties = schema["properties"].as_object().into_iter().flatten();
            let parts = properties.filter_map(|(name, part)| {
                let example = example_of(part, schemas, depth + 1);
                (!example.is_null()).then(|| (name.clone(), example))
            });
            Value::Object(parts.collect())
        }
        Some("object") => json!({}),
        Some("array") => {
            let item = example_of(&schema["items"], schemas, depth + 1);
            if item.is_null() { json!([]) } else { json!([item]) }
        }
        Some("string") => match schema["format"].as_str() {
            Some("uuid") => json!("0193a3c4-5d6e-7f80-9a1b-2c3d4e5f6071"),
            Some("date-time") => json!("2026-11-23T17:25:43.511Z"),
            Some("date") => json!("2026-11-23"),
            _ => json!("text"),
        },
        Some("integer") => schema.get("minimum").filter(|least| *least != &json!(0)).cloned().unwrap_or(json!(1)),
        Some("number") => json!(1.5),
        Some("boolean") => json!(true),
        _ => Value::Null,
    }
}
