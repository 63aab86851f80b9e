//! Transaction events of OCPP 2.0.1: late, repeated, in any order; what they cost.

use serde_json::{Value, json};

use super::{driven::Driven, v201::boot};
use crate::{
    billing::cdr::{open, settle},
    world::World,
};

pub fn event(world: &World, kind: &str, seq_no: i32, minutes_ago: i64, extra: Value) -> Value {
    let at = (world.app.now() - chrono::TimeDelta::minutes(minutes_ago)).to_ocpp();
    let mut event = json!({ "eventType": kind, "timestamp": at, "seqNo": seq_no, "triggerReason": "ChargingStateChanged",
        "transactionInfo": { "transactionId": "tx-1" }, "evse": { "id": 1, "connectorId": 1 } });
    for (key, value) in extra.as_object().unwrap() {
        match (event.get_mut(key), value) {
            (Some(Value::Object(there)), Value::Object(more)) => there.extend(more.clone()),
            _ => event[key] = value.clone(),
        }
    }
    event
}

pub fn reading(world: &World, minutes_ago: i64, kwh: f64, context: &str) -> Value {
    let at = (world.app.now() - chrono::TimeDelta::minutes(minutes_ago)).to_ocpp();
    json!([{ "timestamp": at, "sampledValue": [{ "value": kwh, "context": context,
        "unitOfMeasure": { "unit": "Wh", "multiplier": 3 } }] }])
}

fn instant(event: &Value) -> chrono::DateTime<chrono::Utc> {
    event["timestamp"].as_str().unwrap().parse().unwrap()
}

pub fn card() -> Value {
    json!({ "idToken": "04A2B3C4", "type": "ISO14443" })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_plugged_in_first_is_billed_to_its_card() {
    let world = World::new().await;
    let business = open(&world, "CP1").await;
    let client = &business.client;
    world.clock.advance(chrono::TimeDelta::hours(2));
    let mut station = Driven::connect(&world.gateway(), "CP1", &business.password, "2.0.1").await;
    boot(&mut station).await;
    let live = format!("/v1/charge-points/{}/live", business.estate.charge_point);
    assert_eq!(client.get(&live).await.body["status"], "available");

    let plugged = event(
        &world,
        "Started",
        0,
        60,
        json!({ "triggerReason": "CablePluggedIn",
        "transactionInfo": { "chargingState": "EVConnected" } }),
    );
    assert_eq!(station.call("TransactionEvent", plugged.clone()).await, json!({}));
    let authorized = event(
        &world,
        "Updated",
        1,
        59,
        json!({ "triggerReason": "Authorized", "idToken": card(),
        "transactionInfo": { "chargingState": "Charging" },
        "meterValue": reading(&world, 59, 1.0, "Transaction.Begin") }),
    );
    let answer = station.call("TransactionEvent", authorized.clone()).await;
    assert_eq!(answer["idTokenInfo"]["status"], "Accepted");
    assert_eq!(client.get(&live).await.body["status"], "charging");
    let metered = event(
        &world,
        "Updated",
        2,
        30,
        json!({ "triggerReason": "MeterValuePeriodic",
        "meterValue": reading(&world, 30, 6.0, "Sample.Periodic") }),
    );
    station.call("TransactionEvent", metered.clone()).await;
    let session = client.get("/v1/sessions?state=active").await.body["items"][0].clone();
    assert_eq!((&session["energy_wh"], &session["meter_start_wh"]), (&json!("5000.000000"), &json!("1000.000000")));
    assert_eq!((&session["auth_source"], &session["id_tag"]), (&json!("local_rfid"), &json!("04A2B3C4")));
    let ended = event(
        &world,
        "Ended",
        3,
        0,
        json!({ "triggerReason": "EVCommunicationLost", "idToken": card(),
        "transactionInfo": { "stoppedReason": "EVDisconnected", "chargingState": "EVConnected" },
        "meterValue": reading(&world, 0, 12.0, "Transaction.End") }),
    );
    let answer = station.call("TransactionEvent", ended.clone()).await;
    assert_eq!(answer["idTokenInfo"]["status"], "Accepted");
    let duration = instant(&ended) - instant(&plugged);
    // Everything again: nothing changes.
    for again in [ended, metered, authorized, plugged] {
        station.call("TransactionEvent", again).await;
    }
    settle(&world).await;
    let cdrs = client.get("/v1/cdrs").await.body["items"].clone();
    assert_eq!(cdrs.as_array().unwrap().len(), 1, "{cdrs}");
    assert_eq!((&cdrs[0]["energy_kwh"], &cdrs[0]["state"]), (&json!("11.000000"), &json!("final")), "{cdrs}");
    assert_eq!(cdrs[0]["duration_s"], duration.num_seconds());
}

#[tokio::test(flavor = "multi_thread")]
async fn events_in_any_order_make_one_session() {
    let world = World::new().await;
    let business = open(&world, "CP1").await;
    let client = &business.client;
    world.clock.advance(chrono::TimeDelta::hours(2));
    let mut station = Driven::connect(&world.gateway(), "CP1", &business.password, "2.0.1").await;
    boot(&mut station).await;
    let events = [
        event(
            &world,
            "Ended",
            2,
            0,
            json!({ "offline": true, "triggerReason": "StopAuthorized", "idToken": card(),
            "transactionInfo": { "stoppedReason": "Local" }, "meterValue": reading(&world, 0, 12.0, "Transaction.End") }),
        ),
        event(
            &world,
            "Updated",
            1,
            30,
            json!({ "offline": true, "triggerReason": "MeterValuePeriodic",
            "meterValue": reading(&world, 30, 7.0, "Sample.Periodic") }),
        ),
        event(
            &world,
            "Started",
            0,
            60,
            json!({ "offline": true, "triggerReason": "Authorized", "idToken": card(),
            "meterValue": reading(&world, 60, 1.0, "Transaction.Begin") }),
        ),
    ];
    for event in events {
        station.call("TransactionEvent", event).await;
    }
    settle(&world).await;
    let sessions = client.get("/v1/sessions").await.body["items"].clone();
    assert_eq!(sessions.as_array().unwrap().len(), 1);
    assert_eq!(sessions[0]["findings"], json!([]), "{sessions}");
    let cdr = client.get("/v1/cdrs").await.body["items"][0].clone();
    assert_eq!(
        (&cdr["energy_kwh"], &cdr["state"], &cdr["duration_s"]),
        (&json!("11.000000"), &json!("final"), &json!(3600)),
        "{cdr}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_come_again_or_late_change_nothing() {
    let world = World::new().await;
    let business = open(&world, "CP1").await;
    let client = &business.client;
    world.clock.advance(chrono::TimeDelta::hours(3));
    let mut station = Driven::connect(&world.gateway(), "CP1", &business.password, "2.0.1").await;
    boot(&mut station).await;
    let began = json!({ "triggerReason": "Authorized", "idToken": card(), "meterValue": reading(&world, 60, 1.0, "Transaction.Begin") });
    let metered = |minutes: i64, kwh: f64| json!({ "triggerReason": "MeterValuePeriodic", "meterValue": reading(&world, minutes, kwh, "Sample.Periodic") });
    let stopped = json!({ "triggerReason": "StopAuthorized", "idToken": card(), "transactionInfo": { "stoppedReason": "Local" },
        "meterValue": reading(&world, 0, 12.0, "Transaction.End") });
    // 2 is lost and comes after the end; 3 comes twice, the second time marked as sent offline.
    let mut again = event(&world, "Updated", 3, 20, metered(20, 8.0));
    again["offline"] = json!(true);
    for told in [
        event(&world, "Started", 0, 60, began.clone()),
        event(&world, "Updated", 1, 40, metered(40, 4.0)),
        event(&world, "Updated", 3, 20, metered(20, 8.0)),
        again,
        event(&world, "Ended", 4, 0, stopped.clone()),
        event(&world, "Updated", 2, 30, metered(30, 6.0)),
        event(&world, "Ended", 4, 0, stopped),
        event(&world, "Started", 0, 60, began),
    ] {
        station.call("TransactionEvent", told).await;
    }
    let sessions = client.get("/v1/sessions").await.body["items"].clone();
    assert_eq!((sessions.as_array().unwrap().len(), &sessions[0]["state"]), (1, &json!("ended")), "{sessions}");
    let readings = "select count(*)::text as value from session_reading";
    assert_eq!(world.texts(readings).await, ["5"], "one of each time");
    let attempts = "select trigger as value from authorization_attempt";
    assert_eq!(world.texts(attempts).await, ["start"], "who repeats is not judged anew");
    // Nor after it was priced.
    settle(&world).await;
    station.call("TransactionEvent", event(&world, "Updated", 5, 10, metered(10, 11.0))).await;
    settle(&world).await;
    let cdrs = client.get("/v1/cdrs").await.body["items"].clone();
    assert_eq!((cdrs.as_array().unwrap().len(), &cdrs[0]["energy_kwh"]), (1, &json!("11.000000")), "{cdrs}");

    // Nothing but the end of a transaction that nobody heard of.
    let ended = json!({ "transactionInfo": { "transactionId": "tx-2", "stoppedReason": "PowerLoss" }, "offline": true,
        "idToken": card(), "meterValue": reading(&world, 0, 20.0, "Transaction.End") });
    for _ in 0..2 {
        let answer = station.call("TransactionEvent", event(&world, "Ended", 9, 0, ended.clone())).await;
        assert_eq!(answer["idTokenInfo"]["status"], "Accepted");
        assert_eq!(answer.get("totalCost"), None, "what it has used is not known");
    }
    let sessions = client.get("/v1/sessions?state=ended").await.body["items"].clone();
    assert_eq!(
        (sessions.as_array().unwrap().len(), &sessions[0]["findings"]),
        (1, &json!(["never_started"])),
        "{sessions}"
    );
    // And one whose start nobody heard of.
    let metered = json!({ "transactionInfo": { "transactionId": "tx-3" }, "meterValue": reading(&world, 0, 21.0, "Sample.Periodic") });
    station.call("TransactionEvent", event(&world, "Updated", 4, 0, metered)).await;
    let running = client.get("/v1/sessions?state=active").await.body["items"].clone();
    assert_eq!(
        (running.as_array().unwrap().len(), &running[0]["findings"]),
        (1, &json!(["never_started"])),
        "{running}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_driver_is_told_what_it_costs() {
    let world = World::with(|config| config.billing.cost_update_s = 1).await;
    let business = open(&world, "CP1").await;
    let client = &business.client;
    world.clock.advance(chrono::TimeDelta::hours(2));
    let mut station = Driven::connect(&world.gateway(), "CP1", &business.password, "2.0.1").await;
    boot(&mut station).await;
    let began = json!({ "triggerReason": "Authorized", "idToken": card(), "meterValue": reading(&world, 30, 1.0, "Transaction.Begin") });
    let answer = station.call("TransactionEvent", event(&world, "Started", 0, 30, began)).await;
    assert_eq!(answer.get("totalCost"), None, "OCPP 2.0.1 tells it at the end alone");
    let metered =
        json!({ "triggerReason": "MeterValuePeriodic", "meterValue": reading(&world, 15, 6.0, "Sample.Periodic") });
    station.call("TransactionEvent", event(&world, "Updated", 1, 15, metered)).await;
    // 5 kWh × 0.49 + 0.50 = 2.95; 19 % = 0.5605. A round may come before the reading.
    let mut told = station.got("CostUpdated").await;
    if told["totalCost"] != json!(3.51) {
        told = station.got("CostUpdated").await;
    }
    assert_eq!(told, json!({ "totalCost": 3.51, "transactionId": "tx-1" }));
    let ended = json!({ "transactionInfo": { "stoppedReason": "Local" }, "meterValue": reading(&world, 0, 12.0, "Transaction.End") });
    let ended = event(&world, "Ended", 2, 0, ended);
    // 11 kWh × 0.49 + 0.50 = 5.89; 19 % = 1.1191: as the CDR has it.
    assert_eq!(station.call("TransactionEvent", ended.clone()).await, json!({ "totalCost": 7.01 }));
    settle(&world).await;
    assert_eq!(client.get("/v1/cdrs").await.body["items"][0]["total_gross"], "7.01");
    assert_eq!(station.call("TransactionEvent", ended).await["totalCost"], json!(7.01));
    let wire =
        "select payload as value from ocpp_message where payload like '%totalCost%' and action = 'TransactionEvent'";
    for _ in 0..100 {
        if world.texts(wire).await.len() == 2 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert!(world.texts(wire).await[0].contains("\"totalCost\":7.01}"), "every digit, and no more");
    // A station that shows another currency is told nothing.
    let francs = json!({ "requestId": 1, "generatedAt": world.app.now().to_ocpp(), "seqNo": 0, "reportData": [{
        "component": { "name": "TariffCostCtrlr" }, "variable": { "name": "Currency" }, "variableAttribute": [{ "value": "CHF" }] }] });
    station.call("NotifyReport", francs).await;
    let ended = json!({ "transactionInfo": { "stoppedReason": "Local" }, "meterValue": reading(&world, 0, 12.0, "Transaction.End") });
    assert_eq!(station.call("TransactionEvent", event(&world, "Ended", 2, 0, ended)).await, json!({}));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_token_is_answered() {
    let world = World::new().await;
    let business = open(&world, "CP1").await;
    let client = &business.client;
    let until = world.app.now() + chrono::TimeDelta::hours(1);
    let card = json!({ "kind": "rfid", "uid": "0A0B", "status": "active", "group_id": "FLEET", "valid_until": until });
    client.create("/v1/tokens", card).await;
    let mut station = Driven::connect(&world.gateway(), "CP1", &business.password, "2.0.1").await;
    boot(&mut station).await;
    let token = |id: &str, kind: &str| json!({ "idToken": { "idToken": id, "type": kind } });
    let info = station.call("Authorize", token("0a:0b", "ISO14443")).await["idTokenInfo"].clone();
    let wanted = json!({ "status": "Accepted", "cacheExpiryDateTime": until.to_ocpp(),
        "groupIdToken": { "idToken": "FLEET", "type": "Central" } });
    assert_eq!(info, wanted);
    for (id, kind, status) in
        [("04A2B3C4", "Central", "Accepted"), ("nobody", "Central", "Invalid"), ("", "NoAuthorization", "Invalid")]
    {
        let info = station.call("Authorize", token(id, kind)).await["idTokenInfo"].clone();
        assert_eq!(info, json!({ "status": status }), "{kind}");
    }
    // A station that asks nobody charges whoever comes; who pays is not known.
    let free = json!({ "triggerReason": "CablePluggedIn", "idToken": { "idToken": "", "type": "NoAuthorization" } });
    let answer = station.call("TransactionEvent", event(&world, "Started", 0, 0, free)).await;
    assert_eq!(answer, json!({ "idTokenInfo": { "status": "Accepted" } }));
    assert_eq!(client.get("/v1/sessions?state=active").await.body["items"][0]["auth_source"], "free");
    let free = client.get("/v1/authorizations?source=free").await.body["items"].clone();
    assert_eq!((&free[0]["reason"], &free[0]["progress"]), (&json!("free_charging"), &json!("plugged")), "{free}");
}
