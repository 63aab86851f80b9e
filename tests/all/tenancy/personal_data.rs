//! Personal data is handed out and erased; financial rows stay.

use chrono::TimeDelta;
use serde_json::json;
use stromtor_ocpp::sim::Simulator;

use crate::{
    billing::cdr::{charge, open, settle},
    world::World,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_token_holder_is_forgotten_and_the_money_stays() {
    let world = World::new().await;
    let business = open(&world, "CP1").await;
    let client = &business.client;
    let token = client.get("/v1/tokens").await.body["items"][0]["id"].as_str().unwrap().to_owned();
    client.patch(&format!("/v1/tokens/{token}"), json!({ "label": "Ada Lovelace" })).await;
    world.clock.advance(TimeDelta::hours(2));
    let station = Simulator::connect(&world.gateway(), "CP1", &business.password).await.unwrap();
    charge(&world, &station, "04A2B3C4", json!({})).await;
    settle(&world).await;
    let path = format!("/v1/tokens/{token}/personal-data");
    let data = client.get(&path).await.body;
    for list in ["authorizations", "sessions", "cdrs"] {
        assert_eq!(data[list].as_array().unwrap().len(), 1, "{list}: {data}");
    }
    assert_eq!(data["token"]["label"], "Ada Lovelace");
    let gross = data["cdrs"][0]["total_gross"].clone();
    assert_eq!(client.delete(&path).await.status, 204);
    let kept = "select string_agg(t, '') as value from (select token::text t from token union all select session::text from \
        session union all select cdr::text from cdr union all select a::text from authorization_attempt a union all \
        select e::text from audit_entry e) all_of_it";
    let text = world.texts(kept).await.concat();
    assert!(!text.to_uppercase().contains("04A2B3C4") && !text.contains("Lovelace"), "something is left: {text}");
    let cdr = client.get("/v1/cdrs").await.body["items"][0].clone();
    assert_eq!((&cdr["total_gross"], cdr.get("id_tag")), (&gross, None));
    let refused = station.call("Authorize", json!({ "idTag": "04A2B3C4" })).await.unwrap();
    assert_eq!(refused["idTagInfo"]["status"], "Invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_is_forgotten() {
    let world = World::new().await;
    let client = world.root();
    let user = client
        .create("/v1/users", json!({ "email": "ada@example.com", "name": "Ada Lovelace", "roles": ["viewer"] }))
        .await;
    let path = format!("/v1/users/{}/personal-data", user["id"].as_str().unwrap());
    assert_eq!(client.get(&path).await.body["user"]["email"], "ada@example.com");
    assert_eq!(client.delete(&path).await.status, 204);
    let text = world.texts("select string_agg(t, '') as value from (select app_user::text t from app_user union all select e::text from audit_entry e) x").await.concat();
    assert!(!text.contains("ada@example.com") && !text.contains("Lovelace"), "{text}");
    let erased = client.get(&format!("/v1/users/{}", user["id"].as_str().unwrap())).await.body;
    assert_eq!((&erased["status"], &erased["name"]), (&json!("disabled"), &json!("erased")));
}

#[tokio::test(flavor = "multi_thread")]
async fn filter_lists_show_one_s_own() {
    let world = World::new().await;
    let business = open(&world, "CP1").await;
    let stranger = world.client(world.partner("Theirs", "cpo").await, stromtor_domain::actor::Permission::ALL);
    let towns = "/v1/distinct-values?column=location.city";
    let own = business.client.get(towns).await.body;
    assert_eq!(own["values"].as_array().unwrap().len(), 1, "{own}");
    assert_eq!(business.client.get(&format!("{towns}&prefix=zz")).await.body["values"], json!([]));
    assert_eq!(stranger.get(towns).await.body["values"], json!([]));
    for column in
        ["station.vendor", "charge_point.status", "session.stop_reason", "cdr.held_reason", "ocpp_message.action"]
    {
        assert_eq!(business.client.get(&format!("/v1/distinct-values?column={column}")).await.status, 200, "{column}");
    }
    assert_eq!(stranger.get("/v1/distinct-values?column=app_user.password_hash").await.status, 422);
}
