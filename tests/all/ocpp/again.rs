//! Commands that are refused, and what follows from knowing the station.

use serde_json::{Value, json};
use stromtor_domain::actor::Permission;

use super::{
    door::{eventually, station},
    odd::Odd,
    quirk::counted,
};
use crate::{
    network::station::Estate,
    world::{Client, World},
};

async fn odd(world: &World, tolerances: Value, protocol: &str) -> (Client, Estate, Odd) {
    let client = world.client(world.partner("Nordstrom", "cpo").await, Permission::ALL);
    let (estate, password) = station(&client, "CP1").await;
    let second = json!({ "ocpp_connector_id": 2, "standard": "iec_62196_t2", "format": "socket", "power_type": "ac_3_phase",
        "max_voltage_v": 400, "max_current_a": 32 });
    client.create(&format!("/v1/connectors?charge_point_id={}", estate.charge_point), second).await;
    let set = client.patch(&format!("/v1/stations/{}", estate.station), json!({ "tolerances": tolerances })).await;
    assert_eq!(set.status, 200, "{}", set.body);
    let odd = Odd::connect(&world.gateway(), "CP1", "CP1", &password, protocol).await.unwrap();
    (client, estate, odd)
}

/// Answers changes of a list of measurands as a station does that knows all but `SoC`, until `steps` were asked.
async fn choosy(odd: &mut Odd, steps: usize) -> Vec<String> {
    let mut asked = Vec::new();
    for _ in 0..steps {
        let mut call = odd.frame().await;
        assert_eq!((&call[2], &call[3]["key"]), (&json!("ChangeConfiguration"), &json!("MeterValuesSampledData")));
        let value = call[3]["value"].as_str().unwrap().to_owned();
        let word = if value.contains("SoC") { "Rejected" } else { "Accepted" };
        odd.send(json!([3, call[1].take(), { "status": word }])).await;
        asked.push(value);
    }
    asked
}

#[tokio::test(flavor = "multi_thread")]
async fn measurands_one_by_one() {
    let world = World::new().await;
    let (client, estate, mut odd) = odd(&world, json!({}), "ocpp1.6").await;
    let path = format!("/v1/stations/{}/parameters", estate.station);
    for (wrong, pointer) in [
        (json!({ "name": "HeartbeatInterval", "measurands": ["SoC"] }), "/name"),
        (json!({ "name": "MeterValuesSampledData", "measurands": [] }), "/measurands"),
        (json!({ "name": "MeterValuesSampledData", "measurands": ["SoC", "a,b"] }), "/measurands/1"),
    ] {
        let refused = client.post(&format!("{path}/probe"), wrong).await;
        assert_eq!((refused.status, refused.pointers()), (422, vec![pointer]), "{}", refused.body);
    }
    let energy = "Energy.Active.Import.Register";
    let wanted = json!({ "name": "MeterValuesSampledData", "measurands": [energy, "SoC", "Voltage"] });
    let given = client.post(&format!("{path}/probe"), wanted).await;
    assert_eq!((given.status, &given.body["items"][0]["kind"]), (202, &json!("probe_measurands")), "{}", given.body);
    let steps = [energy.to_owned(), format!("{energy},SoC"), format!("{energy},Voltage")];
    assert_eq!(choosy(&mut odd, 3).await, steps);
    let value = async || client.get(&path).await.body["items"][0]["value"].clone();
    for _ in 0..100 {
        if value().await == steps[2].as_str() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(value().await, steps[2].as_str(), "what the station took is known");

    // A refused list is left alone, unless the station is known to be choosy: then it is built up.
    let list = format!("SoC,{energy}");
    let set = json!({ "parameters": [{ "name": "MeterValuesSampledData", "value": list }] });
    let refused = client.post(&path, &set).await.body["items"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(choosy(&mut odd, 1).await, [list.as_str()]);
    eventually(&client, &format!("/v1/commands/{refused}"), "state", json!("rejected")).await;
    assert_eq!(client.get("/v1/commands?kind=probe_measurands").await.body["items"].as_array().unwrap().len(), 3);
    let known = json!({ "tolerances": { "probe_measurands": true } });
    client.patch(&format!("/v1/stations/{}", estate.station), known).await;
    assert_eq!(client.post(&path, &set).await.status, 202);
    assert_eq!(choosy(&mut odd, 3).await, [list.as_str(), "SoC", energy]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_about_all_is_asked_for_one_by_one() {
    let world = World::new().await;
    let (client, estate, mut odd) = odd(&world, json!({ "trigger_each_connector": true }), "ocpp1.6").await;
    let commands = format!("/v1/stations/{}/commands", estate.station);
    let given = client.post(&commands, json!({ "type": "trigger_message", "message": "status" })).await;
    assert_eq!(given.status, 202, "{}", given.body);
    let asked = odd.got("TriggerMessage", json!({ "status": "Rejected" })).await;
    assert_eq!(asked, json!({ "requestedMessage": "StatusNotification" }), "no connector 0");
    for connector in [1, 2] {
        let asked = odd.got("TriggerMessage", json!({ "status": "Accepted" })).await;
        assert_eq!(asked["connectorId"], connector);
    }
    // What is no connector's is not.
    client.post(&commands, json!({ "type": "trigger_message", "message": "heartbeat" })).await;
    odd.got("TriggerMessage", json!({ "status": "Rejected" })).await;
    client.post(&commands, json!({ "type": "clear_cache" })).await;
    odd.got("ClearCache", json!({ "status": "Accepted" })).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn profiles_in_the_other_unit_and_of_sessions_instead_of_the_station() {
    let world = World::new().await;
    let known = json!({ "rate_unit_fallback": true, "station_max_profile": false });
    let (client, estate, mut odd) = odd(&world, known, "ocpp1.6").await;
    let profile = json!({ "station_id": estate.station, "connector": 0, "purpose": "station_max", "stack_level": 0,
        "kind": "relative", "schedule": { "unit": "a", "periods": [{ "start_s": 0, "limit": "16.0" }] } });
    for second in ["Accepted", "Rejected"] {
        let made = client.create("/v1/charging-profiles", profile.clone()).await;
        let first = odd.got("SetChargingProfile", json!({ "status": "Rejected" })).await;
        let worded = &first["csChargingProfiles"];
        assert_eq!(worded["chargingProfilePurpose"], "TxDefaultProfile", "{first}");
        assert_eq!(worded["chargingSchedule"]["chargingRateUnit"], "A");
        let other = odd.got("SetChargingProfile", json!({ "status": second })).await;
        let schedule = &other["csChargingProfiles"]["chargingSchedule"];
        assert_eq!(schedule["chargingRateUnit"], "W", "{other}");
        assert_eq!(schedule["chargingSchedulePeriod"][0]["limit"], 11_040);
        let path = format!("/v1/charging-profiles/{}", made["id"].as_str().unwrap());
        let state = if second == "Accepted" { "active" } else { "rejected" };
        eventually(&client, &path, "state", json!(state)).await;
        assert_eq!(client.get(&path).await.body["schedule"]["unit"], "a", "as it was asked for");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_version_in_the_shape_of_the_older() {
    let world = World::new().await;
    let (client, estate, mut odd) = odd(&world, json!({}), "ocpp2.0.1").await;
    let boot = json!({ "chargePointVendor": "Fox", "chargePointModel": "A" });
    assert_eq!(odd.call("BootNotification", boot).await[2]["status"], "Accepted");
    let status = json!({ "connectorId": 1, "status": "Charging", "errorCode": "NoError" });
    assert_eq!(odd.call("StatusNotification", status).await[0], 3);
    let point = format!("/v1/charge-points/{}/live", estate.charge_point);
    assert_eq!(client.get(&point).await.body["status"], "charging");
    let ask = json!({ "type": "get_parameters", "names": ["HeartbeatInterval"] });
    client.post(&format!("/v1/stations/{}/commands", estate.station), ask).await;
    let answer = json!({ "configurationKey": [{ "key": "HeartbeatInterval", "readonly": false, "value": 77 }] });
    odd.got("GetVariables", answer).await;
    let path = format!("/v1/stations/{}/parameters", estate.station);
    for _ in 0..100 {
        if client.get(&path).await.body["items"][0]["value"] == "77" {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(client.get(&path).await.body["items"][0]["value"], "77");
    let set = json!({ "parameters": [{ "name": "HeartbeatInterval", "value": "90" }] });
    let given = client.post(&path, set).await.body["items"][0]["id"].as_str().unwrap().to_owned();
    odd.got("SetVariables", json!({ "status": "Accepted" })).await;
    eventually(&client, &format!("/v1/commands/{given}"), "state", json!("accepted")).await;
    counted(&client, &estate.station, &["shape_of_1_6"]).await;
}
