//! A transaction from start to stop.

use serde_json::json;
use stromtor_domain::actor::Permission;
use stromtor_ocpp::sim::Simulator;

use super::door::station;
use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_report_is_the_same_report() {
    let world = World::new().await;
    let cpo = world.partner("Nordstrom", "cpo").await;
    let client = world.client(cpo, Permission::ALL);
    let (_, password) = station(&client, "CP1").await;
    world
        .sql(&format!(
            "insert into token (id, partner_id, kind, uid, uid_normalised, status, metadata, created_at, updated_at) \
             values (gen_random_uuid(), '{cpo}', 'rfid', '04:A2:B3', '04A2B3', 'active', '{{}}', now(), now())"
        ))
        .await;
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

    let sessions = "select state || ' ' || meter_start_wh::int || ' ' || meter_stop_wh::int as value from session";
    assert_eq!(world.texts(sessions).await, ["ended 1000 12000"]);
    assert_eq!(world.texts("select samples->0->>'value' as value from session_reading").await, ["6000.5"]);
    let attempts = "select trigger || ' ' || decision || ' ' || reason as value from authorization_attempt order by id";
    let wanted = ["authorize accepted token_valid", "authorize invalid token_unknown", "start accepted token_valid"];
    assert_eq!(world.texts(attempts).await, wanted);
    let events = "select type as value from event where type like 'session.%' order by id";
    assert_eq!(world.texts(events).await, ["session.started", "session.ended"]);
}
