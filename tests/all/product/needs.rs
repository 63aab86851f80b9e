//! What a product does not enable is refused, and works once it is bought.

use chrono::TimeDelta;
use serde_json::{Value, json};
use stromtor_domain::actor::Permission;

use super::{buy, sell};
use crate::{
    marketing::{access, pairs, ready, states},
    network::station::build,
    world::{Client, World},
};

#[tokio::test(flavor = "multi_thread")]
async fn each_feature_is_refused_until_it_is_bought_and_when_it_has_ended() {
    let world = World::new().await;
    let client = world.client(world.partner("Nordstrom", "cpo").await, Permission::ALL);
    let station = ready(&client, "CP1").await.station;
    let image = client.create("/v1/firmware-images", json!({ "name": "fw.bin", "version": "2.0.0" })).await;
    let at = |path: &str| format!("/v1/stations/{station}/{path}");
    let switch = |name: &str, on: Value| ("PATCH", access(&station), json!({ "marketing": true, name: on }), 200);
    // A station that never connected is asked for no file; that it was asked shows that the feature is there.
    let cases = [
        ("monitoring", ("GET", format!("/v1/ocpp-messages?station_id={station}"), json!(null), 200)),
        ("monitoring", ("POST", at("log-requests"), json!({ "kind": "diagnostics" }), 409)),
        ("remote_control", ("POST", at("commands"), json!({ "type": "clear_cache" }), 202)),
        ("remote_control", ("POST", at("ocpp-calls"), json!({ "action": "ClearCache", "payload": {} }), 202)),
        ("remote_control", ("POST", at("parameters/refresh"), json!(null), 202)),
        ("firmware", ("POST", at("firmware-updates"), json!({ "firmware_image_id": image["id"] }), 409)),
        ("marketing", ("PATCH", access(&station), json!({ "marketing": true }), 200)),
        ("roaming", switch("roaming", json!(true))),
        ("direct_payment", switch("direct_payment", json!(true))),
        ("roaming_plus", switch("roaming_plus", json!(["ocpi"]))),
    ];
    for (at, (feature, (method, path, body, works))) in cases.into_iter().enumerate() {
        let off = json!({ "marketing": false, "roaming": false, "direct_payment": false, "roaming_plus": [] });
        let go = async || {
            let reply = client.send(client.request(method, &path).json(&body)).await;
            assert_eq!(client.patch(&access(&station), &off).await.status, 200, "what is on can be switched off");
            reply
        };
        let went = go().await;
        assert_eq!(went.status, works, "{feature}: with no catalogue {}", went.body);
        let (code, other) = (format!("P{at}"), format!("Q{at}"));
        let product = sell(&world.root(), "station", &code, &[feature], "9.90").await;
        let partners = sell(&world.root(), "partner", &other, &[feature], "99").await;
        let refused = |reply: &crate::world::Reply| {
            assert_eq!((reply.status, reply.code()), (403, "product_needed"), "{feature}: {}", reply.body);
            let detail = reply.body["detail"].as_str().unwrap();
            assert!(detail.contains(feature) && detail.contains(&format!("{code}, {other}")), "{detail}");
        };
        refused(&go().await);
        buy(&client, json!({ "product_id": product, "station_ids": [station] })).await;
        assert_eq!(go().await.status, works, "{feature}");
        buy(&client, json!({ "product_id": product, "action": "end", "station_ids": [station] })).await;
        refused(&go().await);
        // What nobody sells needs nothing.
        for id in [product, partners] {
            let gone = world.root().patch(&format!("/v1/products/{id}"), json!({ "state": "withdrawn" })).await;
            assert_eq!(gone.status, 200);
        }
        assert_eq!(go().await.status, works, "{feature}");
    }
}

async fn numbered(world: &World, partner: impl std::fmt::Display, number: &str) {
    world.sql(&format!("update partner set debtor_number = '{number}' where id = '{partner}'")).await;
}

async fn clears(client: &Client, station: &str) -> (u16, String) {
    let reply = client.post(&format!("/v1/stations/{station}/commands"), json!({ "type": "clear_cache" })).await;
    (reply.status, reply.body["detail"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partners_product_is_for_all_below_it_and_each_seller_counts() {
    let world = World::new().await;
    let (root, reseller) = (world.root(), world.partner("Händler", "reseller").await);
    let below = world.partner_below(reseller, "Unter", "sub_cpo").await;
    numbered(&world, reseller, "1").await;
    numbered(&world, below, "2").await;
    let (middle, client) = (world.client(reseller, Permission::ALL), world.client(below, Permission::ALL));
    let neighbour = world.client(world.partner("Daneben", "cpo").await, Permission::ALL);
    let (station, other) = (build(&client, "CP1").await.station, build(&neighbour, "CP2").await.station);
    let whole = sell(&root, "partner", "ALL", &["remote_control"], "500").await;
    assert_eq!(clears(&client, &station).await.0, 403);
    // What it sells itself does not replace what the platform sells.
    let own = sell(&client, "station", "OWN", &["remote_control"], "0").await;
    buy(&client, json!({ "product_id": own, "station_ids": [station] })).await;
    let (status, detail) = clears(&client, &station).await;
    assert!(status == 403 && detail.ends_with(": ALL"), "{detail}");
    // The reseller has bought it for all below it; what it sells on is bought of it.
    buy(&root, json!({ "product_id": whole, "debtor_number": "1" })).await;
    assert_eq!(clears(&client, &station).await.0, 202);
    let on = sell(&middle, "station", "ON", &["remote_control"], "5").await;
    let (status, detail) = clears(&client, &station).await;
    assert!(status == 403 && detail.ends_with(": ON"), "{detail}");
    buy(&client, json!({ "product_id": on, "station_ids": [station] })).await;
    assert_eq!(clears(&client, &station).await.0, 202);
    assert_eq!(clears(&neighbour, &other).await.0, 403);
    // What partners do needs a product of theirs.
    let emp = world.partner("Strom", "emp").await;
    let contract = json!({ "name": "C", "emp_id": emp });
    client.create("/v1/emp-contracts", contract.clone()).await;
    let market = sell(&root, "partner", "EMP-CPO", &["emp_contracts"], "250").await;
    let refused = client.post("/v1/emp-contracts", &contract).await;
    assert_eq!((refused.status, refused.code()), (403, "product_needed"), "{}", refused.body);
    assert!(refused.body["detail"].as_str().unwrap().contains("emp_contracts needs a product: EMP-CPO"));
    let order = |action: &str| json!({ "product_id": market, "action": action, "debtor_number": "2" });
    buy(&client, order("assign")).await;
    client.create("/v1/emp-contracts", contract.clone()).await;
    buy(&client, order("end")).await;
    assert_eq!(client.post("/v1/emp-contracts", &contract).await.code(), "product_needed");
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_change_of_many_stations_it_is_told_of_each() {
    let world = World::new().await;
    let client = world.client(world.partner("Nordstrom", "cpo").await, Permission::ALL);
    let (bought, not) = (ready(&client, "CP1").await.station, ready(&client, "CP2").await.station);
    let product = sell(&world.root(), "station", "EOP-AC", &["marketing", "roaming_plus"], "9.90").await;
    buy(&client, json!({ "product_id": product, "station_ids": [bought] })).await;
    let body = json!({ "filter": {}, "changes": { "marketing": true, "roaming_plus": ["hubject"] } });
    let result = client.post("/v1/access-information/bulk", &body).await.body;
    assert_eq!((&result["applied"], result["refused"].as_array().unwrap().len()), (&json!(false), 1), "{result}");
    let refused = &result["refused"][0];
    assert_eq!(refused["station_id"], json!(not));
    let told: Vec<Value> = refused["refusals"]
        .as_array()
        .unwrap()
        .iter()
        .map(|refusal| json!([refusal["pointer"], refusal["code"], refusal["feature"], refusal["products"]]))
        .collect();
    let of = |pointer: &str, feature: &str| json!([pointer, "product_needed", feature, ["EOP-AC"]]);
    assert_eq!(told, [of("/changes/marketing", "marketing"), of("/changes/roaming_plus/0", "roaming_plus")]);
    assert_eq!(client.get(&access(&bought)).await.body["marketing"], false, "nothing was changed");
    buy(&client, json!({ "product_id": product, "station_ids": [not] })).await;
    assert_eq!(client.post("/v1/access-information/bulk", &body).await.body["changed"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn publications_follow_what_is_bought() {
    let world = World::new().await;
    let partner = world.partner("Nordstrom", "cpo").await;
    numbered(&world, partner, "4711").await;
    let client = world.client(partner, Permission::ALL);
    let station = ready(&client, "CP1").await.station;
    let on = json!({ "marketing": true, "roaming_plus": ["ocpi"] });
    assert_eq!(client.patch(&access(&station), on).await.status, 200);
    let state = async || states(&world, &client, &station).await;
    let (published, withdrawn) = (pairs(&[("ocpi", "published")]), pairs(&[("ocpi", "withdrawn")]));
    assert_eq!(state().await, published);
    // From now on it is sold, and not bought.
    let product = sell(&world.root(), "station", "EOP-AC", &["roaming_plus"], "9.90").await;
    assert_eq!(state().await, withdrawn);
    let row = client.get("/v1/publications").await.body["items"][0].clone();
    assert_eq!((&row["reason"], &row["items"][0]["item"]), (&json!("not_ready"), &json!("product")), "{row}");
    let problem = &row["items"][0]["problems"][0];
    assert_eq!(problem["message"], "roaming_plus needs a product: EOP-AC");
    let readiness = client.get(&format!("/v1/stations/{station}/readiness")).await.body;
    assert_eq!(readiness["ocpi"]["ready"], false, "{readiness}");
    let order = |action: &str, from: i64| {
        let from = (from > 0).then(|| (world.app.now() + TimeDelta::days(from)).to_string());
        json!({ "product_id": product, "action": action, "station_ids": [station], "valid_from": from })
    };
    // Bought for tomorrow, until the day after: nobody need touch the station for it to come and go.
    buy(&client, order("assign", 1)).await;
    assert_eq!(state().await, withdrawn);
    world.clock.advance(TimeDelta::days(1) + TimeDelta::seconds(1));
    assert_eq!(state().await, published);
    buy(&client, order("end", 1)).await;
    assert_eq!(state().await, published);
    world.clock.advance(TimeDelta::days(1) + TimeDelta::seconds(1));
    assert_eq!(state().await, withdrawn);
    // By way of the partner; and when the seller gives the feature up.
    let whole = sell(&world.root(), "partner", "ALL", &["roaming_plus"], "99").await;
    let all = |action: &str| json!({ "product_id": whole, "action": action, "debtor_number": "4711" });
    buy(&client, all("assign")).await;
    assert_eq!(state().await, published);
    buy(&client, all("end")).await;
    assert_eq!(state().await, withdrawn);
    for id in [product, whole] {
        let path = format!("/v1/products/{id}");
        assert_eq!(world.root().patch(&path, json!({ "enables": [] })).await.status, 200);
    }
    assert_eq!(state().await, published);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_of_many_stations_leaves_out_those_without() {
    let world = World::new().await;
    let client = world.client(world.partner("Nordstrom", "cpo").await, Permission::ALL);
    let (with, without) = (build(&client, "CP1").await.station, build(&client, "CP2").await.station);
    world
        .sql(
            "insert into ocpp_message (id, at, partner_id, location_id, station_id, direction, kind, action, message_id, payload, \
               quirks) \
             select gen_random_uuid(), now(), partner_id, location_id, id, 'in', 'call', 'Heartbeat', 'm', '{}', \
               '{}' from station",
        )
        .await;
    let seen = async || {
        let page = client.get("/v1/ocpp-messages").await.body;
        let items = page["items"].as_array().unwrap().iter().map(|row| row["station_id"].as_str().unwrap().to_owned());
        items.collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(seen().await, [with.clone(), without.clone()].into());
    let product = sell(&world.root(), "station", "MON", &["monitoring"], "1").await;
    assert_eq!(seen().await, [].into());
    buy(&client, json!({ "product_id": product, "station_ids": [with] })).await;
    assert_eq!(seen().await, [with.clone()].into());
    assert_eq!(client.get(&format!("/v1/ocpp-messages?station_id={without}")).await.code(), "product_needed");
    // A stranger learns nothing of it.
    let stranger = world.client(world.partner("Theirs", "cpo").await, Permission::ALL);
    assert_eq!(stranger.get(&format!("/v1/ocpp-messages?station_id={without}")).await.body["items"], json!([]));
}
