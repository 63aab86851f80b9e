//! What real networks do to connections, and what is lost on the way.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use stromtor_ocpp::sim::Simulator;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest as _},
};

use super::door::eventually;
use crate::{
    billing::cdr::{open, settle},
    world::{Client, World},
};

type Socket = WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>;

/// A connection that answers nothing by itself.
async fn raw(url: &str, identity: &str, password: &str) -> Socket {
    let mut request = format!("{url}/{identity}").into_client_request().unwrap();
    let basic = format!("Basic {}", STANDARD.encode(format!("{identity}:{password}")));
    request.headers_mut().insert("authorization", basic.parse().unwrap());
    request.headers_mut().insert("sec-websocket-protocol", "ocpp1.6".parse().unwrap());
    connect_async(request).await.unwrap().0
}

/// The next frame.
async fn frame(socket: &mut Socket) -> Value {
    loop {
        let message = tokio::time::timeout(Duration::from_secs(20), socket.next()).await.unwrap().unwrap().unwrap();
        if let Message::Text(text) = message {
            return serde_json::from_str(text.as_str()).unwrap();
        }
    }
}

async fn reasons(client: &Client, station: &str) -> Vec<Value> {
    let history = client.get(&format!("/v1/station-connections?station_id={station}")).await.body["items"].clone();
    history.as_array().unwrap().iter().map(|row| row["reason"].clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_connection_wins_and_the_end_of_the_old_one_changes_nothing() {
    let world = World::new().await;
    let business = open(&world, "CP1").await;
    let (client, id, url) = (&business.client, &business.estate.station, world.gateway());
    let mut old = raw(&url, "CP1", &business.password).await;
    let new = Simulator::connect(&url, "CP1", &business.password).await.unwrap();
    new.boot("Wallbe", "Eco", 1).await.unwrap();
    // The old one is told to go, and goes late.
    while let Some(Ok(message)) = old.next().await {
        if matches!(message, Message::Close(_)) {
            break;
        }
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    drop(old);
    tokio::time::sleep(Duration::from_millis(500)).await;
    let live = client.get(&format!("/v1/stations/{id}/live")).await.body;
    assert_eq!(live["connected"], true);
    let point = format!("/v1/charge-points/{}/live", business.estate.charge_point);
    assert_eq!(client.get(&point).await.body["status"], "available");
    assert_eq!(reasons(client, id).await, [Value::Null, json!("replaced")]);
    let given = client
        .send(
            client
                .request("POST", &format!("/v1/stations/{id}/commands"))
                .header("prefer", "wait=5")
                .json(&json!({ "type": "clear_cache" })),
        )
        .await;
    assert_eq!(given.body["state"], "accepted", "commands go to the new one");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_half_open_connection_is_found() {
    let world = World::with(|config| {
        config.ocpp.ping_interval_s = 1;
        config.ocpp.idle_timeout_s = 2;
        config.ocpp.heartbeat_interval_s = 1;
    })
    .await;
    let business = open(&world, "CP1").await;
    let (client, id) = (&business.client, &business.estate.station);
    let url = world.gateway();
    // Nobody reads this socket: pings are not answered.
    let _deaf = raw(&url, "CP1", &business.password).await;
    let live = format!("/v1/stations/{id}/live");
    eventually(client, &live, "connected", json!(true)).await;
    eventually(client, &live, "connected", json!(false)).await;
    assert_eq!(reasons(client, id).await, [json!("silent")]);
    // One that answers pings stays, though it says nothing.
    let quiet = Simulator::connect(&url, "CP1", &business.password).await.unwrap();
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert!(quiet.is_connected());
    assert_eq!(client.get(&live).await.body["connected"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_call_at_a_time_and_a_silent_station_frees_the_queue() {
    let world = World::with(|config| {
        config.ocpp.call_timeout_s = 2;
        config.ocpp.call_queue = 1;
    })
    .await;
    let business = open(&world, "CP1").await;
    let client = &business.client;
    let mut station = raw(&world.gateway(), "CP1", &business.password).await;
    let commands = format!("/v1/stations/{}/commands", business.estate.station);
    let mut given = Vec::new();
    for _ in 0..4 {
        let command = client.post(&commands, json!({ "type": "clear_cache" })).await.body;
        given.push(format!("/v1/commands/{}", command["id"].as_str().unwrap()));
    }
    let first = frame(&mut station).await;
    // The station's own calls are answered meanwhile.
    station.send(Message::text(r#"[2,"h","Heartbeat",{}]"#)).await.unwrap();
    assert_eq!(frame(&mut station).await[1], "h", "no second call before the first is over");
    eventually(client, &given[0], "state", json!("timed_out")).await;
    let second = frame(&mut station).await;
    assert_ne!(first[1], second[1]);
    // Too late, unknown, and nonsense: dropped. The right one counts.
    for answer in
        [json!([3, first[1], { "status": "Accepted" }]), json!([3, "nobody", {}]), json!([4, "nobody", "x", "", {}])]
    {
        station.send(Message::text(answer.to_string())).await.unwrap();
    }
    station.send(Message::text(json!([3, second[1], { "status": "Rejected" }]).to_string())).await.unwrap();
    eventually(client, &given[1], "state", json!("rejected")).await;
    for path in &given[2..] {
        let call = frame(&mut station).await;
        station.send(Message::text(json!([3, call[1], { "status": "Accepted" }]).to_string())).await.unwrap();
        eventually(client, path, "state", json!("accepted")).await;
    }
    assert_eq!(client.get(&given[0]).await.body["state"], "timed_out");
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_a_station_does_not_wait_for_are_answered_in_their_order() {
    let world = World::new().await;
    let business = open(&world, "CP1").await;
    let mut station = raw(&world.gateway(), "CP1", &business.password).await;
    // More than wait for one another here: behind them the socket is not read.
    for number in 0..100 {
        let call = match number % 3 {
            0 => json!([2, number.to_string(), "Heartbeat", {}]),
            1 => json!([2, number.to_string(), "Authorize", { "idTag": "04A2B3C4" }]),
            _ => json!([2, number.to_string(), "Dance", {}]),
        };
        station.send(Message::text(call.to_string())).await.unwrap();
    }
    for number in 0..100 {
        let answer = frame(&mut station).await;
        assert_eq!((&answer[0], &answer[1]), (&json!(if number % 3 == 2 { 4 } else { 3 }), &json!(number.to_string())));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_without_our_number_finds_its_session_and_is_kept_once() {
    let world = World::new().await;
    let business = open(&world, "CP1").await;
    let client = &business.client;
    let station = Simulator::connect(&world.gateway(), "CP1", &business.password).await.unwrap();
    for (number, tag) in [(0, Some("04-a2-b3-c4")), (-3, None), (1_999_999_999, Some("04A2B3C4"))] {
        let at = |minutes: i64| (world.app.now() + chrono::TimeDelta::minutes(minutes)).to_ocpp();
        let start = json!({ "connectorId": 1, "idTag": "04A2B3C4", "meterStart": 1000, "timestamp": at(-10) });
        // Asked again before and after, as stations do that missed the answer; other ids, the same content.
        let ours = station.call("StartTransaction", start.clone()).await.unwrap()["transactionId"].clone();
        assert_eq!(station.call("StartTransaction", start.clone()).await.unwrap()["transactionId"], ours);
        let mut stop = json!({ "transactionId": number, "meterStop": 6000, "timestamp": at(-5) });
        if let Some(tag) = tag {
            stop["idTag"] = json!(tag);
        }
        for _ in 0..3 {
            station.call("StopTransaction", stop.clone()).await.unwrap();
        }
        assert_eq!(station.call("StartTransaction", start).await.unwrap()["transactionId"], ours, "{number}");
        let sessions = client.get("/v1/sessions").await.body["items"].clone();
        let of_it: Vec<&Value> =
            sessions.as_array().unwrap().iter().filter(|one| one["ocpp_transaction_id"] == ours).collect();
        assert_eq!(of_it.len(), 1, "{sessions}");
        assert_eq!((&of_it[0]["state"], &of_it[0]["orphan"]), (&json!("ended"), &json!(false)), "{number}");
        assert_eq!(of_it[0]["energy_wh"], "5000.000000");
        world.clock.advance(chrono::TimeDelta::hours(1));
    }
    assert_eq!(client.get("/v1/sessions").await.body["items"].as_array().unwrap().len(), 3, "no orphan");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_start_is_repaired_and_then_billed() {
    let world = World::new().await;
    let business = open(&world, "CP1").await;
    let client = &business.client;
    world.clock.advance(chrono::TimeDelta::hours(3));
    let station = Simulator::connect(&world.gateway(), "CP1", &business.password).await.unwrap();
    for (number, meter_stop) in [(0, 12_000), (-5, 12_500), (99_999, 13_000)] {
        let stop = json!({ "transactionId": number, "meterStop": meter_stop, "timestamp": world.app.now().to_ocpp() });
        station.call("StopTransaction", stop).await.unwrap();
    }
    settle(&world).await;
    let held = client.get("/v1/cdrs").await.body["items"].clone();
    assert_eq!(held.as_array().unwrap().len(), 3);
    assert!(held.as_array().unwrap().iter().all(|cdr| cdr["state"] == "held"), "{held}");
    let orphan = client.get("/v1/sessions").await.body["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|session| session["meter_stop_wh"] == "12000.000000")
        .unwrap()
        .clone();
    assert_eq!(orphan["orphan"], true);
    let path = format!("/v1/sessions/{}", orphan["id"].as_str().unwrap());
    let began = world.app.now() - chrono::TimeDelta::minutes(75);
    let repair = json!({ "connector": 1, "id_tag": "04a2b3c4", "started_at": began, "meter_start_wh": "1000.000000" });
    for (wrong, pointer) in [
        (json!({ "connector": 9 }), "/connector"),
        (json!({ "meter_start_wh": "13000.000000" }), "/meter_stop_wh"),
        (json!({ "ended_at": began - chrono::TimeDelta::days(1) }), "/ended_at"),
    ] {
        let refused = client.post(&format!("{path}/repair"), wrong).await;
        assert_eq!((refused.status, refused.pointers()), (422, vec![pointer]), "{}", refused.body);
    }
    let repaired = client.post(&format!("{path}/repair"), &repair).await;
    assert_eq!((repaired.status, &repaired.body["findings"]), (200, &json!(["repaired"])), "{}", repaired.body);
    stromtor_api::jobs::drain(&world.app).await.unwrap();
    let cdrs = client.get("/v1/cdrs").await.body["items"].clone();
    let of_it: Vec<&Value> = cdrs.as_array().unwrap().iter().filter(|cdr| cdr["session_id"] == orphan["id"]).collect();
    assert_eq!(of_it.len(), 2);
    let final_one = of_it.iter().find(|cdr| cdr["state"] == "final").expect("a final one");
    let old = of_it.iter().find(|cdr| cdr["state"] == "held").unwrap();
    assert_eq!((&final_one["corrects_cdr_id"], &final_one["energy_kwh"]), (&old["id"], &json!("11.000000")));
    assert_eq!(client.post(&format!("{path}/repair"), &repair).await.code(), "session_billed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_never_ends_is_ended_by_rule() {
    let world = World::new().await;
    let business = open(&world, "CP1").await;
    let client = &business.client;
    let station = Simulator::connect(&world.gateway(), "CP1", &business.password).await.unwrap();
    let start =
        json!({ "connectorId": 1, "idTag": "04A2B3C4", "meterStart": 0, "timestamp": world.app.now().to_ocpp() });
    let number = station.call("StartTransaction", start).await.unwrap()["transactionId"].clone();
    station.status(1, "Charging").await.unwrap();
    let values = json!({ "connectorId": 1, "transactionId": number, "meterValue": [{ "timestamp": world.app.now().to_ocpp(),
        "sampledValue": [{ "value": "5000" }] }] });
    station.call("MeterValues", values).await.unwrap();
    let state = async || client.get("/v1/sessions").await.body["items"][0]["state"].clone();
    // Silent for a day, but the connector still says that it charges.
    world.clock.advance(chrono::TimeDelta::hours(25));
    stromtor_api::jobs::housekeep(&world.app).await.unwrap();
    assert_eq!(state().await, "active");
    station.status(1, "Available").await.unwrap();
    stromtor_api::jobs::housekeep(&world.app).await.unwrap();
    assert_eq!(state().await, "ended");
    let session = client.get("/v1/sessions").await.body["items"][0].clone();
    assert_eq!((&session["findings"], &session["ended_at"]), (&json!(["never_stopped"]), &session["last_reading_at"]));
    // Its end comes after all.
    let stop = json!({ "transactionId": number, "meterStop": 6000, "timestamp": world.app.now().to_ocpp() });
    station.call("StopTransaction", stop).await.unwrap();
    let session = client.get("/v1/sessions").await.body["items"][0].clone();
    assert_eq!((&session["findings"], &session["meter_stop_wh"]), (&json!([]), &json!("6000.000000")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_stations_report_three_statuses_in_one_second() {
    let world = World::new().await;
    let business = open(&world, "CP0").await;
    let client = &business.client;
    let location = &business.estate.location;
    let new = |number: usize| {
        json!({ "station": { "location_id": location, "ocpp_identity": format!("S{number}"), "installation_status": "commissioned", "security_profile": 0,
            "ocpp_settings": { "password_required": false, "accept_without_protocol": false, "ping": true } } })
    };
    let batch: Vec<Value> = (0..1000).map(new).collect();
    let made = client.post("/v1/stations/batch", json!({ "stations": batch })).await;
    assert_eq!(made.status, 200, "{}", made.body);
    let url = world.gateway();
    let mut stations = Vec::new();
    for number in 0..1000 {
        stations.push(Simulator::connect(&url, &format!("S{number}"), "x").await.unwrap());
    }
    // None waits for another.
    let all = stations.iter().map(|station| async move {
        tokio::try_join!(station.status(0, "Available"), station.status(1, "Available"), station.status(2, "Preparing"))
    });
    for outcome in futures_util::future::join_all(all).await {
        outcome.expect("no CALLERROR");
    }
    let kept = world.texts("select count(*)::text as value from connector_live").await;
    assert_eq!(kept, ["3000"]);
}
