//! A transaction from start to stop.

use serde_json::json;
use stromtor_domain::actor::Permission;
use stromtor_ocpp::sim::Simulator;

use super::door::station;
use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_report_is_the_same_report() {
    let world = World::new().await;
    let client = world.client(world.partner("Nordstrom", "cpo").await, Permission::ALL);
    let (_, password) = station(&client, "CP1").await;
    client.create("/v1/tokens", json!({ "kind": "rfid", "uid": "04:A2:B3", "status": "active" })).await;
    let simulator = Simulator::connect(&world.gateway(), "CP1", &password).await.unwrap();
    let tag = |tag: &str| json!({ "idTag": tag });
    assert_eq!(simulator.call("Authorize", tag("04a2b3")).await.unwrap()["idTagInfo"]["status"], "Accepted");
    assert_eq!(simulator.call("Authorize", tag("FFFF")).await.unwrap()["idTagInfo"]["status"], "Invalid");

    let start = json!({ "connectorId": 1, "idTag": "04a2b3", "meterStart": 1000, "timestamp": "2026-11-01T10:00:00Z" });
    let first = simulator.call("StartTransaction", start.clone()).await.unwrap();
    let again = simulator.call("StartTransaction", start).await.unwrap();
    assert_eq!(first, again);
    let transaction = first["transactionId"].as_i64().unwrap();
    assert!(transaction > 0 && first["idTagInfo"]["status"] == "Accepted");
    let values = json!({ "connectorId": 1, "transactionId": transaction, "meterValue": [{ "timestamp": "2026-11-01T10:30:00Z",
        "sampledValue": [{ "value": "6000.5", "unit": "Wh" }] }] });
    for _ in 0..2 {
        simulator.call("MeterValues", values.clone()).await.unwrap();
    }
    let stop = json!({ "transactionId": transaction, "meterStop": 12000, "timestamp": "2026-11-01T11:00:00Z", "reason": "Local" });
    for _ in 0..2 {
        simulator.call("StopTransaction", stop.clone()).await.unwrap();
    }
    // One that nobody knows is answered all the same: the station would repeat it for ever.
    simulator.call("StopTransaction", json!({ "transactionId": -7, "meterStop": 1, "timestamp": "x" })).await.unwrap();

    let sessions = client.get("/v1/sessions?state=ended").await.body["items"].clone();
    assert_eq!(sessions.as_array().unwrap().len(), 2, "{sessions}");
    // That one is kept for repair, with what is known of it.
    let (orphan, session) = (&sessions[0], &sessions[1]);
    assert_eq!((&orphan["orphan"], &orphan["findings"]), (&json!(true), &json!(["never_started"])));
    assert_eq!(
        (&session["meter_start_wh"], &session["meter_stop_wh"]),
        (&json!("1000.000000"), &json!("12000.000000"))
    );
    assert_eq!((&session["stop_reason"], &session["number"]), (&json!("Local"), &json!(1)));
    assert_eq!(client.get("/v1/sessions?state=active").await.body["items"], json!([]));
    let path = format!("/v1/sessions/{}", session["id"].as_str().unwrap());
    assert_eq!(&client.get(&path).await.body, session);
    let stranger = world.client(world.partner("Theirs", "cpo").await, Permission::ALL);
    assert_eq!(stranger.get(&path).await.status, 404);
    assert_eq!(stranger.get("/v1/sessions").await.body["items"], json!([]));
    assert_eq!(world.texts("select samples->0->>'value' as value from session_reading").await, ["6000.5"]);
    let attempts = "select trigger || ' ' || decision || ' ' || reason as value from authorization_attempt order by id";
    let wanted = ["authorize accepted token_valid", "authorize invalid token_unknown"];
    assert_eq!(world.texts(attempts).await, wanted);
    let events = "select type as value from event where type like 'session.%' order by id";
    assert_eq!(world.texts(events).await, ["session.started", "session.updated", "session.ended", "session.ended"]);
}
