//! OCPP 2.0.1 with a station that we did not write: every action in both directions.

use serde_json::{Value, json};

use super::{
    complete::{certificates, files, give, nothing_is_left_out},
    door::eventually,
    driven::Driven,
    events::{card, event, reading},
};
use crate::{billing::cdr::open, world::World};

pub async fn boot(station: &mut Driven) {
    let boot = json!({ "reason": "PowerUp",
        "chargingStation": { "vendorName": "PyPI", "model": "ocpp", "firmwareVersion": "2.0", "serialNumber": "S1" } });
    assert_eq!(station.call("BootNotification", boot).await["status"], "Accepted");
    let status = |word: &str| json!({ "timestamp": "2026-11-01T10:00:00Z", "connectorStatus": word, "evseId": 1, "connectorId": 1 });
    station.call("StatusNotification", status("Available")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_action_in_both_directions() {
    let world = World::new().await;
    let business = open(&world, "CP1").await;
    let (client, id) = (&business.client, business.estate.station.clone());
    let mut station = Driven::connect(&world.gateway(), "CP1", &business.password, "2.0.1").await;
    boot(&mut station).await;
    assert!(station.call("Heartbeat", json!({})).await["currentTime"].is_string());
    let authorized = station.call("Authorize", json!({ "idToken": card() })).await;
    assert_eq!(authorized["idTokenInfo"]["status"], "Accepted");

    // A remote start and the session that follows.
    let started = give(&business, json!({ "type": "remote_start", "token_uid": "04A2B3C4", "connector": 1 })).await;
    assert_eq!(started["state"], "accepted", "{started}");
    let wanted = station.got("RequestStartTransaction").await;
    assert_eq!((&wanted["evseId"], &wanted["idToken"]["idToken"]), (&json!(1), &json!("04A2B3C4")));
    let began = event(
        &world,
        "Started",
        0,
        0,
        json!({ "triggerReason": "Authorized", "idToken": card(),
        "transactionInfo": { "remoteStartId": wanted["remoteStartId"], "chargingState": "Charging" },
        "meterValue": reading(&world, 0, 1.0, "Transaction.Begin") }),
    );
    assert_eq!(station.call("TransactionEvent", began).await["idTokenInfo"]["status"], "Accepted");
    let session = client.get("/v1/sessions?state=active").await.body["items"][0].clone();
    assert_eq!(session["auth_source"], "remote");
    let session_id = session["id"].clone();

    // What stations tell beside charging.
    let now = world.app.now().to_ocpp();
    let variable = |name: &str, value: &str| {
        json!({ "component": { "name": "OCPPCommCtrlr" }, "variable": { "name": name },
        "variableAttribute": [{ "value": value, "mutability": "ReadWrite" }],
        "variableCharacteristics": { "dataType": "integer", "supportsMonitoring": false, "unit": "s" } })
    };
    let schedule =
        json!({ "id": 1, "chargingRateUnit": "W", "chargingSchedulePeriod": [{ "startPeriod": 0, "limit": 11000.0 }] });
    let profile = json!({ "id": 9, "stackLevel": 0, "chargingProfilePurpose": "TxDefaultProfile", "chargingProfileKind": "Relative",
        "chargingSchedule": [schedule] });
    let monitored =
        json!({ "component": { "name": "Connector", "evse": { "id": 1 } }, "variable": { "name": "Temperature" } });
    let mut happened = monitored.clone();
    happened.as_object_mut().unwrap().extend(
        json!({ "eventId": 1, "timestamp": now, "trigger": "Alerting", "actualValue": "91",
        "eventNotificationType": "CustomMonitor", "variableMonitoringId": 3 })
        .as_object()
        .unwrap()
        .clone(),
    );
    let mut monitor = monitored.clone();
    monitor["variableMonitoring"] =
        json!([{ "id": 3, "transaction": false, "value": 90.0, "type": "UpperThreshold", "severity": 4 }]);
    let report = |seq_no: i32, more: bool, item: Value| json!({ "requestId": 5, "generatedAt": now, "seqNo": seq_no, "tbc": more, "reportData": [item] });
    let ocsp = json!({ "hashAlgorithm": "SHA256", "issuerNameHash": "aa", "issuerKeyHash": "bb", "serialNumber": "1", "responderURL": "http://localhost" });
    for (action, payload, answer) in [
        ("SecurityEventNotification", json!({ "type": "TamperDetectionActivated", "timestamp": now }), json!({})),
        ("NotifyReport", report(1, false, variable("RetryBackOffWaitMinimum", "10")), json!({})),
        ("NotifyReport", report(0, true, variable("HeartbeatInterval", "300")), json!({})),
        (
            "NotifyMonitoringReport",
            json!({ "requestId": 6, "generatedAt": now, "seqNo": 0, "monitor": [monitor] }),
            json!({}),
        ),
        (
            "NotifyCustomerInformation",
            json!({ "requestId": 7, "generatedAt": now, "seqNo": 0, "data": "Ada" }),
            json!({}),
        ),
        (
            "NotifyDisplayMessages",
            json!({ "requestId": 8, "messageInfo": [{ "id": 1, "priority": "InFront",
            "message": { "format": "UTF8", "content": "Hello" } }] }),
            json!({}),
        ),
        (
            "ReportChargingProfiles",
            json!({ "requestId": 9, "chargingLimitSource": "CSO", "evseId": 1, "chargingProfile": [profile] }),
            json!({}),
        ),
        ("NotifyEvent", json!({ "generatedAt": now, "seqNo": 0, "eventData": [happened] }), json!({})),
        (
            "NotifyChargingLimit",
            json!({ "evseId": 1, "chargingLimit": { "chargingLimitSource": "EMS" }, "chargingSchedule": [schedule] }),
            json!({}),
        ),
        (
            "NotifyEVChargingNeeds",
            json!({ "evseId": 1, "chargingNeeds": { "requestedEnergyTransfer": "DC",
            "dcChargingParameters": { "evMaxCurrent": 300, "evMaxVoltage": 800 } } }),
            json!({ "status": "Processing" }),
        ),
        (
            "NotifyEVChargingSchedule",
            json!({ "evseId": 1, "timeBase": now, "chargingSchedule": schedule }),
            json!({ "status": "Accepted" }),
        ),
        ("MeterValues", json!({ "evseId": 1, "meterValue": reading(&world, 0, 1.5, "Sample.Clock") }), json!({})),
        ("DataTransfer", json!({ "vendorId": "org.example" }), json!({ "status": "UnknownVendorId" })),
        ("FirmwareStatusNotification", json!({ "status": "Idle" }), json!({})),
        ("LogStatusNotification", json!({ "status": "Idle" }), json!({})),
        ("PublishFirmwareStatusNotification", json!({ "status": "Idle" }), json!({})),
        // Nobody is configured who could judge certificates.
        ("GetCertificateStatus", json!({ "ocspRequestData": ocsp }), json!({ "status": "Failed" })),
        (
            "Get15118EVCertificate",
            json!({ "iso15118SchemaVersion": "urn:iso:15118:2:2013:MsgDef", "action": "Install", "exiRequest": "AA==" }),
            json!({ "status": "Failed", "exiResponse": "" }),
        ),
    ] {
        assert_eq!(station.call(action, payload).await, answer, "{action}");
    }
    let security =
        client.get(&format!("/v1/security-events?station_id={id}&critical=true")).await.body["items"].clone();
    assert_eq!(security[0]["type"], "TamperDetectionActivated");
    let parameters = client.get(&format!("/v1/stations/{id}/parameters?search=heartbeat")).await.body["items"].clone();
    assert_eq!(
        (&parameters[0]["name"], &parameters[0]["value"], &parameters[0]["unit"]),
        (&json!("OCPPCommCtrlr/HeartbeatInterval"), &json!("300"), &json!("s"))
    );
    for (kind, complete) in [
        ("device_model", true),
        ("monitoring", true),
        ("customer_information", true),
        ("display_messages", true),
        ("charging_profiles", true),
    ] {
        let reports =
            client.get(&format!("/v1/station-reports?station_id={id}&kind={kind}")).await.body["items"].clone();
        assert_eq!(reports[0]["complete"], complete, "{kind} {reports}");
    }
    let events = client.get(&format!("/v1/monitoring-events?station_id={id}")).await.body["items"].clone();
    assert_eq!((&events[0]["component"], &events[0]["actual_value"]), (&json!("Connector@1"), &json!("91")));
    let notices = client.get(&format!("/v1/stations/{id}/charging-notices")).await.body["items"].clone();
    assert_eq!(notices.as_array().unwrap().len(), 3, "{notices}");
    station.call("ClearedChargingLimit", json!({ "chargingLimitSource": "EMS", "evseId": 1 })).await;
    let notices = client.get(&format!("/v1/stations/{id}/charging-notices")).await.body["items"].clone();
    assert_eq!(notices.as_array().unwrap().len(), 2, "{notices}");
    let boots = client.get(&format!("/v1/station-boots?station_id={id}")).await.body["items"].clone();
    assert_eq!((&boots[0]["reason"], &boots[0]["ocpp_version"]), (&json!("PowerUp"), &json!("ocpp2.0.1")));

    // What stations are told.
    let composite = json!({ "status": "Accepted", "schedule": { "evseId": 1, "duration": 60, "scheduleStart": now, "chargingRateUnit": "W",
        "chargingSchedulePeriod": [{ "startPeriod": 0, "limit": 11000.0 }] } });
    station.answer("GetCompositeSchedule", composite).await;
    let result = |name: &str, status: &str, extra: Value| {
        let mut one = json!({ "component": { "name": "OCPPCommCtrlr" }, "variable": { "name": name }, "attributeStatus": status });
        one.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        one
    };
    station
        .answer(
            "GetVariables",
            json!({ "getVariableResult": [result("HeartbeatInterval", "Accepted", json!({ "attributeValue": "60" })),
        result("Nope", "UnknownVariable", json!({}))] }),
        )
        .await;
    station
        .answer(
            "SetVariables",
            json!({ "setVariableResult": [result("HeartbeatInterval", "RebootRequired", json!({}))] }),
        )
        .await;
    station
        .answer(
            "SetVariableMonitoring",
            json!({ "setMonitoringResult": [{ "id": 4, "status": "Accepted", "type": "UpperThreshold",
        "component": { "name": "EVSE" }, "variable": { "name": "Power" }, "severity": 5 }] }),
        )
        .await;
    station
        .answer("ClearVariableMonitoring", json!({ "clearMonitoringResult": [{ "id": 4, "status": "NotFound" }] }))
        .await;
    for (body, action, state) in [
        (json!({ "type": "unlock_connector", "connector": 1 }), "UnlockConnector", "accepted"),
        (json!({ "type": "reset", "kind": "soft" }), "Reset", "accepted"),
        (json!({ "type": "change_availability", "connector": 0, "operative": true }), "ChangeAvailability", "accepted"),
        (json!({ "type": "clear_cache" }), "ClearCache", "accepted"),
        (json!({ "type": "get_local_list_version" }), "GetLocalListVersion", "accepted"),
        (json!({ "type": "trigger_message", "message": "status", "connector": 1 }), "TriggerMessage", "accepted"),
        (json!({ "type": "data_transfer", "vendor_id": "org.example", "data": "ping" }), "DataTransfer", "accepted"),
        (json!({ "type": "get_parameters" }), "GetBaseReport", "accepted"),
        (
            json!({ "type": "get_parameters", "names": ["HeartbeatInterval", "OCPPCommCtrlr/Nope"] }),
            "GetVariables",
            "accepted",
        ),
        (json!({ "type": "set_parameter", "name": "HeartbeatInterval", "value": "60" }), "SetVariables", "accepted"),
        (json!({ "type": "get_report", "criteria": ["problem"] }), "GetReport", "accepted"),
        (json!({ "type": "set_monitoring_base", "base": "all" }), "SetMonitoringBase", "accepted"),
        (json!({ "type": "set_monitoring_level", "severity": 5 }), "SetMonitoringLevel", "accepted"),
        (
            json!({ "type": "set_monitors", "monitors": [{ "name": "EVSE@1/Power", "kind": "upper_threshold", "value": "11000.5", "severity": 5 }] }),
            "SetVariableMonitoring",
            "accepted",
        ),
        (json!({ "type": "clear_monitors", "ids": [4] }), "ClearVariableMonitoring", "rejected"),
        (json!({ "type": "get_monitoring_report", "criteria": ["threshold"] }), "GetMonitoringReport", "accepted"),
        (
            json!({ "type": "set_display_message", "id": 1, "priority": "in_front", "format": "utf8", "content": "0.49 €/kWh",
            "session_id": session_id }),
            "SetDisplayMessage",
            "accepted",
        ),
        (json!({ "type": "get_display_messages" }), "GetDisplayMessages", "accepted"),
        (json!({ "type": "clear_display_message", "id": 1 }), "ClearDisplayMessage", "accepted"),
        (
            json!({ "type": "customer_information", "report": true, "clear": false, "token_uid": "04A2B3C4" }),
            "CustomerInformation",
            "accepted",
        ),
        (
            json!({ "type": "set_network_profile", "slot": 1, "url": "wss://example.com/ocpp", "ocpp_version": "ocpp2.0.1",
            "security_profile": 2, "message_timeout_s": 30, "interface": "wired0" }),
            "SetNetworkProfile",
            "accepted",
        ),
        (
            json!({ "type": "get_composite_schedule", "connector": 1, "duration_s": 60, "unit": "w" }),
            "GetCompositeSchedule",
            "accepted",
        ),
        (json!({ "type": "get_charging_profiles", "purpose": "tx_default" }), "GetChargingProfiles", "accepted"),
        (
            json!({ "type": "clear_charging_profiles", "connector": 1, "purpose": "tx_default" }),
            "ClearChargingProfile",
            "accepted",
        ),
        (json!({ "type": "update_cost", "session_id": session_id, "total_cost": "1.2345" }), "CostUpdated", "accepted"),
        (json!({ "type": "get_transaction_status", "session_id": session_id }), "GetTransactionStatus", "accepted"),
    ] {
        let done = give(&business, body.clone()).await;
        assert_eq!(done["state"], state, "{body} {done}");
        station.got(action).await;
    }
    let parameters = client.get(&format!("/v1/stations/{id}/parameters?search=heartbeat")).await.body["items"].clone();
    assert_eq!((&parameters[0]["value"], &parameters[0]["reboot_required"]), (&json!("60"), &json!(true)));

    // Reservations and charging profiles have resources of their own.
    let soon = world.app.now() + chrono::TimeDelta::minutes(10);
    let made = client
        .create(
            "/v1/reservations",
            json!({ "station_id": id, "connector": 1, "token_uid": "04A2B3C4", "expires_at": soon }),
        )
        .await;
    let reservation = format!("/v1/reservations/{}", made["id"].as_str().unwrap());
    eventually(client, &reservation, "state", json!("active")).await;
    assert_eq!(station.got("ReserveNow").await["evseId"], 1);
    client.post(&format!("{reservation}/cancel"), json!(null)).await;
    eventually(client, &reservation, "state", json!("cancelled")).await;
    station.got("CancelReservation").await;
    let made = client
        .create(
            "/v1/reservations",
            json!({ "station_id": id, "connector": 1, "token_uid": "04A2B3C4", "expires_at": soon }),
        )
        .await;
    let reservation = format!("/v1/reservations/{}", made["id"].as_str().unwrap());
    eventually(client, &reservation, "state", json!("active")).await;
    let number = station.got("ReserveNow").await["id"].clone();
    station
        .call("ReservationStatusUpdate", json!({ "reservationId": number, "reservationUpdateStatus": "Removed" }))
        .await;
    eventually(client, &reservation, "state", json!("removed")).await;
    let made = client.create("/v1/charging-profiles", json!({ "station_id": id, "connector": 1, "purpose": "tx", "session_id": session_id,
        "stack_level": 0, "kind": "relative", "schedule": { "unit": "a", "periods": [{ "start_s": 0, "limit": "16.0" }, { "start_s": 60, "limit": "10.5" }] } })).await;
    let profile = format!("/v1/charging-profiles/{}", made["id"].as_str().unwrap());
    eventually(client, &profile, "state", json!("active")).await;
    let sent = station.got("SetChargingProfile").await;
    assert_eq!((&sent["evseId"], &sent["chargingProfile"]["transactionId"]), (&json!(1), &json!("tx-1")));
    client.post(&format!("{profile}/clear"), json!(null)).await;
    eventually(client, &profile, "state", json!("cleared")).await;
    station.got("ClearChargingProfile").await;

    // The local list is kept in step.
    let list = format!("/v1/stations/{id}/local-list");
    client.put(&list, json!({ "enabled": true })).await;
    station.got("GetLocalListVersion").await;
    let sent = station.got("SendLocalList").await;
    assert_eq!(
        (&sent["updateType"], &sent["localAuthorizationList"][0]["idToken"]["idToken"]),
        (&json!("Full"), &json!("04A2B3C4"))
    );
    eventually(client, &list, "state", json!("in_step")).await;

    let stopped = give(&business, json!({ "type": "remote_stop", "session_id": session_id })).await;
    assert_eq!(stopped["state"], "accepted");
    assert_eq!(station.got("RequestStopTransaction").await["transactionId"], "tx-1");

    certificates(&world, &business, &mut station, "2.0.1").await;
    files(&business, &mut station, "2.0.1").await;
    nothing_is_left_out(&world, "2.0.1", 64).await;
}
