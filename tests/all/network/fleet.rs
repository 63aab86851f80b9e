//! Stations by the dozen, copies, changes of operator, notes, the catalogue, adoption.

use serde_json::{Value, json};
use stromtor_domain::actor::Permission;
use stromtor_ocpp::sim::Simulator;

use super::station::body;
use crate::world::World;

fn id(body: &Value) -> &str {
    body["id"].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_all_or_nothing() {
    let world = World::new().await;
    let client = world.client(world.partner("Nordstrom", "cpo").await, Permission::ALL);
    let site = client.create("/v1/locations", super::location::body("Here")).await;
    let point = |code: &str| {
        json!({ "charge_point": { "code": code, "evse_number": 1, "current_type": "ac" },
        "connectors": [{ "ocpp_connector_id": 1, "standard": "iec_62196_t2", "format": "socket", "power_type": "ac_3_phase",
            "max_voltage_v": 400, "max_current_a": 32 }] })
    };
    let station = |identity: &str| json!({ "station": body(id(&site), identity), "charge_points": [point(identity)] });
    let all: Vec<Value> = (0..1000).map(|number| station(&format!("CP{number}"))).collect();
    let mut wrong = all.clone();
    wrong[3]["station"]["ocpp_identity"] = json!("CP2");
    wrong[7]["charge_points"][0]["charge_point"]["evse_number"] = json!(0);
    wrong[9]["charge_points"][0]["connectors"][0]["max_voltage_v"] = json!(0);
    let refused = client.post("/v1/stations/batch", json!({ "stations": wrong })).await;
    assert_eq!(
        refused.pointers(),
        [
            "/stations/3/station/ocpp_identity",
            "/stations/7/charge_points/0/charge_point/evse_number",
            "/stations/9/charge_points/0/connectors/0/max_voltage_v"
        ],
        "{}",
        refused.body
    );
    let mut typed = all[..2].to_vec();
    typed[1]["station"]["installed_on"] = json!("soon");
    let refused = client.post("/v1/stations/batch", json!({ "stations": typed })).await;
    assert_eq!(refused.pointers(), ["/stations/1/station/installed_on"]);
    client.create("/v1/stations", body(id(&site), "CP500")).await;
    let taken = client.post("/v1/stations/batch", json!({ "stations": all })).await;
    assert_eq!((taken.status, taken.pointers()), (422, vec!["/stations/500/station/ocpp_identity"]));
    assert_eq!(world.texts("select count(*)::text as value from station").await, ["1"], "nothing was done");
    let rest: Vec<Value> = all.into_iter().filter(|new| new["station"]["ocpp_identity"] != "CP500").collect();
    let created = client.post("/v1/stations/batch", json!({ "stations": rest })).await;
    assert_eq!((created.status, created.body["stations"].as_array().unwrap().len()), (200, 999));
    assert_eq!(world.texts("select count(*)::text as value from connector").await, ["999"]);
    let foreign = world.client(world.partner("Theirs", "cpo").await, Permission::ALL);
    let planted = foreign.post("/v1/stations/batch", json!({ "stations": [station("X")] })).await;
    assert_eq!(planted.pointers(), ["/stations/0/station/location_id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clone_has_the_parts_and_not_what_is_one_piece_s_own() {
    let world = World::new().await;
    let client = world.client(world.partner("Nordstrom", "cpo").await, Permission::ALL);
    let estate = super::station::build(&client, "CP1").await;
    let point = format!("/v1/charge-points/{}", estate.charge_point);
    client.patch(&point, json!({ "evse_id": "DE*ISE*E1*1", "meter_public_key": "3059" })).await;
    let station = format!("/v1/stations/{}", estate.station);
    client
        .patch(&station, json!({ "serial_number": "S-1", "external_id": "SAP-1", "attributes": { "colour": "red" } }))
        .await;
    let copy = client.post(&format!("{station}/clone"), json!({ "ocpp_identity": "CP2" })).await;
    assert_eq!(copy.status, 201, "{}", copy.body);
    assert_eq!(
        (&copy.body["installation_status"], &copy.body["attributes"]["colour"]),
        (&json!("planned"), &json!("red"))
    );
    assert!(copy.body.get("serial_number").is_none() && copy.body.get("external_id").is_none());
    let points = client.get(&format!("/v1/charge-points?station_id={}", copy.id())).await.body["items"].clone();
    assert_eq!(points[0]["code"], "CP2-1");
    assert!(points[0].get("evse_id").is_none() && points[0].get("meter_public_key").is_none());
    let connectors = client.get(&format!("/v1/connectors?station_id={}", copy.id())).await.body["items"].clone();
    assert_eq!((connectors.as_array().unwrap().len(), &connectors[0]["max_power_kw"]), (1, &json!("22.000000")));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_operator_takes_a_station_over_and_history_stays() {
    let world = World::new().await;
    let business = crate::billing::cdr::open(&world, "CP1").await;
    let (seller, estate) = (&business.client, &business.estate);
    let other = world.partner("Südstrom", "cpo").await;
    let buyer = world.client(other, Permission::ALL);
    let there = buyer.create("/v1/locations", super::location::body("There")).await;
    let note = seller
        .create(
            &format!("/v1/notes?station_id={}", estate.station),
            json!({ "text": "Ours", "noted_on": "2026-11-01" }),
        )
        .await;
    world.clock.advance(chrono::TimeDelta::hours(2));
    let url = world.gateway();
    let station = Simulator::connect(&url, "CP1", &business.password).await.unwrap();
    let at = world.app.now().to_ocpp();
    let start = json!({ "connectorId": 1, "idTag": "04A2B3C4", "meterStart": 0, "timestamp": at });
    let running = station.call("StartTransaction", start).await.unwrap()["transactionId"].clone();
    let transfer = format!("/v1/stations/{}/transfer", estate.station);
    let target = json!({ "location_id": there["id"] });
    // The seller does not see the buyer's location, nor the buyer the seller's station: the platform brings them together.
    assert_eq!(seller.post(&transfer, &target).await.pointers(), ["/location_id"]);
    assert_eq!(buyer.post(&transfer, &target).await.status, 404);
    assert_eq!(world.root().post(&transfer, &target).await.code(), "station_in_session");
    let stop = json!({ "transactionId": running, "meterStop": 10, "timestamp": world.app.now().to_ocpp() });
    station.call("StopTransaction", stop).await.unwrap();
    let moved = world.root().post(&transfer, &target).await;
    assert_eq!((moved.status, &moved.body["partner_id"]), (200, &json!(other)), "{}", moved.body);
    for path in [
        format!("/v1/stations/{}", estate.station),
        format!("/v1/charge-points/{}", estate.charge_point),
        format!("/v1/connectors/{}", estate.connector),
        format!("/v1/charge-points/{}/live", estate.charge_point),
    ] {
        assert_eq!((seller.get(&path).await.status, buyer.get(&path).await.status), (404, 200), "{path}");
    }
    assert_eq!(seller.get("/v1/sessions").await.body["items"].as_array().unwrap().len(), 1);
    assert_eq!(buyer.get("/v1/sessions").await.body["items"], json!([]));
    assert_eq!(seller.get(&format!("/v1/notes/{}", id(&note))).await.status, 200);
    assert_eq!(buyer.get("/v1/notes").await.body["items"], json!([]));
    // What it does from now on is the buyer's; the seller's tariff does not hold there.
    for _ in 0..100 {
        if !station.is_connected() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let station = Simulator::connect(&url, "CP1", &business.password).await.unwrap();
    crate::billing::cdr::charge(&world, &station, "04A2B3C4", json!({})).await;
    let sessions = buyer.get("/v1/sessions").await.body["items"].clone();
    assert_eq!(sessions.as_array().unwrap().len(), 1);
    assert!(sessions[0].get("tariff_version_id").is_none(), "{sessions}");
    assert_eq!(seller.get("/v1/sessions").await.body["items"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_station_is_adopted_by_its_exact_identity() {
    let world = World::new().await;
    let client = world.client(world.partner("Nordstrom", "cpo").await, Permission::ALL);
    let site = client.create("/v1/locations", super::location::body("Here")).await;
    let url = world.gateway();
    for _ in 0..2 {
        assert!(Simulator::connect(&url, "NEW-1", "x").await.is_err());
    }
    let seen = world.root().get("/v1/unknown-stations").await.body["items"].clone();
    assert_eq!((&seen[0]["ocpp_identity"], &seen[0]["attempts"]), (&json!("NEW-1"), &json!(2)));
    assert_eq!(client.get("/v1/unknown-stations").await.body["items"], json!([]), "the platform alone sees the list");
    let adopt = |identity: &str| json!({ "ocpp_identity": identity, "location_id": site["id"] });
    assert_eq!(client.post("/v1/stations/adopt", adopt("new-1")).await.status, 404);
    let adopted = client.post("/v1/stations/adopt", adopt("NEW-1")).await;
    assert_eq!(adopted.status, 201, "{}", adopted.body);
    assert_eq!(client.post("/v1/stations/adopt", adopt("NEW-1")).await.status, 404, "it is not unknown any more");
    let password = client.post(&format!("/v1/stations/{}/password", adopted.id()), json!(null)).await;
    Simulator::connect(&url, "NEW-1", password.body["password"].as_str().unwrap()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_a_password_is_slowed_down() {
    let world = World::new().await;
    let client = world.client(world.partner("Nordstrom", "cpo").await, Permission::ALL);
    let (estate, password) = crate::ocpp::door::station(&client, "CP1").await;
    let url = world.gateway();
    let mut answers = Vec::new();
    for _ in 0..7 {
        answers.push(Simulator::connect(&url, "CP1", "guess").await.unwrap_err().to_string());
    }
    assert!(answers[0].contains("401") && answers[6].contains("429"), "{answers:?}");
    let live = client.get(&format!("/v1/stations/{}/live", estate.station)).await.body;
    assert!(live["refused_attempts"].as_i64().unwrap() >= 5, "{live}");
    tokio::time::sleep(std::time::Duration::from_millis(2100)).await;
    Simulator::connect(&url, "CP1", &password).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_catalogue_is_the_platform_s() {
    let world = World::new().await;
    let client = world.client(world.partner("Nordstrom", "cpo").await, Permission::ALL);
    let maker = world.root().create("/v1/manufacturers", json!({ "name": "Alfen" })).await;
    let refused = client.post("/v1/manufacturers", json!({ "name": "Mine" })).await;
    assert_eq!((refused.status, &refused.body["permission"]), (403, &json!("platform:admin")));
    assert_eq!(world.root().post("/v1/manufacturers", json!({ "name": "ALFEN" })).await.code(), "already_exists");
    let model = json!({ "manufacturer_id": id(&maker), "name": "Eve", "ocpp_versions": ["1.6"], "calibration_law_method": "Alfen" });
    let model = world.root().create("/v1/station-models", model).await;
    let seen = client.get("/v1/station-models?name=eve").await.body["items"].clone();
    assert_eq!(seen[0]["id"], model["id"]);
    let site = client.create("/v1/locations", super::location::body("Here")).await;
    let mut station = body(id(&site), "CP1");
    station["model_id"] = model["id"].clone();
    client.create("/v1/stations", station).await;
    assert_eq!(world.root().delete(&format!("/v1/station-models/{}", id(&model))).await.code(), "in_use");
    assert_eq!(world.root().delete(&format!("/v1/manufacturers/{}", id(&maker))).await.code(), "in_use");
}
