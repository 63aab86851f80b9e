//! Sessions become CDRs, to the cent.

use chrono::TimeDelta;
use serde_json::{Value, json};
use stromtor_domain::actor::Permission;
use stromtor_ocpp::sim::Simulator;

use crate::{
    marketplace::emp_contract::{agree, roam},
    network::station::Estate,
    ocpp::door::station,
    world::{Client, World},
};

/// An operator with a station that may connect, a tariff that holds there, and a card.
pub struct Business {
    pub client: Client,
    pub estate: Estate,
    pub password: String,
    pub tariff: String,
}

pub async fn open(world: &World, identity: &str) -> Business {
    let client = world.client(world.partner("Nordstrom", "cpo").await, Permission::ALL);
    let (estate, password) = station(&client, identity).await;
    let prices = json!({ "name": "AC", "code": "AC", "currency": "EUR",
        "ac": { "per_kwh": "0.49", "per_minute": "0.02", "from_minute": 60, "session_fee": "0.50" } });
    let tariff = client.create("/v1/tariffs", prices).await["id"].as_str().unwrap().to_owned();
    let assignment = json!({ "tariff_id": tariff, "charge_point_id": estate.charge_point });
    client.create("/v1/tariff-assignments", assignment).await;
    client.create("/v1/tokens", json!({ "kind": "rfid", "uid": "04A2B3C4", "status": "active" })).await;
    Business { client, estate, password, tariff }
}

/// A session of 75 minutes and 11 kWh that has just ended; `extra` joins the stop.
pub async fn charge(world: &World, station: &Simulator, tag: &str, extra: Value) -> i64 {
    let now = world.app.now();
    let at = |minutes: i64| (now - TimeDelta::minutes(minutes)).to_ocpp();
    let start = json!({ "connectorId": 1, "idTag": tag, "meterStart": 1000, "timestamp": at(75) });
    let transaction = station.call("StartTransaction", start).await.unwrap()["transactionId"].as_i64().unwrap();
    let mut stop = json!({ "transactionId": transaction, "meterStop": 12_000, "timestamp": at(0), "idTag": tag });
    stop.as_object_mut().unwrap().extend(extra.as_object().cloned().unwrap_or_default());
    station.call("StopTransaction", stop).await.unwrap();
    transaction
}

/// Prices what has ended.
pub async fn settle(world: &World) {
    world.clock.advance(TimeDelta::seconds(31));
    stromtor_api::jobs::drain(&world.app).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn priced_to_the_cent_by_the_version_that_held() {
    let world = World::new().await;
    let business = open(&world, "CP1").await;
    let client = &business.client;
    world.clock.advance(TimeDelta::hours(2));
    let station = Simulator::connect(&world.gateway(), "CP1", &business.password).await.unwrap();
    let now = world.app.now();
    let at = |minutes: i64| (now - TimeDelta::minutes(minutes)).to_ocpp();
    let start = json!({ "connectorId": 1, "idTag": "04a2b3c4", "meterStart": 1000, "timestamp": at(75) });
    let transaction = station.call("StartTransaction", start).await.unwrap()["transactionId"].clone();
    // The price falls while the car charges: this session keeps its own.
    let cheaper = json!({ "ac": { "per_kwh": "0.19" } });
    let changed = client.patch(&format!("/v1/tariffs/{}", business.tariff), cheaper).await;
    assert_eq!((changed.status, &changed.body["version"]), (200, &json!(2)), "{}", changed.body);
    let sampled = json!([{ "value": "7.5", "unit": "kWh" }, { "value": "11", "measurand": "Power.Active.Import", "unit": "kW" },
        { "value": "61", "measurand": "SoC", "unit": "Percent" }]);
    let values = json!({ "connectorId": 1, "transactionId": transaction,
        "meterValue": [{ "timestamp": at(30), "sampledValue": sampled }] });
    station.call("MeterValues", values).await.unwrap();
    let live = client.get("/v1/sessions").await.body["items"][0].clone();
    assert_eq!(
        (&live["energy_wh"], &live["power_w"], &live["state_of_charge"]),
        (&json!("6500.000000"), &json!("11000.000000"), &json!("61.00"))
    );
    let point = format!("/v1/charge-points/{}/live", business.estate.charge_point);
    assert_eq!(client.get(&point).await.body["session_id"], live["id"]);
    let stop =
        json!({ "transactionId": transaction, "meterStop": 12_000, "timestamp": at(0), "reason": "EVDisconnected" });
    station.call("StopTransaction", stop).await.unwrap();
    assert_eq!(client.get(&point).await.body.get("session_id"), None);

    // Late values have their grace.
    stromtor_api::jobs::drain(&world.app).await.unwrap();
    assert_eq!(client.get("/v1/cdrs").await.body["items"], json!([]));
    settle(&world).await;
    let cdrs = client.get("/v1/cdrs").await.body["items"].clone();
    assert_eq!(cdrs.as_array().unwrap().len(), 1, "{cdrs}");
    let cdr = &cdrs[0];
    // 11 kWh × 0.49 + 15 min × 0.02 + 0.50 = 6.19; 19 % = 1.1761.
    for (field, value) in [
        ("energy_kwh", "11.000000"),
        ("total_net", "6.1900"),
        ("total_vat", "1.18"),
        ("total_gross", "7.37"),
        ("state", "final"),
        ("currency", "EUR"),
    ] {
        assert_eq!(cdr[field], value, "{cdr}");
    }
    assert_eq!((&cdr["duration_s"], &cdr["rating"]["version"]), (&json!(4500), &json!(1)));
    let nets: Vec<&str> = cdr["rating"]["cost"]["components"]
        .as_array()
        .unwrap()
        .iter()
        .map(|component| component["net"].as_str().unwrap())
        .collect();
    assert_eq!(nets, ["5.3900", "0.3000", "0.5000"]);
    let path = format!("/v1/cdrs/{}", cdr["id"].as_str().unwrap());
    assert_eq!(&client.get(&path).await.body, cdr);
    let session = client.get(&format!("/v1/sessions/{}", cdr["session_id"].as_str().unwrap())).await.body;
    assert_eq!((&session["state"], &session["energy_wh"]), (&json!("settled"), &json!("11000.000000")));
    // Settling once is settling for good, and nothing can change a CDR.
    settle(&world).await;
    assert_eq!(client.get("/v1/cdrs").await.body["items"].as_array().unwrap().len(), 1);
    let events = "select type as value from event where type like 'cdr.%'";
    assert_eq!(world.texts(events).await, ["cdr.created"]);
    assert_eq!(client.get(&format!("/v1/tariffs/{}/versions", business.tariff)).await.body["items"][1]["version"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_sees_its_leg_and_the_operator_its_own() {
    let world = World::new().await;
    let business = open(&world, "CP1").await;
    let emp = world.partner("Fahrstrom", "emp").await;
    let provider = world.client(emp, Permission::ALL);
    provider.create("/v1/tokens", json!({ "kind": "rfid", "uid": "EE:01", "status": "active" })).await;
    roam(&business.client, &business.estate.station).await;
    agree(&business.client, &provider, emp, json!({})).await;
    world.clock.advance(TimeDelta::hours(2));
    let station = Simulator::connect(&world.gateway(), "CP1", &business.password).await.unwrap();
    charge(&world, &station, "EE01", json!({})).await;
    settle(&world).await;
    let legs = |body: &Value| -> Vec<(i64, String)> {
        let items = body["items"].as_array().unwrap();
        items
            .iter()
            .map(|cdr| (cdr["leg"].as_i64().unwrap(), cdr["total_gross"].as_str().unwrap().to_owned()))
            .collect()
    };
    assert_eq!(legs(&business.client.get("/v1/cdrs").await.body), [(1, "7.37".into())]);
    assert_eq!(legs(&provider.get("/v1/cdrs").await.body), [(2, "7.37".into())]);
    let mut all = legs(&world.root().get("/v1/cdrs").await.body);
    all.sort();
    assert_eq!(all, [(1, "7.37".into()), (2, "7.37".into())]);
    // The provider sees its driver's session at the foreign operator, and who else's attempts it does not.
    assert_eq!(provider.get("/v1/sessions").await.body["items"].as_array().unwrap().len(), 1);
    let attempts = provider.get("/v1/authorizations").await.body["items"].clone();
    assert_eq!((attempts.as_array().unwrap().len(), &attempts[0]["decision"]), (1, &json!("accepted")));
    let other = world.client(world.partner("Other", "emp").await, Permission::ALL);
    assert_eq!(other.get("/v1/sessions").await.body["items"], json!([]));
    assert_eq!(other.get("/v1/cdrs").await.body["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_not_be_billed_is_held_with_its_reason() {
    let world = World::new().await;
    let business = open(&world, "CP1").await;
    let client = &business.client;
    world.clock.advance(TimeDelta::hours(2));
    let station = Simulator::connect(&world.gateway(), "CP1", &business.password).await.unwrap();
    let reasons = async |expected: &str| {
        settle(&world).await;
        let cdr = client.get("/v1/cdrs?limit=1").await.body["items"][0].clone();
        assert_eq!((&cdr["state"], &cdr["held_reason"]), (&json!("held"), &json!(expected)), "{cdr}");
        world.clock.advance(TimeDelta::hours(2));
    };
    // Refused, and yet it charged.
    charge(&world, &station, "FFFF", json!({})).await;
    reasons("not_authorized").await;
    // A register that says a thousand times too much.
    charge(&world, &station, "04A2B3C4", json!({ "meterStop": 11_001_000 })).await;
    reasons("energy_implausible").await;
    // A connector that nobody entered.
    let at = world.app.now().to_ocpp();
    let start = json!({ "connectorId": 7, "idTag": "04A2B3C4", "meterStart": 0, "timestamp": at });
    let transaction = station.call("StartTransaction", start).await.unwrap()["transactionId"].clone();
    world.clock.advance(TimeDelta::minutes(30));
    let at = world.app.now().to_ocpp();
    let stop = json!({ "transactionId": transaction, "meterStop": 500, "timestamp": at });
    station.call("StopTransaction", stop).await.unwrap();
    reasons("charge_point_unknown").await;
    // An end that never came: the next session at the connector shows that there was one.
    let at = world.app.now().to_ocpp();
    let forgotten = json!({ "connectorId": 1, "idTag": "04A2B3C4", "meterStart": 0, "timestamp": at });
    station.call("StartTransaction", forgotten).await.unwrap();
    world.clock.advance(TimeDelta::minutes(30));
    let at = world.app.now().to_ocpp();
    let next = json!({ "connectorId": 1, "idTag": "04A2B3C4", "meterStart": 500, "timestamp": at });
    station.call("StartTransaction", next).await.unwrap();
    settle(&world).await;
    let ended = client.get("/v1/sessions?state=ended").await.body["items"].clone();
    assert_eq!(ended[0]["findings"], json!(["never_stopped"]));
    world.clock.advance(TimeDelta::hours(25));
    stromtor_api::jobs::drain(&world.app).await.unwrap();
    let held = client.get("/v1/cdrs?state=held").await.body["items"].clone();
    assert!(held.as_array().unwrap().iter().any(|cdr| cdr["held_reason"] == "stop_missing"), "{held}");
}

/// Signed readings of a key of ours.
mod meter {
    use ocmf::{
        CurrentType, IdentificationFlag, IdentificationLevel, IdentificationType, Location, OcmfTime, Pagination, Unit,
        sign::{ReadingSpec, RecordBuilder, Secp256r1Signer, Signer as _},
    };

    fn signer() -> Secp256r1Signer {
        Secp256r1Signer::from_bytes(&[0x17; 32]).unwrap()
    }

    pub fn key() -> String {
        hex::encode(signer().public_key().unwrap().to_spki())
    }

    pub fn record(page: u64, begin: bool, at: stromtor_domain::Timestamp, kwh: &str) -> String {
        let time = at.utc().format("%Y-%m-%dT%H:%M:%S,%3f+0000 S").to_string();
        let time = OcmfTime::parse(&time, &Location::at(0), &mut Vec::new()).unwrap();
        let reading =
            ReadingSpec::new(time, kwh.parse().unwrap(), "01-00:B1.08.00*FF", Unit::KWh).current_type(CurrentType::Ac);
        RecordBuilder::new()
            .gateway("Test", "SN-1", "1.0")
            .pagination(Pagination::transaction(page))
            .meter("Test", "M-1", "1TST0000000001", "1.0")
            .identification(
                true,
                IdentificationLevel::Verified,
                vec![IdentificationFlag::parse("RFID_PLAIN")],
                IdentificationType::Iso14443,
                "04A2B3C4",
            )
            .reading(if begin { reading.begin() } else { reading.end() })
            .sign(&signer())
            .unwrap()
            .as_str()
            .to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn signed_readings_alone_count_and_are_kept_byte_for_byte() {
    let world = World::new().await;
    let business = open(&world, "CP1").await;
    let client = &business.client;
    let point = format!("/v1/charge-points/{}", business.estate.charge_point);
    assert_eq!(client.patch(&point, json!({ "meter_public_key": meter::key() })).await.status, 200);
    world.clock.advance(TimeDelta::hours(2));
    let station = Simulator::connect(&world.gateway(), "CP1", &business.password).await.unwrap();
    let now = world.app.now();
    let begin = meter::record(7, true, now - TimeDelta::minutes(75), "1.000");
    let end = meter::record(8, false, now - TimeDelta::minutes(1), "11.500");
    let data = |end: &str| {
        let sample = |context: &str, value: &str| json!({ "value": value, "context": context, "format": "SignedData" });
        let sampled = json!([sample("Transaction.Begin", &begin), sample("Transaction.End", end)]);
        json!({ "transactionData": [{ "timestamp": now.to_ocpp(), "sampledValue": sampled }] })
    };
    charge(&world, &station, "04A2B3C4", data(&end)).await;
    settle(&world).await;
    let cdr = client.get("/v1/cdrs?limit=1").await.body["items"][0].clone();
    // 10.5 kWh and 74 minutes, not the 11 kWh and 75 minutes of the messages.
    assert_eq!((&cdr["energy_kwh"], &cdr["duration_s"]), (&json!("10.500000"), &json!(4440)), "{cdr}");
    assert_eq!((&cdr["state"], &cdr["measurement"]["source"]), (&json!("final"), &json!("signed")));
    assert_eq!(cdr["measurement"]["records"][1]["data"], json!(end));
    assert_eq!(cdr["measurement"]["public_key"], json!(meter::key()));

    world.clock.advance(TimeDelta::hours(2));
    charge(&world, &station, "04A2B3C4", data(&end.replace("11.500", "10.500"))).await;
    settle(&world).await;
    let cdr = client.get("/v1/cdrs?limit=1").await.body["items"][0].clone();
    assert_eq!((&cdr["state"], &cdr["held_reason"]), (&json!("held"), &json!("signature_failed")), "{cdr}");
    assert_eq!(cdr["measurement"]["calibration"], "failed");
    assert_eq!(
        world.texts("select type as value from event where type like 'cdr.%' order by id").await,
        ["cdr.created", "cdr.held"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn tariffs_keep_their_rules() {
    let world = World::new().await;
    let business = open(&world, "CP1").await;
    let client = &business.client;
    let tariff = format!("/v1/tariffs/{}", business.tariff);
    for (change, pointer) in [
        (json!({ "currency": "CHF" }), "/currency"),
        (json!({ "ac": { "per_kwh": "-0.10" } }), "/ac/per_kwh"),
        (json!({ "ac": { "per_kwh": "0.49001" } }), "/ac/per_kwh"),
        (json!({ "ac": { "per_kwh": 0.49 } }), "/ac/per_kwh"),
        (json!({ "ac": { "per_kwh": "1", "per_minute": null, "from_minute": 5 } }), "/ac/from_minute"),
        (json!({ "ac": null }), "/ac"),
    ] {
        let refused = client.patch(&tariff, change.clone()).await;
        assert_eq!((refused.status, refused.pointers()), (422, vec![pointer]), "{change} {}", refused.body);
    }
    let partner = client.get("/v1/me").await.body["partner"].clone();
    assert_eq!(client.get(&tariff).await.body["version"], 1, "{partner}");
    assert_eq!(client.delete(&tariff).await.code(), "in_use");
    // A later assignment can be taken back until it begins.
    let later = (world.app.now() + TimeDelta::days(1)).to_string();
    let assignment =
        json!({ "tariff_id": business.tariff, "charge_point_id": business.estate.charge_point, "valid_from": later });
    let planned = client.create("/v1/tariff-assignments", assignment.clone()).await;
    assert_eq!(client.post("/v1/tariff-assignments", assignment).await.code(), "already_exists");
    let cancel = format!("/v1/tariff-assignments/{}/cancel", planned["id"].as_str().unwrap());
    assert!(client.post(&cancel, json!(null)).await.body["cancelled_at"].is_string());
    assert_eq!(client.post(&cancel, json!(null)).await.code(), "assignment_began");
    let past = json!({ "tariff_id": business.tariff, "charge_point_id": business.estate.charge_point,
        "valid_from": "2026-01-01T00:00:00Z" });
    assert_eq!(client.post("/v1/tariff-assignments", past).await.pointers(), ["/valid_from"]);
    // Another operator's tariff cannot be assigned here.
    let theirs = world.client(world.partner("Theirs", "cpo").await, Permission::ALL);
    let foreign = theirs
        .create("/v1/tariffs", json!({ "name": "X", "code": "X", "currency": "EUR", "dc": { "per_kwh": "1" } }))
        .await;
    let planted = json!({ "tariff_id": foreign["id"], "charge_point_id": business.estate.charge_point });
    assert_eq!(client.post("/v1/tariff-assignments", planted).await.pointers(), ["/tariff_id"]);
}
