//! Stations that depart from the specification, treated by what is known of their maker, their model and themselves.

use serde_json::json;
use stromtor_ocpp::sim::Simulator;

use crate::{billing::cdr::open, world::World};

#[tokio::test(flavor = "multi_thread")]
async fn the_nearest_word_counts_and_is_applied() {
    let world = World::new().await;
    let business = open(&world, "CP1").await;
    let (client, id) = (&business.client, &business.estate.station);
    world.clock.advance(chrono::TimeDelta::hours(3));
    let root = world.root();
    let maker = root
        .create(
            "/v1/manufacturers",
            json!({ "name": "Odd", "tolerances": { "time_zone": "America/New_York", "trigger_message": false } }),
        )
        .await;
    let model =
        json!({ "manufacturer_id": maker["id"], "name": "One", "tolerances": { "time_zone": "Europe/Berlin" } });
    let model = root.create("/v1/station-models", model).await;
    let refused = client.patch(&format!("/v1/stations/{id}"), json!({ "tolerances": { "call_timeout_s": 0 } })).await;
    assert_eq!((refused.status, refused.pointers()), (422, vec!["/tolerances/call_timeout_s"]), "{}", refused.body);
    let odd = json!({ "model_id": model["id"], "tolerances": { "energy_unit": "kwh", "trigger_boot": true } });
    let changed = client.patch(&format!("/v1/stations/{id}"), odd).await;
    assert_eq!(changed.status, 200, "{}", changed.body);

    let station = Simulator::connect(&world.gateway(), "CP1", &business.password).await.unwrap();
    // Berlin's hands on the clock, without a zone; whole kilowatt-hours.
    let zone = "Europe/Berlin".parse::<chrono_tz::Tz>().unwrap();
    let local = |minutes: i64| {
        let at = world.app.now() - chrono::TimeDelta::minutes(minutes);
        at.utc().with_timezone(&zone).format("%Y-%m-%dT%H:%M:%S").to_string()
    };
    let start = json!({ "connectorId": 1, "idTag": "04A2B3C4", "meterStart": 100, "timestamp": local(60) });
    let number = station.call("StartTransaction", start).await.unwrap()["transactionId"].clone();
    let stop = json!({ "transactionId": number, "meterStop": 111, "timestamp": local(0) });
    station.call("StopTransaction", stop).await.unwrap();
    let session = client.get("/v1/sessions").await.body["items"][0].clone();
    assert_eq!((&session["energy_wh"], &session["findings"]), (&json!("11000.000000"), &json!([])), "{session}");
    let began = stromtor_domain::Timestamp::parse(session["started_at"].as_str().unwrap()).unwrap();
    let ago = (world.app.now() - began).num_minutes();
    assert!((59..=61).contains(&ago), "{session}");

    let trigger = json!({ "type": "trigger_message", "message": "heartbeat" });
    let refused = client.post(&format!("/v1/stations/{id}/commands"), trigger).await;
    assert_eq!(refused.code(), "trigger_not_tolerated");
    // It has not introduced itself: it is asked to.
    let mut calls = station.calls.lock().await;
    let (action, payload) =
        tokio::time::timeout(std::time::Duration::from_secs(20), calls.recv()).await.unwrap().unwrap();
    assert_eq!((action.as_str(), &payload["requestedMessage"]), ("TriggerMessage", &json!("BootNotification")));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_trips_over_concurrent_tx_and_who_takes_long() {
    let world = World::with(|config| {
        config.session.one_session_per_token = true;
        config.ocpp.call_timeout_s = 60;
    })
    .await;
    let business = open(&world, "CP1").await;
    let (client, path) = (&business.client, format!("/v1/stations/{}", business.estate.station));
    let url = world.gateway();
    let tag = json!({ "idTag": "04A2B3C4" });
    let start =
        json!({ "connectorId": 1, "idTag": "04A2B3C4", "meterStart": 0, "timestamp": world.app.now().to_ocpp() });
    let station = Simulator::connect(&url, "CP1", &business.password).await.unwrap();
    station.call("StartTransaction", start).await.unwrap();
    assert_eq!(station.call("Authorize", tag.clone()).await.unwrap()["idTagInfo"]["status"], "ConcurrentTx");
    let known = json!({ "tolerances": { "concurrent_tx": false, "call_timeout_s": 1 } });
    assert_eq!(client.patch(&path, known).await.status, 200);
    let station = Simulator::connect(&url, "CP1", &business.password).await.unwrap();
    assert_eq!(station.call("Authorize", tag).await.unwrap()["idTagInfo"]["status"], "Invalid");
    drop(station);
    // Nobody answers: the station's own time counts, not the configured one.
    let _silent = super::odd::Odd::connect(&url, "CP1", "CP1", &business.password, "ocpp1.6").await.unwrap();
    let given = client.post(&format!("{path}/commands"), json!({ "type": "clear_cache" })).await.body;
    let command = format!("/v1/commands/{}", given["id"].as_str().unwrap());
    super::door::eventually(client, &command, "state", json!("timed_out")).await;
}
