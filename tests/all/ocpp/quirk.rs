//! What stations do otherwise than the specification says: forgiven, counted, and put right where it is known.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use stromtor_domain::actor::Permission;
use stromtor_ocpp::sim::Simulator;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{door::station, odd::Odd};
use crate::{
    billing::cdr::{open, settle},
    world::{Client, World},
};

/// Waits until the station's quirks hold all of these; every one of them must be in the vocabulary.
pub async fn counted(client: &Client, station: &str, wanted: &[&str]) {
    let words = client.get("/v1/quirks").await.body["items"].clone();
    let words: Vec<&str> = words.as_array().unwrap().iter().filter_map(|entry| entry["name"].as_str()).collect();
    let mut seen = Value::Null;
    for _ in 0..60 {
        seen = client.get(&format!("/v1/stations/{station}/live")).await.body["quirks"].clone();
        if wanted.iter().all(|quirk| seen[quirk].as_i64().is_some_and(|count| count > 0)) {
            let strange: Vec<&String> =
                seen.as_object().unwrap().keys().filter(|word| !words.contains(&word.as_str())).collect();
            assert!(strange.is_empty(), "{strange:?} are not in the vocabulary");
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{wanted:?} were not all counted: {seen}");
}

/// The status line of an upgrade in the station's own words: no `Connection`, no sub-protocol.
async fn upgrade(url: &str, path: &str, user: &str, password: &str) -> String {
    let address = url.trim_start_matches("ws://");
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let basic = STANDARD.encode(format!("{user}:{password}"));
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: Basic {basic}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = vec![0_u8; 1024];
    let length = stream.read(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer[..length]).lines().next().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn another_spelling_of_the_identity_is_the_same_station() {
    let world = World::new().await;
    let client = world.client(world.partner("Nordstrom", "cpo").await, Permission::ALL);
    let stranger = world.client(world.partner("Stranger", "cpo").await, Permission::ALL);
    let (estate, password) = station(&client, "CP1").await;
    let path = format!("/v1/stations/{}", estate.station);
    client.patch(&path, json!({ "tolerances": { "without_protocol": true } })).await;
    let url = world.gateway();
    assert!(upgrade(&url, "/cp1", "cp1", &password).await.contains("404"));
    let aliases = format!("/v1/station-aliases?station_id={}", estate.station);
    let alias = client.create(&aliases, json!({ "ocpp_identity": "cp1" })).await;
    assert_eq!(world.texts("select ocpp_identity as value from unknown_station").await, [""; 0], "known by now");

    // An identity names one station, whoever's it is and whichever of the two it is.
    let (there, _) = station(&stranger, "CP9").await;
    let theirs = format!("/v1/station-aliases?station_id={}", there.station);
    for taken in ["cp1", "CP1", "CP9"] {
        let refused = stranger.post(&theirs, json!({ "ocpp_identity": taken })).await;
        assert_eq!((refused.status, refused.code()), (409, "already_exists"), "{taken}: {}", refused.body);
    }
    let new = crate::network::station::body(&there.location, "cp1");
    assert_eq!(stranger.post("/v1/stations", &new).await.code(), "already_exists");
    let batch = stranger.post("/v1/stations/batch", json!({ "stations": [{ "station": new }] })).await;
    assert_eq!(batch.pointers(), ["/stations/0/station/ocpp_identity"], "{}", batch.body);
    let renamed = stranger.patch(&format!("/v1/stations/{}", there.station), json!({ "ocpp_identity": "cp1" })).await;
    assert_eq!(renamed.code(), "already_exists");
    let wrong = client.post(&aliases, json!({ "ocpp_identity": "a/b" })).await;
    assert_eq!((wrong.status, wrong.pointers()), (422, vec!["/ocpp_identity"]));
    let alias_path = format!("/v1/station-aliases/{}", alias["id"].as_str().unwrap());
    assert_eq!(stranger.get(&alias_path).await.status, 404);

    // It needs the same credentials.
    assert!(upgrade(&url, "/cp1", "cp1", "wrong").await.contains("401"));
    assert!(upgrade(&url, "/cp1", "CP9", &password).await.contains("401"));
    assert!(upgrade(&url, "///ocpp//cp1/", "CP1", &password).await.contains("101"));
    let wanted = ["identity_alias", "odd_path", "no_connection_upgrade", "no_subprotocol", "user_differs"];
    counted(&client, &estate.station, &wanted).await;
    // The password as the hexadecimal text that ChangeConfiguration knows it by.
    let hex: String = password.bytes().map(|byte| format!("{byte:02X}")).collect();
    let simulator = Simulator::connect(&url, "cp1", &hex).await.unwrap();
    simulator.boot("Wallbe", "Eco", 1).await.unwrap();
    counted(&client, &estate.station, &["password_as_hex"]).await;
    assert_eq!(client.get(&format!("{path}/live")).await.body["connected"], true);

    let changed = client.patch(&alias_path, json!({ "ocpp_identity": "Cp1" })).await;
    assert_eq!((changed.status, &changed.body["ocpp_identity"]), (200, &json!("Cp1")), "{}", changed.body);
    assert!(upgrade(&url, "/cp1", "cp1", &password).await.contains("404"));
    assert_eq!(client.get(&aliases).await.body["items"].as_array().unwrap().len(), 1);
    assert_eq!(client.delete(&alias_path).await.status, 204);
    assert!(upgrade(&url, "/Cp1", "Cp1", &password).await.contains("404"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_password_is_none_where_that_is_known() {
    let world = World::new().await;
    let client = world.client(world.partner("Nordstrom", "cpo").await, Permission::ALL);
    let (estate, _) = station(&client, "GRS1").await;
    let (path, url) = (format!("/v1/stations/{}", estate.station), world.gateway());
    let knock = async || upgrade(&url, "/GRS1", "GRS1", "").await;
    let policy = json!({ "tolerances": { "empty_password": true, "without_protocol": true } });
    assert_eq!(client.patch(&path, &policy).await.status, 200);
    assert!(knock().await.contains("401"), "it must have a password still");
    client.post(&format!("{path}/security-profile-reset"), json!({ "security_profile": 0 })).await;
    let open =
        json!({ "ocpp_settings": { "password_required": false, "accept_without_protocol": false, "ping": true } });
    assert_eq!(client.patch(&path, open).await.status, 200);
    assert!(knock().await.contains("101"));
    counted(&client, &estate.station, &["empty_password"]).await;
    assert!(upgrade(&url, "/GRS1", "GRS1", "wrong").await.contains("401"), "a wrong one is wrong");
    client.patch(&path, json!({ "tolerances": { "empty_password": null } })).await;
    assert!(knock().await.contains("401"), "no policy, no exception");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_deadline_follows_the_heartbeat() {
    let world = World::with(|config| {
        config.ocpp.ping_interval_s = 1;
        config.ocpp.idle_timeout_s = 2;
        config.ocpp.heartbeat_interval_s = 1;
    })
    .await;
    let client = world.client(world.partner("Nordstrom", "cpo").await, Permission::ALL);
    let url = world.gateway();
    let mut stations = Vec::new();
    for (identity, tolerances) in [
        ("SLOW", json!({ "ping": false, "heartbeat_interval_s": 10 })),
        ("QUICK", json!({ "ping": false })),
        ("PONG", json!({})),
    ] {
        let (estate, password) = station(&client, identity).await;
        client.patch(&format!("/v1/stations/{}", estate.station), json!({ "tolerances": tolerances })).await;
        let simulator = Simulator::connect(&url, identity, &password).await.unwrap();
        let boot = json!({ "chargePointVendor": "V", "chargePointModel": "M" });
        let told = simulator.call("BootNotification", boot).await.unwrap()["interval"].clone();
        assert_eq!(told, if identity == "SLOW" { 10 } else { 1 }, "{identity}");
        stations.push(simulator);
    }
    tokio::time::sleep(Duration::from_secs(5)).await;
    let standing: Vec<bool> = stations.iter().map(Simulator::is_connected).collect();
    assert_eq!(standing, [true, false, true], "slow heart, silent, answers pings");
}

#[tokio::test(flavor = "multi_thread")]
async fn several_calls_at_once_are_worked_off_in_order() {
    let world = World::new().await;
    let client = world.client(world.partner("Nordstrom", "cpo").await, Permission::ALL);
    let (estate, password) = station(&client, "CP1").await;
    let mut odd = Odd::connect(&world.gateway(), "CP1", "CP1", &password, "ocpp1.6").await.unwrap();
    let status = |status: &str| json!({ "connectorId": 1, "status": status, "errorCode": "Error", "info": "null", "vendorErrorCode": "0x0000" });
    // Before it has introduced itself, all in one breath, with ids that come twice.
    for (id, action, payload) in [
        ("a", "StatusNotification", status("preparing")),
        ("a", "StatusNotification", status("Charging")),
        ("b", "Heartbeat", Value::Null),
        (
            "c",
            "BootNotification",
            json!({ "chargePointVendor": "V".repeat(60), "chargePointModel": 7, "iccid": "-67" }),
        ),
    ] {
        odd.send(json!([2, id, action, payload])).await;
    }
    for id in ["a", "a", "b", "c"] {
        let answer = odd.frame().await;
        assert_eq!((&answer[0], &answer[1]), (&json!(3), &json!(id)), "{answer}");
    }
    odd.send(json!([3, "nobody", {}])).await;
    let wanted = [
        "parallel_calls",
        "word_synonym",
        "null_as_string",
        "zero_error_code",
        "over_long_text",
        "number_as_string",
        "signal_as_iccid",
        "unknown_answer",
    ];
    counted(&client, &estate.station, &wanted).await;
    let live = client.get(&format!("/v1/stations/{}/live", estate.station)).await.body;
    assert_eq!((&live["boot"]["model"], live["boot"].get("iccid")), (&json!("7"), None), "{live}");
    let word = "select status || ' ' || error_code || coalesce(info, '') || coalesce(vendor_error_code, '') as value from connector_live";
    assert_eq!(world.texts(word).await, ["Charging OtherError"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn registers_count_as_they_are_known_to() {
    let world = World::new().await;
    let business = open(&world, "CP1").await;
    let (client, path, url) = (&business.client, format!("/v1/stations/{}", business.estate.station), world.gateway());
    world.clock.advance(chrono::TimeDelta::hours(9));
    let at = |minutes: i64| (world.app.now() - chrono::TimeDelta::minutes(minutes)).to_ocpp();
    let charge = async |tolerances: Value, since: i64, start: i64, stop: i64, readings: Value| {
        let set = client.patch(&path, json!({ "tolerances": tolerances })).await;
        assert_eq!(set.status, 200, "{}", set.body);
        let station = Simulator::connect(&url, "CP1", &business.password).await.unwrap();
        let begin = json!({ "connectorId": 1, "idTag": "04A2B3C4", "meterStart": start, "timestamp": at(since), "reservationId": 0 });
        let number = station.call("StartTransaction", begin).await.unwrap()["transactionId"].clone();
        let end = json!({ "transactionId": number, "meterStop": stop, "timestamp": at(since - 60), "transactionData": readings });
        station.call("StopTransaction", end).await.unwrap();
        client.get("/v1/sessions").await.body["items"][0].clone()
    };
    let sample = |value: &str, context: &str| json!({ "value": value, "context": context });
    let begin = json!([{ "timestamp": at(400), "sampledValue": [sample("500000", "Transaction.Begin")] }]);
    let plain = charge(json!({ "register": "first_reading" }), 400, 0, 511_000, begin).await;
    assert_eq!(
        (&plain["meter_start_wh"], &plain["energy_wh"], &plain["findings"]),
        (&json!("500000.000000"), &json!("11000.000000"), &json!([])),
        "{plain}"
    );
    let nothing = charge(json!({ "register": "first_reading" }), 300, 0, 12_000, json!([])).await;
    assert_eq!(nothing["findings"], json!(["start_register_unknown"]), "{nothing}");
    let own = charge(json!({ "register": "session" }), 200, 4_000_000, 5000, json!([])).await;
    assert_eq!((&own["energy_wh"], &own["findings"]), (&json!("5000.000000"), &json!([])), "{own}");
    let falling = json!([{ "timestamp": at(90), "sampledValue": [sample("0", "Sample.Periodic")] }]);
    let fell = charge(json!({ "register": "lifetime" }), 100, 9000, 2000, falling).await;
    assert_eq!(fell["energy_wh"], "0.000000", "{fell}");
    settle(&world).await;
    let cdrs = client.get("/v1/cdrs").await.body["items"].clone();
    let of = |session: &Value| {
        let cdr = cdrs.as_array().unwrap().iter().find(|cdr| cdr["session_id"] == session["id"]).unwrap();
        (cdr["state"].clone(), cdr["held_reason"].clone(), cdr["energy_kwh"].clone())
    };
    assert_eq!(of(&plain), (json!("final"), Value::Null, json!("11.000000")));
    assert_eq!(of(&own), (json!("final"), Value::Null, json!("5.000000")));
    assert_eq!((of(&nothing).0, of(&nothing).1), (json!("held"), json!("start_missing")));
    assert_eq!(
        of(&fell),
        (json!("held"), json!("register_implausible"), json!("0.000000")),
        "negative is never billed"
    );
    counted(client, &business.estate.station, &["no_reservation_id"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unset_clock_and_values_after_the_end() {
    let world = World::new().await;
    let business = open(&world, "CP1").await;
    let client = &business.client;
    let station = Simulator::connect(&world.gateway(), "CP1", &business.password).await.unwrap();
    let start =
        json!({ "connectorId": 1, "idTag": "04A2B3C4", "meterStart": 1000, "timestamp": "1970-01-01T00:00:09Z" });
    let number = station.call("StartTransaction", start).await.unwrap()["transactionId"].clone();
    // Its end names a number of its own making; the register tells that it is this session.
    let end = (world.app.now() + chrono::TimeDelta::seconds(1)).to_ocpp();
    let stop = json!({ "transactionId": -3, "idTag": "04a2b3c4", "meterStop": 2000, "timestamp": end });
    station.call("StopTransaction", stop).await.unwrap();
    let session = client.get("/v1/sessions").await.body["items"][0].clone();
    assert_eq!(session["findings"], json!(["clock_doubted", "stop_matched"]), "{session}");
    let began = stromtor_domain::Timestamp::parse(session["started_at"].as_str().unwrap()).unwrap();
    assert!((world.app.now() - began).num_seconds() < 60, "the time of receipt counts");
    let raw = "select payload as value from ocpp_message where action = 'StartTransaction' and direction = 'in'";
    for _ in 0..50 {
        if !world.texts(raw).await.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(world.texts(raw).await[0].contains("1970-01-01T00:00:09Z"), "what was sent is kept");
    // Closing values, one with the number and one without.
    for named in [Some(number), None] {
        let mut values = json!({ "connectorId": 1, "meterValue": [{ "timestamp": world.app.now().to_ocpp(),
            "sampledValue": [{ "value": "2000" }] }] });
        if let Some(number) = named {
            values["transactionId"] = number;
        }
        station.call("MeterValues", values).await.unwrap();
    }
    let attached = format!(
        "select count(*)::text as value from session_reading where session_id = '{}'",
        session["id"].as_str().unwrap()
    );
    assert_ne!(world.texts(&attached).await, ["0"]);
    let loose = "select count(*)::text as value from session_reading where session_id is null";
    assert_eq!(world.texts(loose).await, ["0"]);
    counted(client, &business.estate.station, &["clock_unset", "no_transaction_id"]).await;
}
