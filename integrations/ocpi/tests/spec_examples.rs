//! The specification's own examples: each is read, and written as it was. Their licence keeps them out of the project:
//! `OCPI_EXAMPLES=<folder of version 2.2.1>` names them.

use std::{fs, path::Path};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use stromtor_ocpi::v221::wire::{
    cdrs::{Cdr, ChargingPeriod},
    common::DisplayText,
    credentials::Credentials,
    locations::{EnergyMix, Hours, Location},
    sessions::Session,
    tariffs::Tariff,
    tokens::Token,
    versions::{Version, VersionDetails},
};

/// Numbers by value, so that 0.10 is 0.1; times by instant; empty lists as absent.
fn plain(value: Value) -> Value {
    match value {
        Value::Number(number) => Value::from(number.as_f64().map(|number| format!("{number:.6}"))),
        Value::Array(items) => items.into_iter().map(plain).collect(),
        Value::Object(fields) => fields
            .into_iter()
            .filter(|(_, value)| !value.is_null() && value.as_array().is_none_or(|items| !items.is_empty()))
            .map(|(name, value)| (name, plain(value)))
            .collect(),
        other => other,
    }
}

fn same<T: Serialize + DeserializeOwned>(name: &str, value: Value) -> Result<(), String> {
    let read: T = serde_json::from_value(value.clone()).map_err(|error| format!("{name}: {error}"))?;
    let written = plain(serde_json::to_value(read).expect("JSON"));
    let wanted = plain(value);
    if written == wanted { Ok(()) } else { Err(format!("{name}:\n  {written}\n  {wanted}")) }
}

#[test]
fn examples_are_read_and_written() {
    let Ok(folder) = std::env::var("OCPI_EXAMPLES") else {
        eprintln!("OCPI_EXAMPLES names no folder: nothing was compared");
        return;
    };
    let (mut done, mut left, mut wrong) = (0, Vec::new(), Vec::new());
    let mut names: Vec<_> = fs::read_dir(Path::new(&folder)).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    for path in names {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).unwrap();
        let value: Value = serde_json::from_str(&text).unwrap();
        let result = match name.as_str() {
            name if name.starts_with("location_energymix") => same::<EnergyMix>(name, value["energy_mix"].clone()),
            name if name.starts_with("location_hours") => same::<Hours>(name, value),
            name if name.starts_with("location_example") => same::<Location>(name, value),
            name if name.starts_with("session_example") => same::<Session>(name, value),
            // Two have no last_updated, against their own table.
            "tariff_put_example.json" => same::<Tariff>(&name, with_time(value)),
            name if name.starts_with("tariff_") => same::<Tariff>(name, value),
            name if name.starts_with("credentials_") => same::<Credentials>(name, value),
            name if name.starts_with("token_example") || name == "token_put_example.json" => same::<Token>(name, value),
            "cdr_example.json" => same::<Cdr>(&name, value),
            "type_displaytext_example.json" => same::<DisplayText>(&name, value),
            name if name.starts_with("versions_info") => same::<Vec<Version>>(name, value),
            "version_details_example.json" | "version_details_example2.json" => same::<VersionDetails>(&name, value),
            "session_patch_example_charging_period.json" => {
                same::<Vec<ChargingPeriod>>(&name, value["charging_periods"].clone())
            }
            _ => {
                left.push(name);
                continue;
            }
        };
        match result {
            Ok(()) => done += 1,
            Err(why) => wrong.push(why),
        }
    }
    eprintln!("{done} equal; not whole objects: {left:?}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn with_time(mut value: Value) -> Value {
    if value.get("last_updated").is_none() {
        value["last_updated"] = "2026-11-23T12:00:00Z".into();
    }
    value
}
