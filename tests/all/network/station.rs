//! Stations, charge points and connectors over HTTP.

use serde_json::{Value, json};
use stromtor_domain::actor::Permission;

use crate::world::{Client, World};

/// The ids of one station with all it needs.
pub struct Estate {
    pub location: String,
    pub station: String,
    pub charge_point: String,
    pub connector: String,
}

fn id(body: &Value) -> String {
    body["id"].as_str().unwrap().to_owned()
}

pub fn body(location: &str, identity: &str) -> Value {
    json!({ "location_id": location, "ocpp_identity": identity, "installation_status": "commissioned" })
}

pub async fn build(client: &Client, identity: &str) -> Estate {
    let location = id(&client.create("/v1/locations", super::location::body("Ours")).await);
    let station = id(&client.create("/v1/stations", body(&location, identity)).await);
    let charge_point = json!({ "code": format!("{identity}-1"), "evse_number": 1, "current_type": "ac" });
    let charge_point = id(&client.create(&format!("/v1/charge-points?station_id={station}"), charge_point).await);
    let connector = json!({ "ocpp_connector_id": 1, "standard": "iec_62196_t2", "format": "socket",
        "power_type": "ac_3_phase", "max_voltage_v": 400, "max_current_a": 32, "max_power_kw": "22" });
    let connector = id(&client.create(&format!("/v1/connectors?charge_point_id={charge_point}"), connector).await);
    Estate { location, station, charge_point, connector }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_station_moves_with_its_parts() {
    let world = World::new().await;
    let client = world.client(world.partner("Nordstrom", "cpo").await, Permission::ALL);
    let estate = build(&client, "CP1").await;
    let to = id(&client.create("/v1/locations", super::location::body("There")).await);
    let station = format!("/v1/stations/{}", estate.station);
    let moved = client.patch(&station, json!({ "location_id": to })).await;
    assert_eq!(moved.status, 200, "{}", moved.body);
    for path in [format!("/v1/charge-points/{}", estate.charge_point), format!("/v1/connectors/{}", estate.connector)] {
        assert_eq!(client.get(&path).await.body["location_id"], json!(to), "{path}");
    }
    assert_eq!(client.get(&format!("/v1/connectors/{}", estate.connector)).await.body["max_power_kw"], "22.000000");
    assert_eq!(client.get(&format!("{station}/live")).await.body["connected"], false);
    assert_eq!(client.get(&format!("/v1/charge-points/{}/live", estate.charge_point)).await.body["status"], "unknown");
    assert_eq!(client.delete(&station).await.code(), "in_use");
    assert_eq!(client.delete(&format!("/v1/locations/{to}")).await.code(), "in_use");
}

#[tokio::test(flavor = "multi_thread")]
async fn identities_are_unique_and_references_stay_in_the_tenant() {
    let world = World::new().await;
    let ours = world.client(world.partner("Ours", "cpo").await, Permission::ALL);
    let theirs = world.client(world.partner("Theirs", "cpo").await, Permission::ALL);
    let estate = build(&ours, "CP1").await;
    let own = id(&theirs.create("/v1/locations", super::location::body("Theirs")).await);
    let taken = theirs.post("/v1/stations", body(&own, "CP1")).await;
    assert_eq!((taken.status, taken.code()), (409, "already_exists"));
    let planted = theirs.post("/v1/stations", body(&estate.location, "CP2")).await;
    assert_eq!((planted.status, planted.pointers()), (422, vec!["/location_id"]));
    for (change, pointer) in [
        (json!({ "ocpp_identity": "a/b" }), "/ocpp_identity"),
        (json!({ "installation_status": "dismantled" }), "/installation_status"),
        (json!({ "installed_on": "yesterday" }), "/installed_on"),
    ] {
        let refused = ours.patch(&format!("/v1/stations/{}", estate.station), change).await;
        assert_eq!((refused.status, refused.pointers()), (422, vec![pointer]), "{}", refused.body);
    }
    let wrong = json!({ "code": "X", "evse_number": 2, "current_type": "ac", "evse_id": "nonsense" });
    let wrong = ours.post(&format!("/v1/charge-points?station_id={}", estate.station), wrong).await;
    assert_eq!(wrong.pointers(), ["/evse_id"]);
    let float = json!({ "code": "X", "evse_number": 2, "current_type": "ac", "max_power_kw": 22.5 });
    let float = ours.post(&format!("/v1/charge-points?station_id={}", estate.station), float).await;
    assert_eq!(float.pointers(), ["/max_power_kw"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn dismantling_keeps_the_history_and_a_password_is_shown_once() {
    let world = World::new().await;
    let client = world.client(world.partner("Nordstrom", "cpo").await, Permission::ALL);
    let estate = build(&client, "CP1").await;
    let station = format!("/v1/stations/{}", estate.station);
    let set = client.post(&format!("{station}/password"), json!(null)).await;
    let password = set.body["password"].as_str().unwrap().to_owned();
    assert_eq!(password.len(), 20);
    assert!(!client.get("/v1/audit-entries?limit=500").await.body.to_string().contains(&password));
    let gone = client.post(&format!("{station}/dismantle"), json!(null)).await;
    assert_eq!(gone.body["installation_status"], "dismantled");
    assert_eq!(client.patch(&station, json!({ "name": "X" })).await.code(), "station_dismantled");
    assert_eq!(client.get(&format!("/v1/charge-points/{}", estate.charge_point)).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_limited_to_a_location_works_there() {
    let world = World::new().await;
    let cpo = world.partner("Nordstrom", "cpo").await;
    let client = world.client(cpo, Permission::ALL);
    let mine = client.create("/v1/locations", crate::network::location::body("Mine")).await;
    let other = client.create("/v1/locations", crate::network::location::body("Other")).await;
    let limited = world.client_at(cpo, Permission::ALL, Some(vec![mine["id"].as_str().unwrap().parse().unwrap()]));
    let station = limited.create("/v1/stations", body(mine["id"].as_str().unwrap(), "CP1")).await;
    let point = json!({ "code": "CP1-1", "evse_number": 1, "current_type": "ac" });
    let path = format!("/v1/charge-points?station_id={}", station["id"].as_str().unwrap());
    let point = limited.create(&path, point).await;
    let tariff = json!({ "name": "AC", "code": "AC", "currency": "EUR", "ac": { "per_kwh": "0.49" } });
    let tariff = limited.create("/v1/tariffs", tariff).await;
    let plan = limited
        .create("/v1/tariff-plans", json!({ "tariff_id": tariff["id"], "charge_point_ids": [point["id"]] }))
        .await;
    let confirmed =
        limited.post(&format!("/v1/tariff-plans/{}/confirm", plan["id"].as_str().unwrap()), json!(null)).await;
    assert_eq!(confirmed.status, 200, "{}", confirmed.body);
    let refused = limited.post("/v1/stations", body(other["id"].as_str().unwrap(), "CP2")).await;
    assert_eq!(refused.status, 422, "{}", refused.body);
    assert_eq!(limited.get("/v1/locations").await.body["items"].as_array().unwrap().len(), 1);
}
