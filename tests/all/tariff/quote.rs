//! Quotes, the OCPI form, and a real session by the clock.

use chrono::TimeDelta;
use serde_json::{Value, json};
use stromtor_domain::actor::Permission;
use stromtor_ocpp::sim::Simulator;

use crate::{
    billing::cdr::{open, settle},
    world::World,
};

fn night() -> Value {
    json!({ "name": "Night", "code": "NIGHT", "currency": "EUR", "ac": {
        "per_kwh": "0.49", "per_minute": "0.02", "from_minute": 60, "max_price": "30",
        "elements": [{ "restrictions": { "start_time": "22:00", "end_time": "06:00" }, "per_kwh": "0.29" }] } })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quote_is_computed_by_the_code_that_rates_sessions() {
    let world = World::new().await;
    let client = world.client(world.partner("Nordstrom", "cpo").await, Permission::ALL);
    let tariff = client.create("/v1/tariffs", night()).await;
    let quote = format!("/v1/tariffs/{}/quote", tariff["id"].as_str().unwrap());
    // From 21:00 to 23:00 at an even pace: 10 kWh by day, 10 by night, an hour of the blocking fee.
    let profile =
        json!({ "current_type": "ac", "energy_kwh": "20", "duration_s": 7200, "started_at": "2026-11-23T20:00:00Z" });
    let answer = client.post(&quote, profile.clone()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let cost = &answer.body["cost"];
    // 10 × 0.49 + 10 × 0.29 + 60 × 0.02 = 9.00; 19 %.
    assert_eq!((&cost["total_net"], &cost["total_gross"]), (&json!("9.0000"), &json!("10.71")), "{cost}");
    let shown: Vec<(&str, &str)> = answer.body["prices"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| (line["kind"].as_str().unwrap(), line["net"].as_str().unwrap()))
        .collect();
    assert!(shown.contains(&("energy", "0.2900")) && shown.contains(&("energy", "0.4900")), "{shown:?}");
    // All of it is taken before ten: none of it at night.
    let mut early = profile.clone();
    early["course"] = json!([{ "at_s": 3600, "energy_kwh": "20" }]);
    let early = client.post(&quote, early).await.body;
    assert_eq!(early["cost"]["total_net"], "11.0000", "{early}");
    for (field, value, pointer) in [
        ("energy_kwh", json!("-1"), "/energy_kwh"),
        ("energy_kwh", json!(20), "/energy_kwh"),
        ("duration_s", json!(-1), "/duration_s"),
        ("current_type", json!("dc"), "/current_type"),
        ("course", json!([{ "at_s": 7200, "energy_kwh": "1" }]), "/course/0/at_s"),
        ("time_zone", json!("Mars/Base"), "/time_zone"),
        ("country", json!("JP"), "/country"),
    ] {
        let mut wrong = profile.clone();
        wrong[field] = value;
        let refused = client.post(&quote, wrong).await;
        assert_eq!((refused.status, refused.pointers()), (422, vec![pointer]), "{field}: {}", refused.body);
    }
    let wrong = json!({ "name": "X", "code": "X", "currency": "EUR", "ac": { "per_kwh": "1",
        "elements": [{ "restrictions": { "start_time": "25:00" }, "per_kwh": "1" }] } });
    let refused = client.post("/v1/tariffs", wrong).await;
    assert_eq!(refused.pointers(), ["/ac/elements/0/restrictions/start_time"], "{}", refused.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_version_has_its_ocpi_form() {
    let world = World::new().await;
    let client = world.client(world.partner("Nordstrom", "cpo").await, Permission::ALL);
    let tariff = client.create("/v1/tariffs", night()).await;
    let of = |version: &Value| {
        format!("/v1/tariffs/{}/versions/{}/ocpi?country=DE", tariff["id"].as_str().unwrap(), version.as_str().unwrap())
    };
    let form = client.get(&of(&tariff["version_id"])).await.body;
    assert_eq!(form.get("dc"), None);
    let elements = form["ac"]["elements"].as_array().unwrap();
    assert_eq!(
        elements[0],
        json!({ "price_components": [{ "type": "ENERGY", "price": 0.29, "vat": 19, "step_size": 1 }],
            "restrictions": { "start_time": "22:00", "end_time": "06:00" } })
    );
    // The minute counts from the begin of the session, whether energy flows or not.
    let blocking = elements.iter().find(|element| element["restrictions"]["min_duration"] == 3600).unwrap();
    let kinds: Vec<&Value> = blocking["price_components"].as_array().unwrap().iter().map(|one| &one["type"]).collect();
    assert_eq!(kinds, ["TIME", "PARKING_TIME"]);
    assert_eq!(blocking["price_components"][0]["price"], 1.2);
    assert_eq!(form["ac"]["max_price"], json!({ "excl_vat": 30, "incl_vat": 35.7 }));
    // It is the version's: a change of the tariff does not touch it.
    let path = format!("/v1/tariffs/{}", tariff["id"].as_str().unwrap());
    let changed = client.patch(&path, json!({ "ac": { "per_kwh": "0.39" } })).await.body;
    assert_eq!(client.get(&of(&tariff["version_id"])).await.body, form);
    assert_ne!(client.get(&of(&changed["version_id"])).await.body, form);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_priced_by_the_clock_of_its_place() {
    let world = World::new().await;
    let business = open(&world, "CP1").await;
    let client = &business.client;
    let tariff = client.create("/v1/tariffs", night()).await;
    let assignment = json!({ "tariff_id": tariff["id"], "charge_point_id": business.estate.charge_point });
    client.create("/v1/tariff-assignments", assignment).await;
    // Some evening, 21:30 in Berlin.
    let begin = chrono::DateTime::from_timestamp_millis(world.app.now().millis()).unwrap();
    let berlin = begin.with_timezone(&chrono_tz::Europe::Berlin);
    let evening = (berlin.date_naive() + TimeDelta::days(1)).and_hms_opt(21, 30, 0).unwrap();
    let evening = evening.and_local_timezone(chrono_tz::Europe::Berlin).unwrap();
    world.clock.advance(evening.signed_duration_since(begin));
    let station = Simulator::connect(&world.gateway(), "CP1", &business.password).await.unwrap();
    let at = || world.app.now().to_ocpp();
    let start = json!({ "connectorId": 1, "idTag": "04a2b3c4", "meterStart": 0, "timestamp": at() });
    let transaction = station.call("StartTransaction", start).await.unwrap()["transactionId"].clone();
    for register in ["6000", "10000"] {
        world.clock.advance(TimeDelta::minutes(if register == "6000" { 30 } else { 20 }));
        let values = json!({ "connectorId": 1, "transactionId": transaction,
            "meterValue": [{ "timestamp": at(), "sampledValue": [{ "value": register, "unit": "Wh" }] }] });
        station.call("MeterValues", values).await.unwrap();
    }
    let stop = json!({ "transactionId": transaction, "meterStop": 10_000, "timestamp": at() });
    station.call("StopTransaction", stop).await.unwrap();
    settle(&world).await;
    let cdr = client.get("/v1/cdrs").await.body["items"][0].clone();
    // 6 kWh × 0.49 + 4 kWh × 0.29 = 4.10.
    assert_eq!((&cdr["total_net"], &cdr["total_gross"]), (&json!("4.1000"), &json!("4.88")), "{cdr}");
}
