//! Passwords that change over OCPP.

use serde_json::json;
use stromtor_domain::actor::Permission;

use super::station::Station;
use crate::{
    ocpp::door::{eventually, station},
    world::World,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_password_changes_over_ocpp_and_nobody_sees_it() {
    let world = World::new().await;
    let client = world.client(world.partner("Nordstrom", "cpo").await, Permission::ALL);
    let (estate, old) = station(&client, "CP1").await;
    let url = world.gateway();
    let rotate = format!("/v1/stations/{}/password-rotations", estate.station);
    assert_eq!(client.post(&rotate, json!(null)).await.code(), "ocpp_version_unknown");
    let mut first = Station::plain(&url, "CP1", Some(old.as_bytes())).await.unwrap();
    first.call("Heartbeat", json!({})).await;

    // A station that will not keeps its old one.
    let given = client.post(&rotate, json!(null)).await;
    assert_eq!(given.status, 202, "{}", given.body);
    assert_eq!((&given.body["kind"], &given.body["payload"]["value"]), (&json!("rotate_password"), &json!("***")));
    first.expect("ChangeConfiguration", json!({ "status": "Rejected" })).await;
    eventually(&client, &format!("/v1/commands/{}", given.id()), "state", json!("rejected")).await;

    let given = client.post(&rotate, json!(null)).await;
    assert_eq!(given.status, 202, "{}", given.body);
    assert_eq!(client.post(&rotate, json!(null)).await.code(), "password_rotation_pending");
    let asked = first.expect("ChangeConfiguration", json!({ "status": "Accepted" })).await;
    assert_eq!(asked["key"], "AuthorizationKey");
    let text = asked["value"].as_str().unwrap().to_owned();
    let new = hex::decode(&text).unwrap();
    assert_eq!(new.len(), 20);
    eventually(&client, &format!("/v1/commands/{}", given.id()), "state", json!("accepted")).await;

    // Both count until the new one came.
    let mut again = Station::plain(&url, "CP1", Some(old.as_bytes())).await.unwrap();
    again.call("Heartbeat", json!({})).await;
    let mut changed = Station::plain(&url, "CP1", Some(&new)).await.unwrap();
    changed.call("Heartbeat", json!({})).await;
    assert_eq!(Station::plain(&url, "CP1", Some(old.as_bytes())).await.err().as_deref(), Some("401"));
    Station::plain(&url, "CP1", Some(&new)).await.unwrap();
    // As may its text in hexadecimal.
    let mut last = Station::plain(&url, "CP1", Some(text.as_bytes())).await.unwrap();
    last.call("Heartbeat", json!({})).await;

    tokio::time::sleep(std::time::Duration::from_millis(700)).await;
    let printed = String::from_utf8(new).unwrap();
    for table in ["command", "audit_entry", "ocpp_message", "event"] {
        let rows = world.texts(&format!("select t::text as value from {table} t")).await.concat();
        assert!(!rows.is_empty() && !rows.contains(&text) && !rows.contains(&printed), "{table}");
    }
}
