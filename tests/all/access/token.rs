//! Tokens and the decisions about them.

use serde_json::json;
use stromtor_domain::actor::Permission;
use stromtor_ocpp::sim::Simulator;

use crate::{ocpp::door::station, world::World};

#[tokio::test(flavor = "multi_thread")]
async fn decided_by_the_nearest_token_and_every_attempt_is_kept() {
    let world = World::with(|config| config.session.one_session_per_token = true).await;
    let reseller = world.partner("Reseller", "reseller").await;
    let cpo = world.partner_below(reseller, "Nordstrom", "sub_cpo").await;
    let client = world.client(cpo, Permission::ALL);
    let (estate, password) = station(&client, "CP1").await;
    let card = |uid: &str, status: &str| json!({ "kind": "rfid", "uid": uid, "status": status, "group_id": "FLEET" });
    client.create("/v1/tokens", card("AA01", "active")).await;
    client.create("/v1/tokens", card("AA02", "blocked")).await;
    let expired = json!({ "kind": "rfid", "uid": "AA03", "status": "active", "valid_until": "2026-01-01T00:00:00Z" });
    client.create("/v1/tokens", expired).await;
    // The partner above lets its own in; a stranger's card is unknown; what the operator blocked stays blocked.
    let above = world.client(reseller, Permission::ALL);
    above.create(&format!("/v1/tokens?partner_id={reseller}"), card("BB01", "active")).await;
    above.create(&format!("/v1/tokens?partner_id={reseller}"), card("AA02", "active")).await;
    world
        .client(world.partner("Stranger", "cpo").await, Permission::ALL)
        .create("/v1/tokens", card("CC01", "active"))
        .await;
    let simulator = Simulator::connect(&world.gateway(), "CP1", &password).await.unwrap();
    let ask =
        async |tag: &str| simulator.call("Authorize", json!({ "idTag": tag })).await.unwrap()["idTagInfo"].clone();
    assert_eq!(ask("aa-01").await, json!({ "status": "Accepted", "parentIdTag": "FLEET" }));
    for (tag, status) in [("AA02", "Blocked"), ("AA03", "Expired"), ("BB01", "Accepted"), ("CC01", "Invalid")] {
        assert_eq!(ask(tag).await["status"], status, "{tag}");
    }
    let start = json!({ "connectorId": 1, "idTag": "AA01", "meterStart": 0, "timestamp": world.app.now().to_ocpp() });
    let first = simulator.call("StartTransaction", start.clone()).await.unwrap();
    assert_eq!(first["idTagInfo"]["status"], "Accepted");
    assert_eq!(ask("AA01").await["status"], "ConcurrentTx");
    // A refused start says the same again when it is repeated.
    let blocked = json!({ "connectorId": 2, "idTag": "AA02", "meterStart": 0, "timestamp": world.app.now().to_ocpp() });
    for _ in 0..2 {
        let refused = simulator.call("StartTransaction", blocked.clone()).await.unwrap();
        assert_eq!(refused["idTagInfo"]["status"], "Blocked");
        assert!(refused["transactionId"].as_i64().unwrap() > 0);
    }
    assert_eq!(simulator.call("StartTransaction", start).await.unwrap(), first);
    let attempts = client.get(&format!("/v1/authorizations?station_id={}&decision=blocked", estate.station)).await.body;
    let attempts = attempts["items"].as_array().unwrap().clone();
    assert_eq!(attempts.len(), 2, "{attempts:?}");
    assert_eq!((&attempts[0]["trigger"], &attempts[0]["reason"]), (&json!("start"), &json!("token_blocked")));
    assert!(attempts[0]["session_id"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn emaids_have_a_check_digit() {
    let world = World::new().await;
    let client = world.client(world.partner("Nordstrom", "cpo").await, Permission::ALL);
    let contract = |uid: &str| json!({ "kind": "emaid", "uid": uid, "status": "active" });
    client.create("/v1/tokens", contract("DE-8AA-CA2B3C4D5-L")).await;
    let wrong = client.post("/v1/tokens", contract("DE-8AA-CA2B3C4D5-X")).await;
    assert_eq!((wrong.status, wrong.pointers()), (422, vec!["/uid"]), "{}", wrong.body);
    assert_eq!(client.post("/v1/tokens", contract("DE8AACA2B3C4D5L")).await.code(), "already_exists");
}
