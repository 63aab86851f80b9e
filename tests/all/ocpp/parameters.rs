//! Parameters: asked for and set in the parts that a station takes, shown with their characteristics, held to them.

use serde_json::{Value, json};

use super::{complete::give, driven::Driven, v16, v201};
use crate::{billing::cdr::open, world::World};

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_asked_for_in_the_parts_that_a_station_takes() {
    let world = World::new().await;
    let business = open(&world, "CP1").await;
    let mut station = Driven::connect(&world.gateway(), "CP1", &business.password, "1.6").await;
    v16::boot(&mut station).await;
    let key = |key: &str, readonly: bool, value: &str| json!({ "key": key, "readonly": readonly, "value": value });
    let names = json!(["A", "B", "C", "D", "BlinkRepeat"]);
    // As long as it has said nothing it is asked at once.
    let asked = give(&business, json!({ "type": "get_parameters", "names": names })).await;
    assert_eq!((&asked["state"], station.got("GetConfiguration").await), (&json!("accepted"), json!({ "key": names })));
    let most = json!({ "configurationKey": [key("GetConfigurationMaxKeys", true, "2")] });
    station.answer("GetConfiguration", most).await;
    give(&business, json!({ "type": "get_parameters" })).await;
    assert_eq!(station.got("GetConfiguration").await, json!({}));
    let some = json!({ "configurationKey": [key("BlinkRepeat", false, "3")], "unknownKey": ["Nope"] });
    station.answer("GetConfiguration", some).await;
    let asked = give(&business, json!({ "type": "get_parameters", "names": names })).await;
    assert_eq!(asked["state"], "accepted", "{asked}");
    for part in [json!(["A", "B"]), json!(["C", "D"]), json!(["BlinkRepeat"])] {
        assert_eq!(station.got("GetConfiguration").await["key"], part);
    }
    let parts = |name: &str| asked["response"][name].as_array().unwrap().len();
    assert_eq!((parts("configurationKey"), parts("unknownKey")), (3, 3), "{asked}");
    // What a technician words goes as it is.
    let calls = format!("/v1/stations/{}/ocpp-calls", business.estate.station);
    business.client.post(&calls, json!({ "action": "GetConfiguration", "payload": { "key": names } })).await;
    assert_eq!(station.got("GetConfiguration").await["key"], names);
    let commands = format!("/v1/stations/{}/commands", business.estate.station);
    let fixed = json!({ "type": "set_parameter", "name": "GetConfigurationMaxKeys", "value": "9" });
    assert_eq!(business.client.post(&commands, fixed).await.pointers(), ["/name"]);
}

/// A variable of a report.
fn variable(name: (&str, &str, Option<&str>), value: &str, mutability: &str, characteristics: Value) -> Value {
    let mut variable = json!({ "name": name.1 });
    if let Some(instance) = name.2 {
        variable["instance"] = json!(instance);
    }
    json!({ "component": { "name": name.0 }, "variable": variable,
        "variableAttribute": [{ "value": value, "mutability": mutability }], "variableCharacteristics": characteristics })
}

#[tokio::test(flavor = "multi_thread")]
async fn variables_have_characteristics_that_hold() {
    let world = World::new().await;
    let business = open(&world, "CP1").await;
    let (client, id) = (&business.client, &business.estate.station);
    let mut station = Driven::connect(&world.gateway(), "CP1", &business.password, "2.0.1").await;
    v201::boot(&mut station).await;
    let number = json!({ "dataType": "integer", "supportsMonitoring": false });
    let report = json!({ "requestId": 1, "generatedAt": world.app.now().to_ocpp(), "seqNo": 0, "reportData": [
        variable(("DeviceDataCtrlr", "ItemsPerMessage", Some("GetVariables")), "2", "ReadOnly", number.clone()),
        variable(("DeviceDataCtrlr", "ItemsPerMessage", Some("SetVariables")), "1", "ReadOnly", number),
        variable(("OCPPCommCtrlr", "HeartbeatInterval", None), "300", "ReadWrite", json!({ "dataType": "integer",
            "unit": "s", "minLimit": 10.0, "maxLimit": 86400.5, "supportsMonitoring": false })),
        variable(("ChargingStation", "Mode", None), "Eco", "WriteOnly", json!({ "dataType": "OptionList",
            "valuesList": "Eco,Fast", "supportsMonitoring": true })),
    ] });
    station.call("NotifyReport", report).await;
    let parameters = format!("/v1/stations/{id}/parameters");
    let shown = client.get(&format!("{parameters}?search=heartbeat")).await.body["items"][0].clone();
    for (field, value) in [
        ("data_type", json!("integer")),
        ("unit", json!("s")),
        ("min_limit", json!("10")),
        ("max_limit", json!("86400.5")),
        ("mutability", json!("read_write")),
        ("supports_monitoring", json!(false)),
    ] {
        assert_eq!(shown[field], value, "{shown}");
    }
    let mode = client.get(&format!("{parameters}?search=mode")).await.body["items"][0].clone();
    assert_eq!((&mode["values_list"], &mode["mutability"]), (&json!("Eco,Fast"), &json!("write_only")));

    // What the station's own words speak against is not sent.
    let set = |name: &str, value: &str| {
        json!({ "parameters": [{ "name": "ChargingStation/Mode", "value": "Fast" },
        { "name": name, "value": value }] })
    };
    for (name, value, pointer) in [
        ("HeartbeatInterval", "9", "/parameters/1/value"),
        ("HeartbeatInterval", "86401", "/parameters/1/value"),
        ("OCPPCommCtrlr/HeartbeatInterval", "often", "/parameters/1/value"),
        ("DeviceDataCtrlr/ItemsPerMessage[SetVariables]", "9", "/parameters/1/name"),
    ] {
        let refused = client.post(&parameters, set(name, value)).await;
        assert_eq!((refused.status, refused.pointers()), (422, vec![pointer]), "{name} {}", refused.body);
    }
    let commands = format!("/v1/stations/{id}/commands");
    let one = json!({ "type": "set_parameter", "name": "ChargingStation/Mode", "value": "Slow" });
    assert_eq!(client.post(&commands, one).await.pointers(), ["/value"]);
    let monitor = |name: &str| json!({ "name": name, "kind": "delta", "value": "1", "severity": 5 });
    let monitors = json!({ "type": "set_monitors", "monitors": [monitor("ChargingStation/Mode"), monitor("OCPPCommCtrlr/HeartbeatInterval")] });
    assert_eq!(client.post(&commands, monitors).await.pointers(), ["/monitors/1/name"]);
    let template = json!({ "name": "Slow", "parameters": [{ "name": "ChargingStation/Mode", "value": "Slow" }] });
    let template = client.create("/v1/parameter-templates", template).await["id"].as_str().unwrap().to_owned();
    let applied = format!("/v1/parameter-templates/{template}/apply");
    assert_eq!(client.post(&applied, json!({ "station_ids": [id] })).await.pointers(), ["/station_ids/0"]);

    // What it can take goes in as many messages as it asks for, and is one command.
    let taken = |name: &str| {
        json!({ "setVariableResult": [{ "component": { "name": "ChargingStation" },
        "variable": { "name": name }, "attributeStatus": "Accepted" }] })
    };
    station.answer("SetVariables", taken("Mode")).await;
    let given = client.post(&parameters, set("HeartbeatInterval", "60")).await;
    let items = given.body["items"].as_array().unwrap().clone();
    assert_eq!((given.status, items.len(), &items[0]["kind"]), (202, 1, &json!("set_parameters")), "{}", given.body);
    for value in ["Fast", "60"] {
        let sent = station.got("SetVariables").await["setVariableData"].clone();
        assert_eq!((sent.as_array().unwrap().len(), &sent[0]["attributeValue"]), (1, &json!(value)));
    }
    let command = format!("/v1/commands/{}", items[0]["id"].as_str().unwrap());
    super::door::eventually(client, &command, "state", json!("accepted")).await;
    let names = json!(["HeartbeatInterval", "ChargingStation/Mode", "ChargingStation/Model"]);
    let value = json!({ "getVariableResult": [{ "component": { "name": "OCPPCommCtrlr" },
        "variable": { "name": "HeartbeatInterval" }, "attributeStatus": "Accepted", "attributeValue": "60" }] });
    station.answer("GetVariables", value).await;
    let asked = give(&business, json!({ "type": "get_parameters", "names": names })).await;
    assert_eq!(asked["response"]["getVariableResult"].as_array().unwrap().len(), 2, "{asked}");
    for entries in [2, 1] {
        assert_eq!(station.got("GetVariables").await["getVariableData"].as_array().unwrap().len(), entries);
    }
    // An answer to GetVariables says nothing of characteristics: they stay.
    let shown = client.get(&format!("{parameters}?search=heartbeat")).await.body["items"][0].clone();
    assert_eq!((&shown["value"], &shown["max_limit"]), (&json!("60"), &json!("86400.5")));
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_come_in_parts_twice_and_out_of_order() {
    let world = World::new().await;
    let business = open(&world, "CP1").await;
    let (client, id) = (&business.client, &business.estate.station);
    let mut station = Driven::connect(&world.gateway(), "CP1", &business.password, "2.0.1").await;
    v201::boot(&mut station).await;
    for (base, word) in
        [("full", "FullInventory"), ("configuration", "ConfigurationInventory"), ("summary", "SummaryInventory")]
    {
        assert_eq!(give(&business, json!({ "type": "get_report", "base": base })).await["state"], "accepted");
        assert_eq!(station.got("GetBaseReport").await["reportBase"], word);
    }
    let custom = json!({ "type": "get_report", "criteria": ["enabled"], "names": ["EVSE@1/Power"] });
    assert_eq!(give(&business, custom).await["state"], "accepted");
    let request = station.got("GetReport").await;
    assert_eq!(
        (&request["componentCriteria"], &request["componentVariable"][0]["component"]["evse"]["id"]),
        (&json!(["Enabled"]), &json!(1))
    );
    let now = world.app.now().to_ocpp();
    let part = |seq_no: i32, more: bool| {
        json!({ "requestId": request["requestId"], "generatedAt": now, "seqNo": seq_no, "tbc": more, "reportData": [
            variable(("EVSE", format!("V{seq_no}").as_str(), None), "1", "ReadOnly", json!({ "dataType": "integer", "supportsMonitoring": true }))] })
    };
    let reports = format!("/v1/station-reports?station_id={id}&kind=device_model");
    // The last first, one twice, one late: complete with the one that was missing, and not before.
    for (seq_no, more, complete) in
        [(2, false, false), (0, true, false), (0, true, false), (2, false, false), (1, true, true)]
    {
        station.call("NotifyReport", part(seq_no, more)).await;
        assert_eq!(client.get(&reports).await.body["items"][0]["complete"], complete, "{seq_no}");
    }
    let known = client.get(&format!("/v1/stations/{id}/parameters?search=EVSE")).await.body["items"].clone();
    assert_eq!(known.as_array().unwrap().len(), 3, "{known}");
    // What a station keeps of a customer is text cut into parts.
    let about = json!({ "type": "customer_information", "report": true, "clear": false, "customer_identifier": "Ada" });
    assert_eq!(give(&business, about).await["state"], "accepted");
    let request = station.got("CustomerInformation").await["requestId"].clone();
    let reports = format!("/v1/station-reports?station_id={id}&kind=customer_information");
    for (seq_no, more, complete) in [(1, false, false), (0, true, true)] {
        let part = json!({ "requestId": request, "generatedAt": now, "seqNo": seq_no, "tbc": more, "data": "Ada " });
        station.call("NotifyCustomerInformation", part).await;
        assert_eq!(client.get(&reports).await.body["items"][0]["complete"], complete, "{seq_no}");
    }
}
