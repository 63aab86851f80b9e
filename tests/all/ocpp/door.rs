//! Who is let in, and what is seen of a connection.

use std::time::Duration;

use serde_json::json;
use stromtor_domain::actor::Permission;
use stromtor_ocpp::sim::Simulator;

use crate::world::{Client, World};

/// A station that may connect: its id and password.
pub async fn station(client: &Client, identity: &str) -> (crate::network::station::Estate, String) {
    let estate = crate::network::station::build(client, identity).await;
    let set = client.post(&format!("/v1/stations/{}/password", estate.station), json!(null)).await;
    (estate, set.body["password"].as_str().unwrap().to_owned())
}

/// Waits until a live state is as wanted.
pub async fn eventually(client: &Client, path: &str, field: &str, wanted: serde_json::Value) {
    for _ in 0..100 {
        if client.get(path).await.body[field] == wanted {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{path}: {field} never became {wanted}: {}", client.get(path).await.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn known_stations_come_in_and_others_are_remembered() {
    let world = World::new().await;
    let client = world.client(world.partner("Nordstrom", "cpo").await, Permission::ALL);
    let (estate, password) = station(&client, "CP1").await;
    let url = world.gateway();
    for (identity, password, status) in
        [("CP1", "wrong", 401), ("CP2", password.as_str(), 404), ("cp1", password.as_str(), 404)]
    {
        let refused = Simulator::connect(&url, identity, password).await.unwrap_err().to_string();
        assert!(refused.contains(&status.to_string()), "{identity}: {refused}");
    }
    let unknown = world.texts("select ocpp_identity as value from unknown_station order by 1").await;
    assert_eq!(unknown, ["CP2", "cp1"]);

    let live = format!("/v1/stations/{}/live", estate.station);
    let simulator = Simulator::connect(&url, "CP1", &password).await.unwrap();
    simulator.boot("Wallbe", "Eco 2", 1).await.unwrap();
    let seen = client.get(&live).await.body;
    assert_eq!((&seen["connected"], &seen["firmware_version"]), (&json!(true), &json!("1.0.0")), "{seen}");
    assert_eq!(seen["boot"]["model"], "Eco 2");
    let point = format!("/v1/charge-points/{}/live", estate.charge_point);
    assert_eq!(client.get(&point).await.body["status"], "available");
    simulator.status(1, "Faulted").await.unwrap();
    let down = client.get(&point).await.body;
    assert_eq!(down["status"], "faulted");
    assert!(down["unavailable_since"].is_string());

    // A status that waited in the station's queue changes nothing.
    let stale =
        json!({ "connectorId": 1, "status": "Available", "errorCode": "NoError", "timestamp": "2026-01-01T00:00:00Z" });
    simulator.call("StatusNotification", stale).await.unwrap();
    assert_eq!(client.get(&point).await.body["status"], "faulted");

    // The newest connection wins; the end of the old one changes nothing.
    let newer = Simulator::connect(&url, "CP1", &password).await.unwrap();
    newer.call("Heartbeat", json!({})).await.unwrap();
    for _ in 0..100 {
        if !simulator.is_connected() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(!simulator.is_connected());
    assert_eq!(client.get(&live).await.body["connected"], true);
    newer.close().await;
    eventually(&client, &live, "connected", json!(false)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dismantled_station_stays_out() {
    let world = World::new().await;
    let client = world.client(world.partner("Nordstrom", "cpo").await, Permission::ALL);
    let (estate, password) = station(&client, "CP1").await;
    client.post(&format!("/v1/stations/{}/dismantle", estate.station), json!(null)).await;
    assert!(Simulator::connect(&world.gateway(), "CP1", &password).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_shows_the_wire_without_secrets() {
    let world = World::new().await;
    let client = world.client(world.partner("Nordstrom", "cpo").await, Permission::ALL);
    let (_, password) = station(&client, "CP1").await;
    let simulator = Simulator::connect(&world.gateway(), "CP1", &password).await.unwrap();
    let secret = json!({ "vendorId": "x", "data": "{\"wifiPassword\":\"hunter2\"}" });
    assert_eq!(simulator.call("DataTransfer", secret).await.unwrap()["status"], "UnknownVendorId");
    assert!(simulator.call("NoSuchThing", json!({})).await.unwrap_err().to_string().contains("NotImplemented"));
    let wrong = simulator.call("StatusNotification", json!({ "connectorId": [], "status": "Available" })).await;
    assert!(wrong.unwrap_err().to_string().contains("TypeConstraintViolation"));
    for _ in 0..100 {
        if world.texts("select id::text as value from ocpp_message").await.len() >= 6 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let rows =
        world.texts("select direction || ' ' || kind || ' ' || payload as value from ocpp_message order by id").await;
    assert_eq!(rows.len(), 6, "{rows:?}");
    assert!(rows[0].starts_with("in call [2,\"0\",\"DataTransfer\""), "{rows:?}");
    assert!(!rows.concat().contains("hunter2"));
}
