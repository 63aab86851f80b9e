//! Local authorisation lists: whose cards they hold, in which order, in which parts.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use stromtor_domain::actor::Permission;

use super::{door::eventually, driven::Driven, v16, v201};
use crate::{
    billing::cdr::open,
    marketplace::emp_contract::{agree, roam},
    world::World,
};

fn uids(sent: &Value) -> Vec<&str> {
    let entries = sent["localAuthorizationList"].as_array().unwrap().iter();
    entries.map(|entry| entry["idTag"].as_str().or(entry["idToken"]["idToken"].as_str()).unwrap()).collect()
}

fn held(list: &Value) -> BTreeSet<&str> {
    list["entries"].as_object().unwrap().keys().map(String::as_str).collect()
}

fn card(uid: &str) -> Value {
    json!({ "kind": "rfid", "uid": uid, "status": "active" })
}

#[tokio::test(flavor = "multi_thread")]
async fn cards_are_listed_as_they_would_be_accepted() {
    let world = World::new().await;
    let business = open(&world, "CP1").await;
    let client = &business.client;
    let emp = world.partner("Fahrstrom", "emp").await;
    let provider = world.client(emp, Permission::ALL);
    roam(client, &business.estate.station).await;
    agree(client, &provider, emp, json!({})).await;
    let stranger = world.client(world.partner("Theirs", "cpo").await, Permission::ALL);
    // A card of the platform above, two of a provider, one of a neighbour; the operator blocks one that the provider has.
    world.root().create("/v1/tokens", card("AA01")).await;
    provider.create("/v1/tokens", card("EE:01")).await;
    provider.create("/v1/tokens", card("EE02")).await;
    provider.create("/v1/tokens", card("BB01")).await;
    stranger.create("/v1/tokens", card("CC01")).await;
    let mut blocked = card("bb01");
    blocked["status"] = json!("blocked");
    client.create("/v1/tokens", blocked).await;
    let mut station = Driven::connect(&world.gateway(), "CP1", &business.password, "1.6").await;
    v16::boot(&mut station).await;
    let limit = |key: &str, value: &str| json!({ "key": key, "readonly": true, "value": value });
    let limits =
        json!({ "configurationKey": [limit("LocalAuthListMaxLength", "10"), limit("SendLocalListMaxLength", "2")] });
    station.answer("GetConfiguration", limits).await;
    let id = business.estate.station.as_str();
    client.post(&format!("/v1/stations/{id}/parameters/refresh"), json!(null)).await;
    station.got("GetConfiguration").await;
    let keys = format!("/v1/stations/{id}/parameters?search=SendLocalListMaxLength");
    for _ in 0..100 {
        if client.get(&keys).await.body["items"][0]["value"] == "2" {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let list = format!("/v1/stations/{id}/local-list");
    client.put(&list, json!({ "enabled": true })).await;
    station.got("GetLocalListVersion").await;
    // In parts of two.
    for (kind, cards) in [("Full", ["04A2B3C4", "AA01"]), ("Differential", ["EE01", "EE02"])] {
        let sent = station.got("SendLocalList").await;
        assert_eq!((&sent["updateType"], uids(&sent)), (&json!(kind), cards.to_vec()));
    }
    eventually(client, &list, "state", json!("in_step")).await;
    let all = client.get(&list).await.body;
    assert_eq!((held(&all).len(), &all["truncated"]), (4, &json!(false)), "{all}");
    for (uid, status) in
        [("04A2B3C4", "Accepted"), ("AA01", "Accepted"), ("EE01", "Accepted"), ("BB01", "Blocked"), ("CC01", "Invalid")]
    {
        assert_eq!(station.call("Authorize", json!({ "idTag": uid })).await["idTagInfo"]["status"], status, "{uid}");
    }
    // A provider's card more: a job has every list looked at.
    provider.create("/v1/tokens", card("EE03")).await;
    world.clock.advance(chrono::TimeDelta::seconds(61));
    stromtor_api::jobs::drain(&world.app).await.unwrap();
    let sent = station.got("SendLocalList").await;
    assert_eq!((&sent["updateType"], uids(&sent)), (&json!("Differential"), vec!["EE03"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_station_cannot_hold_is_left_out_and_told() {
    let world = World::new().await;
    let business = open(&world, "CP1").await;
    let client = &business.client;
    let emp = world.partner("Fahrstrom", "emp").await;
    let provider = world.client(emp, Permission::ALL);
    roam(client, &business.estate.station).await;
    agree(client, &provider, emp, json!({})).await;
    for uid in ["EE01", "EE02", "EE03"] {
        provider.create("/v1/tokens", card(uid)).await;
    }
    world.root().create("/v1/tokens", card("AA01")).await;
    let mut station = Driven::connect(&world.gateway(), "CP1", &business.password, "2.0.1").await;
    v201::boot(&mut station).await;
    // OCPP 2.0.1: the value of Entries is how many there are, its maxLimit how many there may be.
    let variable = |name: &str, value: &str, most: Option<i32>| {
        let mut characteristics = json!({ "dataType": "integer", "supportsMonitoring": false });
        if let Some(most) = most {
            characteristics["maxLimit"] = json!(most);
        }
        json!({ "component": { "name": "LocalAuthListCtrlr" }, "variable": { "name": name },
            "variableAttribute": [{ "value": value, "mutability": "ReadOnly" }], "variableCharacteristics": characteristics })
    };
    let report = json!({ "requestId": 1, "generatedAt": world.app.now().to_ocpp(), "seqNo": 0,
        "reportData": [variable("Entries", "0", Some(3)), variable("ItemsPerMessage", "2", None)] });
    station.call("NotifyReport", report).await;
    let list = format!("/v1/stations/{}/local-list", business.estate.station);
    client.put(&list, json!({ "enabled": true })).await;
    station.got("GetLocalListVersion").await;
    for cards in [vec!["04A2B3C4", "AA01"], vec!["EE03"]] {
        assert_eq!(uids(&station.got("SendLocalList").await), cards);
    }
    eventually(client, &list, "state", json!("in_step")).await;
    assert_eq!(client.get(&list).await.body["truncated"], true);
    // One more of the operator's own takes the place of the provider's.
    client.create("/v1/tokens", card("0B0B")).await;
    world.clock.advance(chrono::TimeDelta::seconds(6));
    let sent = station.got("SendLocalList").await;
    assert_eq!(uids(&sent), ["EE03", "0B0B"]);
    assert_eq!(sent["localAuthorizationList"][0].get("idTokenInfo"), None, "it is taken out");
    eventually(client, &list, "state", json!("in_step")).await;
    let all = client.get(&list).await.body;
    assert_eq!((held(&all), &all["truncated"]), (BTreeSet::from(["04A2B3C4", "0B0B", "AA01"]), &json!(true)));
}
