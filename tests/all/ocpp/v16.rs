//! OCPP 1.6 with a station that we did not write: every action in both directions.

use serde_json::{Value, json};

use super::{
    complete::{certificates, files, give, nothing_is_left_out},
    door::eventually,
    driven::Driven,
};
use crate::{
    billing::cdr::{Business, open},
    world::World,
};

pub async fn boot(station: &mut Driven) {
    let boot = json!({ "chargePointVendor": "PyPI", "chargePointModel": "ocpp" });
    assert_eq!(station.call("BootNotification", boot).await["status"], "Accepted");
}

/// A session from the driver's card to its end, and what an operator does beside it.
async fn core(world: &World, business: &Business, station: &mut Driven) {
    let now = world.app.now().to_ocpp();
    assert!(station.call("Heartbeat", json!({})).await["currentTime"].is_string());
    let authorized = station.call("Authorize", json!({ "idTag": "04A2B3C4" })).await;
    assert_eq!(authorized["idTagInfo"]["status"], "Accepted");
    let status = json!({ "connectorId": 1, "errorCode": "NoError", "status": "Available", "timestamp": now });
    assert_eq!(station.call("StatusNotification", status).await, json!({}));
    let transfer = station.call("DataTransfer", json!({ "vendorId": "org.example" })).await;
    assert_eq!(transfer["status"], "UnknownVendorId");
    let values = json!({ "connectorId": 1, "meterValue": [{ "timestamp": now, "sampledValue": [{ "value": "0" }] }] });
    assert_eq!(station.call("MeterValues", values).await, json!({}));
    for (body, action) in [
        (json!({ "type": "remote_start", "token_uid": "04A2B3C4", "connector": 1 }), "RemoteStartTransaction"),
        (json!({ "type": "unlock_connector", "connector": 1 }), "UnlockConnector"),
        (json!({ "type": "change_availability", "connector": 0, "operative": true }), "ChangeAvailability"),
        (json!({ "type": "clear_cache" }), "ClearCache"),
        (json!({ "type": "data_transfer", "vendor_id": "org.example", "data": "ping" }), "DataTransfer"),
        (json!({ "type": "trigger_message", "message": "heartbeat" }), "TriggerMessage"),
        (json!({ "type": "reset", "kind": "soft" }), "Reset"),
    ] {
        let done = give(business, body.clone()).await;
        assert_eq!(done["state"], "accepted", "{body} {done}");
        station.got(action).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_action_of_1_6() {
    let world = World::new().await;
    let business = open(&world, "CP1").await;
    let (client, id) = (&business.client, business.estate.station.clone());
    let mut station = Driven::connect(&world.gateway(), "CP1", &business.password, "1.6").await;
    boot(&mut station).await;
    core(&world, &business, &mut station).await;
    let now = world.app.now().to_ocpp();
    let start = json!({ "connectorId": 1, "idTag": "04A2B3C4", "meterStart": 0, "timestamp": now });
    let number = station.call("StartTransaction", start).await["transactionId"].clone();
    let session = client.get("/v1/sessions?state=active").await.body["items"][0]["id"].clone();
    for (action, payload) in [
        ("SecurityEventNotification", json!({ "type": "InvalidMessages", "timestamp": now, "techInfo": "x" })),
        ("DiagnosticsStatusNotification", json!({ "status": "Idle" })),
        ("FirmwareStatusNotification", json!({ "status": "Idle" })),
        ("LogStatusNotification", json!({ "status": "Idle" })),
        ("SignedFirmwareStatusNotification", json!({ "status": "Idle" })),
    ] {
        assert_eq!(station.call(action, payload).await, json!({}), "{action}");
    }
    let events = client.get(&format!("/v1/security-events?station_id={id}")).await.body["items"].clone();
    assert_eq!((&events[0]["type"], &events[0]["critical"]), (&json!("InvalidMessages"), &json!(false)));

    let composite = json!({ "status": "Accepted", "connectorId": 1, "scheduleStart": now, "chargingSchedule":
        { "chargingRateUnit": "A", "chargingSchedulePeriod": [{ "startPeriod": 0, "limit": 16.0 }] } });
    station.answer("GetCompositeSchedule", composite).await;
    for (body, action, state) in [
        (
            json!({ "type": "get_composite_schedule", "connector": 1, "duration_s": 60 }),
            "GetCompositeSchedule",
            "accepted",
        ),
        (json!({ "type": "clear_charging_profiles", "purpose": "station_max" }), "ClearChargingProfile", "accepted"),
        (json!({ "type": "get_local_list_version" }), "GetLocalListVersion", "accepted"),
        (
            json!({ "type": "trigger_message", "message": "sign_station_certificate" }),
            "ExtendedTriggerMessage",
            "accepted",
        ),
        (json!({ "type": "get_parameters" }), "GetConfiguration", "accepted"),
        // By its name in OCPP 2.x.
        (
            json!({ "type": "set_parameter", "name": "OCPPCommCtrlr/HeartbeatInterval", "value": "60" }),
            "ChangeConfiguration",
            "accepted",
        ),
    ] {
        let done = give(&business, body.clone()).await;
        assert_eq!(done["state"], state, "{body} {done}");
        let sent = station.got(action).await;
        assert_ne!(sent["key"], "OCPPCommCtrlr/HeartbeatInterval");
    }
    let commands = format!("/v1/stations/{id}/commands");
    for body in [
        json!({ "type": "get_report", "base": "full" }),
        json!({ "type": "set_parameter", "name": "EVSE@1/Power", "value": "1" }),
        json!({ "type": "remote_start", "token_uid": "a token of more than 20" }),
    ] {
        assert_eq!(client.post(&commands, &body).await.code(), "not_in_ocpp_version", "{body}");
    }

    // A template, its drift, its application.
    let template = json!({ "name": "Usual", "parameters": [{ "name": "HeartbeatInterval", "value": "300" }, { "name": "BlinkRepeat", "value": "3" }] });
    let template = client.create("/v1/parameter-templates", template).await["id"].as_str().unwrap().to_owned();
    let drift = format!("/v1/parameter-templates/{template}/drift");
    let before = client.get(&drift).await.body["items"].clone();
    assert_eq!(
        (&before[0]["name"], &before[0]["wanted"], before[0].get("actual")),
        (&json!("BlinkRepeat"), &json!("3"), None)
    );
    assert_eq!((&before[1]["name"], &before[1]["actual"]), (&json!("HeartbeatInterval"), &json!("60")));
    let applied =
        client.post(&format!("/v1/parameter-templates/{template}/apply"), json!({ "station_ids": [id] })).await;
    assert_eq!((applied.status, applied.body["items"].as_array().unwrap().len()), (202, 2), "{}", applied.body);
    for _ in 0..2 {
        station.got("ChangeConfiguration").await;
    }
    let last = format!("/v1/commands/{}", applied.body["items"][1]["id"].as_str().unwrap());
    eventually(client, &last, "state", json!("accepted")).await;
    assert_eq!(client.get(&drift).await.body["items"], json!([]));
    let nobody = json!({ "station_ids": [id, "0193a3c4-5d6e-7f80-9a1b-2c3d4e5f6071"] });
    let refused = client.post(&format!("/v1/parameter-templates/{template}/apply"), nobody).await;
    assert_eq!((refused.status, refused.pointers()), (422, vec!["/station_ids/1"]), "{}", refused.body);

    // Smart charging and reservations.
    let profile = json!({ "station_id": id, "connector": 1, "purpose": "tx", "session_id": session, "stack_level": 0, "kind": "absolute",
        "schedule": { "unit": "w", "start": now, "periods": [{ "start_s": 0, "limit": "11000.0", "phases": 3 }] } });
    let made = client.create("/v1/charging-profiles", profile).await;
    let profile = format!("/v1/charging-profiles/{}", made["id"].as_str().unwrap());
    eventually(client, &profile, "state", json!("active")).await;
    assert_eq!(station.got("SetChargingProfile").await["csChargingProfiles"]["transactionId"], number);
    station.answer("ReserveNow", json!({ "status": "Occupied" })).await;
    let soon = world.app.now() + chrono::TimeDelta::minutes(10);
    let reservation = json!({ "station_id": id, "connector": 1, "token_uid": "04A2B3C4", "expires_at": soon });
    let made = client.create("/v1/reservations", reservation.clone()).await;
    let path = format!("/v1/reservations/{}", made["id"].as_str().unwrap());
    eventually(client, &path, "state", json!("rejected")).await;
    assert_eq!(client.get(&path).await.body["detail"], "Occupied");
    assert_eq!(client.post(&format!("{path}/cancel"), json!(null)).await.code(), "reservation_not_active");
    station.got("ReserveNow").await;
    station.answer("ReserveNow", json!({ "status": "Accepted" })).await;
    let made = client.create("/v1/reservations", reservation.clone()).await;
    let path = format!("/v1/reservations/{}", made["id"].as_str().unwrap());
    eventually(client, &path, "state", json!("active")).await;
    station.got("ReserveNow").await;
    let given_up = client.create("/v1/reservations", reservation.clone()).await;
    let given_up = format!("/v1/reservations/{}", given_up["id"].as_str().unwrap());
    eventually(client, &given_up, "state", json!("active")).await;
    station.got("ReserveNow").await;
    client.post(&format!("{given_up}/cancel"), json!(null)).await;
    eventually(client, &given_up, "state", json!("cancelled")).await;
    station.got("CancelReservation").await;
    let stopped = give(&business, json!({ "type": "remote_stop", "session_id": session })).await;
    assert_eq!(stopped["state"], "accepted", "{stopped}");
    assert_eq!(station.got("RemoteStopTransaction").await["transactionId"], number);
    let stop = json!({ "transactionId": number, "meterStop": 5000, "timestamp": now });
    station.call("StopTransaction", stop).await;
    // The car that it was made for; the station leaves the reservation's number out.
    let start =
        json!({ "connectorId": 1, "idTag": "04a2b3c4", "meterStart": 5000, "timestamp": world.app.now().to_ocpp() });
    station.call("StartTransaction", start).await;
    eventually(client, &path, "state", json!("used")).await;
    stromtor_api::jobs::housekeep(&world.app).await.unwrap();
    assert_eq!(client.get(&profile).await.body["state"], "cleared");

    client.put(&format!("/v1/stations/{id}/local-list"), json!({ "enabled": true })).await;
    station.got("GetLocalListVersion").await;
    station.got("SendLocalList").await;
    certificates(&world, &business, &mut station, "1.6").await;
    files(&business, &mut station, "1.6").await;
    nothing_is_left_out(&world, "1.6", 39).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_local_list_follows_the_cards() {
    let world = World::new().await;
    let business = open(&world, "CP1").await;
    let (client, id) = (&business.client, business.estate.station.clone());
    let mut station = Driven::connect(&world.gateway(), "CP1", &business.password, "1.6").await;
    boot(&mut station).await;
    let list = format!("/v1/stations/{id}/local-list");
    assert_eq!(client.post(&format!("{list}/sync"), json!(null)).await.code(), "local_list_disabled");
    client.put(&list, json!({ "enabled": true })).await;
    station.got("GetLocalListVersion").await;
    let full = station.got("SendLocalList").await;
    assert_eq!((&full["updateType"], &full["listVersion"]), (&json!("Full"), &json!(1)));
    eventually(client, &list, "state", json!("in_step")).await;
    // A card more: a differential update.
    let card = client
        .create("/v1/tokens", json!({ "kind": "rfid", "uid": "AA:BB", "status": "active", "group_id": "G" }))
        .await;
    world.clock.advance(chrono::TimeDelta::seconds(6));
    let more = station.got("SendLocalList").await;
    let entry = json!([{ "idTag": "AABB", "idTagInfo": { "status": "Accepted", "parentIdTag": "G" } }]);
    assert_eq!(
        (&more["updateType"], &more["localAuthorizationList"], &more["listVersion"]),
        (&json!("Differential"), &entry, &json!(2))
    );
    // A card less, and the station has lost its way: the list is replaced.
    station.answer("SendLocalList", json!({ "status": "VersionMismatch" })).await;
    client.delete(&format!("/v1/tokens/{}", card["id"].as_str().unwrap())).await;
    world.clock.advance(chrono::TimeDelta::seconds(6));
    let less = station.got("SendLocalList").await;
    assert_eq!(less["localAuthorizationList"], json!([{ "idTag": "AABB" }]));
    station.answer("SendLocalList", json!({ "status": "Accepted" })).await;
    let mut repaired = station.got("SendLocalList").await;
    while repaired["updateType"] != "Full" {
        repaired = station.got("SendLocalList").await;
    }
    assert_eq!(repaired["localAuthorizationList"].as_array().unwrap().len(), 1);
    eventually(client, &list, "state", json!("in_step")).await;
    let held = client.get(&list).await.body;
    assert_eq!(held["entries"], json!({ "04A2B3C4": {} }));
    // After a restart the version is asked for; another than ours means a new list.
    station.answer("GetLocalListVersion", json!({ "listVersion": 0 })).await;
    boot(&mut station).await;
    station.got("GetLocalListVersion").await;
    assert_eq!(station.got("SendLocalList").await["updateType"], "Full");
}
