//! Tags that stations cut, garble, turn round or cannot name.

use serde_json::{Value, json};
use stromtor_domain::actor::Permission;
use stromtor_ocpp::sim::Simulator;

use crate::{
    ocpp::{
        door::{eventually, station},
        quirk::counted,
    },
    world::{Client, World},
};

async fn decided(station: &Simulator, tag: &str) -> Value {
    station.call("Authorize", json!({ "idTag": tag })).await.unwrap()["idTagInfo"]["status"].clone()
}

fn card(uid: &str) -> Value {
    json!({ "kind": "rfid", "uid": uid, "status": "active" })
}

async fn tolerate(client: &Client, station: &str, tolerances: Value) {
    let set = client.patch(&format!("/v1/stations/{station}"), json!({ "tolerances": tolerances })).await;
    assert_eq!(set.status, 200, "{}", set.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_has_other_uids() {
    let world = World::new().await;
    let client = world.client(world.partner("Nordstrom", "cpo").await, Permission::ALL);
    let stranger = world.client(world.partner("Stranger", "cpo").await, Permission::ALL);
    let (estate, password) = station(&client, "CP1").await;
    let token = client.create("/v1/tokens", card("04A1B2C3D4E5F6")).await;
    let path = format!("/v1/token-aliases?token_id={}", token["id"].as_str().unwrap());
    let simulator = Simulator::connect(&world.gateway(), "CP1", &password).await.unwrap();
    // A byte lost, zeros before and behind.
    for alias in ["04:A1:B2:C3:D4:E5", "00000004A1B2C3D4E5F6", "04A1B2C3D4E5F6000000"] {
        assert_eq!(decided(&simulator, alias).await, "Invalid", "{alias}");
        client.create(&path, json!({ "uid": alias })).await;
        assert_eq!(decided(&simulator, &alias.to_lowercase()).await, "Accepted", "{alias}");
    }
    counted(&client, &estate.station, &["id_tag_alias"]).await;
    let taken = client.post(&path, json!({ "uid": "04-a1-b2-c3-d4-e5" })).await;
    assert_eq!((taken.status, taken.code()), (409, "already_exists"));
    let own = client.post(&path, json!({ "uid": "04a1b2c3d4e5f6" })).await;
    assert_eq!(own.code(), "already_exists", "it is a token's own");
    assert_eq!(client.post(&path, json!({ "uid": "ü" })).await.pointers(), ["/uid"]);
    assert_eq!(stranger.post(&path, json!({ "uid": "AA" })).await.status, 404);
    // A token whose own UID it is goes before; what the token may not, its other names may not.
    client.create("/v1/tokens", json!({ "kind": "rfid", "uid": "04A1B2C3D4E5", "status": "blocked" })).await;
    assert_eq!(decided(&simulator, "04A1B2C3D4E5").await, "Blocked");
    let blocked = json!({ "status": "blocked" });
    client.patch(&format!("/v1/tokens/{}", token["id"].as_str().unwrap()), blocked).await;
    assert_eq!(decided(&simulator, "00000004A1B2C3D4E5F6").await, "Blocked");
    let listed = client.get(&path).await.body["items"].clone();
    assert_eq!(listed.as_array().unwrap().len(), 3);
    let first = format!("/v1/token-aliases/{}", listed[1]["id"].as_str().unwrap());
    let changed = client.patch(&first, json!({ "uid": "BB01" })).await;
    assert_eq!((changed.status, &changed.body["uid"]), (200, &json!("BB01")));
    assert_eq!(client.patch(&first, json!({ "uid": "04A1B2C3D4E5F6" })).await.code(), "already_exists");
    assert_eq!(client.delete(&first).await.status, 204);
    assert_eq!(decided(&simulator, "BB01").await, "Invalid");
    // Who is forgotten is forgotten under every name.
    let person = format!("/v1/tokens/{}/personal-data", token["id"].as_str().unwrap());
    assert_eq!(client.get(&person).await.body["aliases"].as_array().map(Vec::len), Some(2));
    assert!(client.delete(&person).await.status < 300);
    assert_eq!(world.texts("select uid as value from token_alias").await, [""; 0]);
    let kept = "select coalesce(after, before)::text as value from audit_entry where resource = 'token_alias' \
        and (after is not null or before is not null)";
    assert_eq!(world.texts(kept).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn cut_and_turned_round_by_policy_alone() {
    let world = World::new().await;
    let client = world.client(world.partner("Nordstrom", "cpo").await, Permission::ALL);
    let (estate, password) = station(&client, "CP1").await;
    let url = world.gateway();
    client.create("/v1/tokens", card("DRIVER-000000000000-1-A")).await;
    client.create("/v1/tokens", card("04A1B2C3D4E5F6")).await;
    // A stranger's token is nobody's here: it makes nothing ambiguous.
    let stranger = world.client(world.partner("Stranger", "cpo").await, Permission::ALL);
    stranger.create("/v1/tokens", card("DRIVER-000000000000-1-X")).await;
    let (cut, turned) = ("DRIVER0000000000001", "F6E5D4C3B2A104");
    let simulator = Simulator::connect(&url, "CP1", &password).await.unwrap();
    for tag in [cut, turned] {
        assert_eq!(decided(&simulator, tag).await, "Invalid", "{tag}");
    }
    tolerate(&client, &estate.station, json!({ "id_tag_prefix_min": 19, "id_tag_reversed": true })).await;
    let simulator = Simulator::connect(&url, "CP1", &password).await.unwrap();
    for (tag, expected) in [
        (cut, "Accepted"),
        ("driver-000000000000-1", "Accepted"),
        ("DRIVER000000000000", "Invalid"),
        (turned, "Accepted"),
        ("A104", "Invalid"),
    ] {
        assert_eq!(decided(&simulator, tag).await, expected, "{tag}");
    }
    counted(&client, &estate.station, &["id_tag_cut", "id_tag_reversed"]).await;
    client.create("/v1/tokens", card("DRIVER-000000000000-1-B")).await;
    assert_eq!(decided(&simulator, cut).await, "Invalid", "it may be either");
    client.create("/v1/tokens", card(cut)).await;
    assert_eq!(decided(&simulator, cut).await, "Accepted", "its own");
}

#[tokio::test(flavor = "multi_thread")]
async fn stations_that_take_hexadecimal_tags_alone() {
    let world = World::new().await;
    let client = world.client(world.partner("Nordstrom", "cpo").await, Permission::ALL);
    let (estate, password) = station(&client, "CP1").await;
    let app = client.create("/v1/tokens", card("APP-USER-000000000000042")).await;
    let hex = app["hex_uid"].as_str().unwrap().to_owned();
    assert!(hex.len() == 14 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()), "{hex}");
    assert_eq!(client.create("/v1/tokens", card("04:a2:b3:c4")).await["hex_uid"], "04A2B3C4", "it is so already");
    let commands = format!("/v1/stations/{}/commands", estate.station);
    let start = json!({ "type": "remote_start", "token_uid": "APP-USER-000000000000042", "connector": 1 });
    assert_eq!(client.post(&commands, &start).await.code(), "not_in_ocpp_version", "too long for OCPP 1.6");
    let url = world.gateway();
    let simulator = Simulator::connect(&url, "CP1", &password).await.unwrap();
    assert_eq!(decided(&simulator, &hex).await, "Invalid");
    tolerate(&client, &estate.station, json!({ "hex_id_tags": true })).await;
    let simulator = Simulator::connect(&url, "CP1", &password).await.unwrap();
    let given = client.post(&commands, &start).await;
    assert_eq!(given.status, 202, "{}", given.body);
    eventually(&client, &format!("/v1/commands/{}", given.id()), "state", json!("accepted")).await;
    let (action, payload) = simulator.calls.lock().await.recv().await.unwrap();
    assert_eq!((action.as_str(), payload["idTag"].as_str()), ("RemoteStartTransaction", Some(hex.as_str())));
    // It reports what it was told, in its own case; that is the token.
    let begin = json!({ "connectorId": 1, "idTag": hex.to_lowercase(), "meterStart": 0, "timestamp": world.app.now().to_ocpp() });
    let begun = simulator.call("StartTransaction", begin).await.unwrap();
    assert_eq!(begun["idTagInfo"]["status"], "Accepted");
    let session = client.get("/v1/sessions").await.body["items"][0].clone();
    assert_eq!((&session["token_id"], &session["auth_source"]), (&app["id"], &json!("remote")), "{session}");
    counted(&client, &estate.station, &["id_tag_hex"]).await;
}
