//! Contracts with providers: whose drivers are let in, what their providers pay, who may change what.

use chrono::TimeDelta;
use serde_json::{Value, json};
use stromtor_domain::{actor::Permission, tenancy::partner::PartnerId};
use stromtor_ocpp::sim::Simulator;

use crate::{
    billing::cdr::{charge, open, settle},
    world::{Client, World},
};

/// A station that takes drivers of other providers.
pub async fn roam(operator: &Client, station: &str) {
    let path = format!("/v1/stations/{station}/access-information");
    let on = operator.patch(&path, json!({ "marketing": true, "roaming": true })).await;
    assert_eq!(on.status, 200, "{}", on.body);
}

/// A contract that both have agreed to.
pub async fn agree(operator: &Client, provider: &Client, emp: PartnerId, extra: Value) -> String {
    let mut input = json!({ "name": "Roaming", "emp_id": emp });
    input.as_object_mut().unwrap().extend(extra.as_object().cloned().unwrap_or_default());
    let contract = operator.create("/v1/emp-contracts", input).await;
    assert_eq!(contract.get("accepted_at"), None);
    let path = format!("/v1/emp-contracts/{}", contract["id"].as_str().unwrap());
    let accepted = provider.post(&format!("{path}/accept"), json!(null)).await;
    assert_eq!(accepted.status, 200, "{}", accepted.body);
    assert!(accepted.body["accepted_at"].is_string());
    path
}

#[tokio::test(flavor = "multi_thread")]
async fn a_providers_driver_charges_where_a_contract_says_so() {
    let world = World::new().await;
    let business = open(&world, "CP1").await;
    let client = &business.client;
    let emp = world.partner("Fahrstrom", "emp").await;
    let provider = world.client(emp, Permission::ALL);
    provider.create("/v1/tokens", json!({ "kind": "rfid", "uid": "EE01", "status": "active" })).await;
    let found = client.get("/v1/emps?search=strom").await.body;
    assert_eq!(found["items"], json!([{ "id": emp, "name": "Fahrstrom" }]));
    let point = &business.estate.charge_point;
    let why = async || {
        let tried =
            client.post("/v1/authorizations/evaluate", json!({ "charge_point_id": point, "uid": "EE01" })).await;
        tried.body["reason"].as_str().unwrap().to_owned()
    };
    let station = Simulator::connect(&world.gateway(), "CP1", &business.password).await.unwrap();
    let ask =
        async || station.call("Authorize", json!({ "idTag": "EE01" })).await.unwrap()["idTagInfo"]["status"].clone();
    assert_eq!((why().await.as_str(), ask().await), ("roaming_off", json!("Invalid")));
    roam(client, &business.estate.station).await;
    assert_eq!((why().await.as_str(), ask().await), ("no_contract", json!("Invalid")));

    // Offered is not agreed; the provider agrees, nobody else.
    let offer = client.create("/v1/emp-contracts", json!({ "name": "Offer", "emp_id": emp })).await;
    let offer = format!("/v1/emp-contracts/{}", offer["id"].as_str().unwrap());
    assert_eq!(why().await, "no_contract");
    assert_eq!(client.post(&format!("{offer}/accept"), json!(null)).await.code(), "not_the_provider");
    assert_eq!(provider.patch(&offer, json!({ "enabled": false })).await.code(), "not_the_operator");
    assert_eq!(provider.delete(&offer).await.code(), "not_the_operator");
    assert_eq!(provider.get("/v1/emp-contracts?accepted=false").await.body["items"].as_array().unwrap().len(), 1);
    let other = world.client(world.partner("Other", "emp").await, Permission::ALL);
    assert_eq!(other.get(&offer).await.status, 404);
    assert_eq!(other.get("/v1/emp-contracts").await.body["items"], json!([]));
    assert_eq!(client.delete(&offer).await.status, 204);

    let contract = agree(client, &provider, emp, json!({})).await;
    assert_eq!((why().await.as_str(), ask().await), ("contract_holds", json!("Accepted")));
    assert_eq!(client.delete(&contract).await.code(), "contract_accepted");
    // Ended, disabled, begun later: each refuses.
    let now = world.app.now();
    for (change, back) in [
        (json!({ "valid_until": now }), json!({ "valid_until": null })),
        (json!({ "enabled": false }), json!({ "enabled": true })),
        (json!({ "valid_from": now + TimeDelta::hours(1) }), json!({ "valid_from": null })),
    ] {
        assert_eq!(client.patch(&contract, change).await.status, 200);
        assert_eq!((why().await.as_str(), ask().await), ("no_contract", json!("Invalid")));
        assert_eq!(client.patch(&contract, back).await.status, 200);
        assert_eq!(why().await, "contract_holds");
    }
    // Where permissions are needed, a contract must name the charge point.
    client.patch(&format!("/v1/charge-points/{point}"), json!({ "access_policy": "permitted" })).await;
    assert_eq!(why().await, "no_permission");
    let group = client.create("/v1/charge-point-groups", json!({ "name": "Open to Fahrstrom" })).await;
    client.patch(&contract, json!({ "charge_point_group_id": group["id"] })).await;
    assert_eq!(why().await, "no_contract");
    let members = format!("/v1/charge-point-groups/{}/members", group["id"].as_str().unwrap());
    assert_eq!(client.post(&members, json!({ "charge_point_ids": [point] })).await.status, 204);
    assert_eq!((why().await.as_str(), ask().await), ("contract_holds", json!("Accepted")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_pays_what_its_contract_says() {
    let world = World::new().await;
    let business = open(&world, "CP1").await;
    let client = &business.client;
    let emp = world.partner("Fahrstrom", "emp").await;
    let provider = world.client(emp, Permission::ALL);
    provider.create("/v1/tokens", json!({ "kind": "rfid", "uid": "EE01", "status": "active" })).await;
    let price = json!({ "name": "For Fahrstrom", "code": "EMP", "currency": "EUR", "ac": { "per_kwh": "0.3000" } });
    let tariff = client.create("/v1/tariffs", price).await;
    roam(client, &business.estate.station).await;
    agree(client, &provider, emp, json!({ "tariff_id": tariff["id"], "markup_percent": "10" })).await;
    let point = &business.estate.charge_point;
    let tried =
        client.post("/v1/authorizations/evaluate", json!({ "charge_point_id": point, "uid": "EE01" })).await.body;
    assert_eq!((&tried["tariff_id"], &tried["prices"][0]["net"]), (&tariff["id"], &json!("0.3300")), "{tried}");
    world.clock.advance(TimeDelta::hours(2));
    let station = Simulator::connect(&world.gateway(), "CP1", &business.password).await.unwrap();
    charge(&world, &station, "EE01", json!({})).await;
    // A change of the tariff is for later sessions.
    let dearer = json!({ "ac": { "per_kwh": "0.9000" } });
    let changed = client.patch(&format!("/v1/tariffs/{}", tariff["id"].as_str().unwrap()), dearer).await;
    assert_eq!(changed.status, 200, "{}", changed.body);
    settle(&world).await;
    let session = client.get("/v1/sessions").await.body["items"][0].clone();
    assert_eq!((&session["auth_source"], &session["emp_id"]), (&json!("emarketplace"), &json!(emp)), "{session}");
    // 11 kWh: the operator's 0.30, and the platform's ten per cent on top.
    let leg = |body: &Value| {
        let cdr = &body["items"][0];
        (cdr["leg"].clone(), cdr["total_net"].clone(), cdr["rating"].get("markup_percent").cloned())
    };
    assert_eq!(leg(&client.get("/v1/cdrs").await.body), (json!(1), json!("3.3000"), None));
    assert_eq!(leg(&provider.get("/v1/cdrs").await.body), (json!(2), json!("3.6300"), Some(json!("10.00"))));
    // The operator's own drivers pay the charge point's tariff.
    world.clock.advance(TimeDelta::hours(2));
    charge(&world, &station, "04A2B3C4", json!({})).await;
    settle(&world).await;
    let own = client.get("/v1/cdrs?limit=1").await.body["items"][0].clone();
    assert_eq!((&own["total_net"], &own["id_tag"]), (&json!("6.1900"), &json!("04A2B3C4")));
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_contracts_are_refused() {
    let world = World::new().await;
    let business = open(&world, "CP1").await;
    let client = &business.client;
    let emp = world.partner("Fahrstrom", "emp").await;
    let cpo = world.partner("Theirs", "cpo").await;
    let stranger = world.client(cpo, Permission::ALL);
    let theirs = stranger.create("/v1/charge-point-groups", json!({ "name": "Theirs" })).await;
    let good = json!({ "name": "Roaming", "emp_id": emp });
    let (now, before) = (world.app.now(), world.app.now() - TimeDelta::hours(1));
    for (wrong, pointer) in [
        (json!({ "emp_id": cpo }), "/emp_id"),
        (json!({ "markup_percent": "-1" }), "/markup_percent"),
        (json!({ "markup_percent": "1000.01" }), "/markup_percent"),
        (json!({ "valid_from": now, "valid_until": before }), "/valid_until"),
        (json!({ "charge_point_group_id": theirs["id"] }), "/charge_point_group_id"),
    ] {
        let mut input = good.clone();
        input.as_object_mut().unwrap().extend(wrong.as_object().unwrap().clone());
        let refused = client.post("/v1/emp-contracts", input).await;
        assert_eq!((refused.status, refused.pointers()), (422, vec![pointer]), "{}", refused.body);
    }
    let contract = client.create("/v1/emp-contracts", good).await;
    let path = format!("/v1/emp-contracts/{}", contract["id"].as_str().unwrap());
    let other = world.partner("Other", "emp").await;
    for (change, pointer) in
        [(json!({ "emp_id": other }), "/emp_id"), (json!({ "markup_percent": "5" }), "/markup_percent")]
    {
        let refused = client.patch(&path, change).await;
        assert_eq!((refused.status, refused.pointers()), (422, vec![pointer]), "{}", refused.body);
    }
    assert_eq!(client.get(&path).await.body, contract);
}
