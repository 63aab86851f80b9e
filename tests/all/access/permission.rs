//! Permissions: EMAID groups, charge-point groups, windows, limits; as stations meet them, and as a dry run tells them.

use chrono::TimeDelta;
use serde_json::{Value, json};
use stromtor_domain::actor::Permission;
use stromtor_ocpp::sim::Simulator;

use crate::{
    billing::cdr::{Business, charge, open},
    ocpp::{door::eventually, driven::Driven, v16},
    world::{Client, World},
};

/// A card in a group, the charge point in another, a permission that joins them; the charge point lets in by permission alone.
struct Fence {
    cards: String,
    points: String,
    permission: String,
}

async fn fence(business: &Business, extra: Value) -> Fence {
    let client = &business.client;
    let id = |created: &Value| created["id"].as_str().unwrap().to_owned();
    let card = &client.get("/v1/tokens?uid=04A2B3C4").await.body["items"][0];
    let cards = id(&client.create("/v1/emaid-groups", json!({ "name": "Fleet" })).await);
    let points = id(&client.create("/v1/charge-point-groups", json!({ "name": "Depot" })).await);
    let put = client.post(&format!("/v1/emaid-groups/{cards}/members"), json!({ "token_ids": [card["id"]] })).await;
    assert_eq!(put.status, 204, "{}", put.body);
    let members = json!({ "charge_point_ids": [business.estate.charge_point] });
    let put = client.post(&format!("/v1/charge-point-groups/{points}/members"), members).await;
    assert_eq!(put.status, 204, "{}", put.body);
    let mut input = json!({ "name": "Fleet at the depot", "emaid_group_id": cards, "charge_point_group_id": points });
    input.as_object_mut().unwrap().extend(extra.as_object().cloned().unwrap_or_default());
    let permission = id(&client.create("/v1/access-permissions", input).await);
    permitted(client, &business.estate.charge_point).await;
    Fence { cards, points, permission }
}

async fn permitted(client: &Client, point: &str) {
    let changed = client.patch(&format!("/v1/charge-points/{point}"), json!({ "access_policy": "permitted" })).await;
    assert_eq!(changed.status, 200, "{}", changed.body);
}

async fn try_it(client: &Client, body: Value) -> Value {
    let tried = client.post("/v1/authorizations/evaluate", body).await;
    assert_eq!(tried.status, 200, "{}", tried.body);
    tried.body
}

#[tokio::test(flavor = "multi_thread")]
async fn a_permitted_charge_point_lets_in_whom_a_permission_admits() {
    let world = World::new().await;
    let business = open(&world, "CP1").await;
    let client = &business.client;
    client.create("/v1/tokens", json!({ "kind": "rfid", "uid": "AA01", "status": "active" })).await;
    let station = Simulator::connect(&world.gateway(), "CP1", &business.password).await.unwrap();
    let ask = async |tag: &str| station.call("Authorize", json!({ "idTag": tag })).await.unwrap()["idTagInfo"].clone();
    assert_eq!(ask("AA01").await["status"], "Accepted");
    let fence = fence(&business, json!({})).await;
    assert_eq!(ask("AA01").await["status"], "Invalid");
    assert_eq!(ask("04a2b3c4").await["status"], "Accepted");
    let attempts = client.get("/v1/authorizations?limit=2").await.body["items"].clone();
    assert_eq!(
        (&attempts[0]["reason"], &attempts[0]["permission_id"]),
        (&json!("permission_granted"), &json!(fence.permission))
    );
    assert_eq!((&attempts[1]["reason"], attempts[1].get("permission_id")), (&json!("no_permission"), None));
    assert_eq!(attempts[0]["charge_point_id"], business.estate.charge_point.as_str());
    // The dry run says the same, and the price.
    let point = &business.estate.charge_point;
    let tried = try_it(client, json!({ "charge_point_id": point, "uid": "04:A2:B3:C4" })).await;
    assert_eq!((&tried["decision"], &tried["reason"]), (&json!("accepted"), &json!("permission_granted")), "{tried}");
    assert_eq!(tried["permission_id"], fence.permission.as_str());
    assert_eq!(
        (&tried["prices"][1]["kind"], &tried["prices"][1]["gross"]),
        (&json!("energy"), &json!("0.5831")),
        "{tried}"
    );
    let tried = try_it(client, json!({ "charge_point_id": point, "uid": "AA01" })).await;
    assert_eq!((&tried["decision"], &tried["reason"]), (&json!("invalid"), &json!("no_permission")));
    // Disabled, over, out of the group: each is told apart, and stations learn of it at once.
    let permission = format!("/v1/access-permissions/{}", fence.permission);
    client.patch(&permission, json!({ "enabled": false })).await;
    assert_eq!(ask("04A2B3C4").await["status"], "Invalid");
    let over = world.app.now() + TimeDelta::minutes(5);
    client.patch(&permission, json!({ "enabled": true, "valid_until": over })).await;
    let admitted = ask("04A2B3C4").await;
    assert_eq!((&admitted["status"], &admitted["expiryDate"]), (&json!("Accepted"), &json!(over.to_ocpp())));
    let later = json!({ "charge_point_id": point, "uid": "04A2B3C4", "at": over });
    assert_eq!(try_it(client, later).await["reason"], "permission_not_valid");
    client.patch(&permission, json!({ "valid_until": null })).await;
    let card = attempts[0]["token_id"].as_str().unwrap();
    assert_eq!(client.delete(&format!("/v1/emaid-groups/{}/members/{card}", fence.cards)).await.status, 204);
    assert_eq!(client.delete(&format!("/v1/emaid-groups/{}/members/{card}", fence.cards)).await.status, 404);
    assert_eq!(ask("04A2B3C4").await["status"], "Invalid");
    // What permissions name cannot be deleted; what they name no more can.
    for path in [format!("/v1/emaid-groups/{}", fence.cards), format!("/v1/charge-point-groups/{}", fence.points)] {
        assert_eq!(client.delete(&path).await.code(), "in_use");
    }
    assert_eq!(client.delete(&permission).await.status, 204);
    assert_eq!(client.delete(&format!("/v1/emaid-groups/{}", fence.cards)).await.status, 204);
}

#[tokio::test(flavor = "multi_thread")]
async fn windows_go_by_the_clock_of_the_charge_point() {
    let world = World::new().await;
    let business = open(&world, "CP1").await;
    let night = json!({ "days_of_week": ["friday"], "start_time": "22:00", "end_time": "06:00" });
    fence(&business, json!({ "windows": [night, { "start_time": "12:00", "end_time": "13:00" }] })).await;
    let point = &business.estate.charge_point;
    // Berlin is an hour ahead of UTC in winter; 27 November 2026 is a Friday.
    for (at, reason) in [
        ("2026-11-27T20:59:59Z", "outside_window"),
        ("2026-11-27T21:00:00Z", "permission_granted"),
        ("2026-11-28T10:59:59Z", "outside_window"),
        ("2026-11-28T11:00:00Z", "permission_granted"),
        ("2026-11-28T12:00:00Z", "outside_window"),
        ("2026-07-03T19:59:59Z", "outside_window"),
        ("2026-07-03T20:00:00Z", "permission_granted"),
    ] {
        let body = json!({ "charge_point_id": point, "uid": "04A2B3C4", "at": at });
        assert_eq!(try_it(&business.client, body).await["reason"], reason, "{at}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_count_what_a_permission_let_in() {
    let world = World::new().await;
    let business = open(&world, "CP1").await;
    let client = &business.client;
    let fence = fence(&business, json!({ "limits": [{ "unit": "kwh", "period": "month", "most": "12" }] })).await;
    let station = Simulator::connect(&world.gateway(), "CP1", &business.password).await.unwrap();
    let ask = async || {
        station.call("Authorize", json!({ "idTag": "04A2B3C4" })).await.unwrap()["idTagInfo"]["status"].clone()
    };
    // 11 kWh leave room for another session; its 11 do not.
    for _ in 0..2 {
        assert_eq!(ask().await, "Accepted");
        charge(&world, &station, "04A2B3C4", json!({})).await;
        world.clock.advance(TimeDelta::minutes(90));
    }
    assert_eq!(ask().await, "Invalid");
    let refused =
        json!({ "connectorId": 1, "idTag": "04A2B3C4", "meterStart": 0, "timestamp": world.app.now().to_ocpp() });
    let refused = station.call("StartTransaction", refused).await.unwrap();
    assert_eq!(refused["idTagInfo"]["status"], "Invalid");
    let attempt = client.get("/v1/authorizations?limit=1").await.body["items"][0].clone();
    assert_eq!((&attempt["reason"], &attempt["permission_id"]), (&json!("limit_reached"), &json!(fence.permission)));
    // Sessions of a month ago count no more; neither does what another permission let in.
    let later = world.app.now() + TimeDelta::days(32);
    let point = &business.estate.charge_point;
    let body = json!({ "charge_point_id": point, "uid": "04A2B3C4", "at": later });
    assert_eq!(try_it(client, body).await["reason"], "permission_granted");
    let day = json!({ "limits": [{ "unit": "sessions", "period": "day", "most": "3" }, { "unit": "kwh", "period": "day", "most": "100" }] });
    assert_eq!(client.patch(&format!("/v1/access-permissions/{}", fence.permission), day).await.status, 200);
    assert_eq!(ask().await, "Accepted");
    let other = json!({ "name": "Another", "emaid_group_id": fence.cards, "charge_point_group_id": fence.points });
    client.create("/v1/access-permissions", other).await;
    let none = json!({ "limits": [{ "unit": "sessions", "period": "day", "most": "1" }] });
    client.patch(&format!("/v1/access-permissions/{}", fence.permission), none).await;
    assert_eq!(ask().await, "Accepted");
}

#[tokio::test(flavor = "multi_thread")]
async fn authentication_types_that_are_off_let_nobody_in() {
    let world = World::new().await;
    let business = open(&world, "CP1").await;
    let client = &business.client;
    let point = format!("/v1/charge-points/{}", business.estate.charge_point);
    let station = Simulator::connect(&world.gateway(), "CP1", &business.password).await.unwrap();
    station.boot("Wallbe", "Eco 2", 1).await.unwrap();
    let start = async || {
        let at = world.app.now().to_ocpp();
        let start = json!({ "connectorId": 1, "idTag": "04A2B3C4", "meterStart": 0, "timestamp": at });
        station.call("StartTransaction", start).await.unwrap()["idTagInfo"]["status"].clone()
    };
    client.patch(&point, json!({ "authentication_types": ["remote"] })).await;
    assert_eq!(start().await, "Invalid");
    let attempt = client.get("/v1/authorizations?limit=1").await.body["items"][0].clone();
    assert_eq!(attempt["reason"], "authentication_type_off");
    // The same card from afar.
    world.clock.advance(TimeDelta::minutes(1));
    let remote = json!({ "type": "remote_start", "token_uid": "04A2B3C4", "connector": 1 });
    let commands = format!("/v1/stations/{}/commands", business.estate.station);
    let given = client.send(client.request("POST", &commands).header("prefer", "wait=10").json(&remote)).await;
    assert_eq!(given.body["state"], "accepted", "{}", given.body);
    assert_eq!(start().await, "Accepted");
    let session = client.get("/v1/sessions?limit=1").await.body["items"][0].clone();
    assert_eq!(session["auth_source"], "remote", "{session}");
    // And the other way round, by the dry run.
    client.patch(&point, json!({ "authentication_types": ["local_rfid"] })).await;
    for (way, reason) in [("local_rfid", "token_valid"), ("plug_and_charge", "authentication_type_off")] {
        world.clock.advance(TimeDelta::minutes(11));
        let body =
            json!({ "charge_point_id": business.estate.charge_point, "uid": "04A2B3C4", "authentication_type": way });
        assert_eq!(try_it(client, body).await["reason"], reason, "{way}");
    }
    let twice = client.patch(&point, json!({ "authentication_types": ["remote", "remote"] })).await;
    assert_eq!((twice.status, twice.pointers()), (422, vec!["/authentication_types/1"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_hold_whom_every_charge_point_admits_without_asking() {
    let world = World::new().await;
    let business = open(&world, "CP1").await;
    let client = &business.client;
    client.create("/v1/tokens", json!({ "kind": "rfid", "uid": "AA01", "status": "active" })).await;
    let fence = fence(&business, json!({})).await;
    let mut station = Driven::connect(&world.gateway(), "CP1", &business.password, "1.6").await;
    v16::boot(&mut station).await;
    let list = format!("/v1/stations/{}/local-list", business.estate.station);
    client.put(&list, json!({ "enabled": true })).await;
    station.got("GetLocalListVersion").await;
    let sent = station.got("SendLocalList").await;
    let cards = sent["localAuthorizationList"].as_array().unwrap();
    assert_eq!((cards.len(), &cards[0]["idTag"]), (1, &json!("04A2B3C4")), "{sent}");
    eventually(client, &list, "state", json!("in_step")).await;
    // With a limit it is not for the station alone to decide.
    let limit = json!({ "limits": [{ "unit": "sessions", "period": "day", "most": "1" }] });
    client.patch(&format!("/v1/access-permissions/{}", fence.permission), limit).await;
    world.clock.advance(TimeDelta::seconds(6));
    let sent = station.got("SendLocalList").await;
    let gone = json!([{ "idTag": "04A2B3C4" }]);
    assert!(sent["localAuthorizationList"] == gone || sent["localAuthorizationList"] == json!([]), "{sent}");
    eventually(client, &list, "state", json!("in_step")).await;
    // Open to all again: both are listed.
    let point = format!("/v1/charge-points/{}", business.estate.charge_point);
    client.patch(&point, json!({ "access_policy": "open" })).await;
    world.clock.advance(TimeDelta::seconds(6));
    let sent = station.got("SendLocalList").await;
    assert_eq!(sent["localAuthorizationList"].as_array().map(Vec::len), Some(2), "{sent}");
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_is_named_and_changes_nothing() {
    let world = World::new().await;
    let business = open(&world, "CP1").await;
    let client = &business.client;
    let fence = fence(&business, json!({})).await;
    let stranger = world.client(world.partner("Theirs", "cpo").await, Permission::ALL);
    let theirs = stranger.create("/v1/emaid-groups", json!({ "name": "Fleet" })).await;
    let their_points = stranger.create("/v1/charge-point-groups", json!({ "name": "Depot" })).await;
    let before = world.texts("select count(*)::text as value from access_permission").await;
    let fine = json!({ "name": "P", "emaid_group_id": fence.cards, "charge_point_group_id": fence.points });
    let limit = |most: &str, unit: &str| json!([{ "unit": unit, "period": "day", "most": most }]);
    for (field, value, pointer) in [
        ("emaid_group_id", theirs["id"].clone(), "/emaid_group_id"),
        ("charge_point_group_id", their_points["id"].clone(), "/charge_point_group_id"),
        ("emaid_group_id", json!("x"), "/emaid_group_id"),
        ("valid_until", json!("2026-11-27"), "/valid_until"),
        ("windows", json!([{ "start_time": "25:00" }]), "/windows/0/start_time"),
        ("windows", json!([{ "from": "12:00" }]), "/windows/0/from"),
        ("limits", limit("0", "kwh"), "/limits/0/most"),
        ("limits", limit("1.5", "sessions"), "/limits/0/most"),
        ("limits", limit("1", "euros"), "/limits/0/unit"),
        (
            "limits",
            json!([{ "unit": "kwh", "period": "day", "most": "1" }, { "unit": "kwh", "period": "day", "most": "2" }]),
            "/limits/1",
        ),
    ] {
        let mut wrong = fine.clone();
        wrong[field] = value;
        let refused = client.post("/v1/access-permissions", wrong).await;
        assert_eq!((refused.status, refused.pointers()), (422, vec![pointer]), "{field}: {}", refused.body);
    }
    assert_eq!(before, world.texts("select count(*)::text as value from access_permission").await);
    // Nobody puts another's tokens or charge points into their groups, and then none at all.
    let card = &client.get("/v1/tokens?uid=04A2B3C4").await.body["items"][0];
    let own = stranger.create("/v1/tokens", json!({ "kind": "rfid", "uid": "DD01", "status": "active" })).await;
    let group = format!("/v1/emaid-groups/{}/members", theirs["id"].as_str().unwrap());
    let refused = stranger.post(&group, json!({ "token_ids": [own["id"], card["id"]] })).await;
    assert_eq!((refused.status, refused.pointers()), (422, vec!["/token_ids/1"]), "{}", refused.body);
    assert_eq!(stranger.get(&group).await.body["items"], json!([]));
    let group = format!("/v1/charge-point-groups/{}/members", their_points["id"].as_str().unwrap());
    let refused = stranger.post(&group, json!({ "charge_point_ids": [business.estate.charge_point] })).await;
    assert_eq!((refused.status, refused.pointers()), (422, vec!["/charge_point_ids/0"]), "{}", refused.body);
    let refused = stranger.post(&group, json!({ "charge_point_ids": [] })).await;
    assert_eq!((refused.status, refused.pointers()), (422, vec!["/charge_point_ids"]));
    let body = json!({ "charge_point_id": business.estate.charge_point, "uid": "04A2B3C4" });
    let refused = stranger.post("/v1/authorizations/evaluate", body).await;
    assert_eq!((refused.status, refused.pointers()), (422, vec!["/charge_point_id"]));
    // A name is taken once.
    assert_eq!(client.post("/v1/emaid-groups", json!({ "name": "Fleet" })).await.code(), "already_exists");
}
