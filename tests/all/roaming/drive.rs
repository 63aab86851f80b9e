//! A peer's driver charges at a real station: let in by Roaming+, told of as a session, billed by a CDR.

use serde_json::{Value, json};
use stromtor_domain::actor::Permission;
use stromtor_ocpp::sim::Simulator;

use super::{data, emsp::Emsp, registered, world};
use crate::{
    billing::cdr::{charge, settle},
    marketing::{access, ready},
    world::World,
};

async fn list(emsp: &Emsp, path: &str) -> Vec<Value> {
    let (status, body) = emsp.ask("GET", path, None).await;
    assert_eq!((status, &body["status_code"]), (200, &json!(1000)), "{body}");
    data(&body).as_array().unwrap().clone()
}

fn token(uid: &str, whitelist: &str) -> Value {
    json!({ "country_code": "DE", "party_id": "FAH", "uid": uid, "type": "RFID", "contract_id": "DE8FAHC12345678",
        "issuer": "Fahrstrom", "valid": true, "whitelist": whitelist, "last_updated": "2026-11-23T12:00:00Z" })
}

async fn drain(world: &World) {
    stromtor_api::jobs::drain(&world.app).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn from_the_card_to_the_cdr() {
    let world = world().await;
    let (client, peer, emsp) = registered(&world).await;
    for (uid, whitelist) in [("FA01", "ALLOWED"), ("FA02", "NEVER")] {
        let (status, _) = emsp.ask("PUT", &format!("tokens/DE/FAH/{uid}"), Some(token(uid, whitelist))).await;
        assert_eq!(status, 201);
    }
    let estate = ready(&client, "CP1").await;
    let prices = json!({ "name": "AC", "code": "AC", "currency": "EUR",
        "ac": { "per_kwh": "0.49", "per_minute": "0.02", "from_minute": 60, "session_fee": "0.50" } });
    let tariff = client.create("/v1/tariffs", prices).await;
    let assignment = json!({ "tariff_id": tariff["id"], "charge_point_id": estate.charge_point });
    client.create("/v1/tariff-assignments", assignment).await;
    world.clock.advance(chrono::TimeDelta::hours(2));
    let password = client.post(&format!("/v1/stations/{}/password", estate.station), json!(null)).await.body;
    let station = Simulator::connect(&world.gateway(), "CP1", password["password"].as_str().unwrap()).await.unwrap();
    let ask = async |tag: &str| {
        station.call("Authorize", json!({ "idTag": tag })).await.unwrap()["idTagInfo"]["status"].clone()
    };
    let why = async |uid: &str| {
        let tried = json!({ "charge_point_id": estate.charge_point, "uid": uid });
        client.post("/v1/authorizations/evaluate", tried).await.body["reason"].as_str().unwrap().to_owned()
    };
    // Not published: nobody of theirs is let in, and eMarketplace does not matter.
    let path = access(&estate.station);
    client.patch(&path, json!({ "marketing": true, "roaming": true })).await;
    assert_eq!((why("FA01").await.as_str(), ask("FA01").await), ("roaming_plus_off", json!("Invalid")));
    assert_eq!(client.patch(&path, json!({ "roaming": false, "roaming_plus": ["ocpi"] })).await.status, 200);
    drain(&world).await;
    assert_eq!((why("FA01").await.as_str(), ask("FA01").await), ("roaming_plus", json!("Accepted")));
    assert_eq!((why("FA02").await.as_str(), ask("FA02").await), ("provider_not_asked", json!("Invalid")));

    assert!(list(&emsp, "sessions?date_from=2026-01-01T00:00:00Z").await.is_empty());
    charge(&world, &station, "FA01", json!({})).await;
    let monitor = client.get("/v1/authorizations?source=ocpi&progress=ended").await.body["items"].clone();
    assert_eq!((monitor.as_array().unwrap().len(), &monitor[0]["reason"]), (1, &json!("roaming_plus")), "{monitor}");
    let sessions = list(&emsp, "sessions?date_from=2026-01-01T00:00:00Z").await;
    let [session] = sessions.as_slice() else { panic!("{sessions:?}") };
    for (field, value) in [
        ("party_id", json!("ISE")),
        ("kwh", json!(11)),
        ("status", json!("COMPLETED")),
        ("auth_method", json!("WHITELIST")),
        ("location_id", json!(estate.location)),
        ("evse_uid", json!(estate.charge_point)),
        ("connector_id", json!(estate.connector)),
        ("currency", json!("EUR")),
    ] {
        assert_eq!(session[field], value, "{field} in {session}");
    }
    let card = json!({ "country_code": "DE", "party_id": "FAH", "uid": "FA01", "type": "RFID", "contract_id": "DE8FAHC12345678" });
    assert_eq!(session["cdr_token"], card);
    let (status, body) = emsp.ask("GET", "sessions", None).await;
    assert_eq!((status, &body["status_code"]), (200, &json!(2001)), "date_from must be there");

    assert!(list(&emsp, "cdrs").await.is_empty());
    settle(&world).await;
    let cdrs = list(&emsp, "cdrs").await;
    let [cdr] = cdrs.as_slice() else { panic!("{cdrs:?}") };
    // 11 kWh × 0.49 + 15 min × 0.02 + 0.50 = 6.19; with 19 % 7.37.
    for (field, value) in [
        ("session_id", session["id"].clone()),
        ("cdr_token", card),
        ("total_cost", json!({ "excl_vat": 6.19, "incl_vat": 7.37 })),
        ("total_energy", json!(11)),
        ("total_energy_cost", json!({ "excl_vat": 5.39, "incl_vat": 6.4141 })),
        ("total_time", json!(1.25)),
        ("total_time_cost", json!({ "excl_vat": 0.3, "incl_vat": 0.357 })),
        ("total_fixed_cost", json!({ "excl_vat": 0.5, "incl_vat": 0.595 })),
        ("currency", json!("EUR")),
    ] {
        assert_eq!(cdr[field], value, "{field} in {cdr}");
    }
    let place = &cdr["cdr_location"];
    assert_eq!((&place["country"], &place["evse_id"]), (&json!("DEU"), &json!("DE*ISE*ECP1")), "{place}");
    assert_eq!(place["connector_standard"], "IEC_62196_T2");
    assert_eq!(cdr["tariffs"][0]["id"], cdr["charging_periods"][0]["tariff_id"], "{cdr}");
    let sum = |kind: &str| -> f64 {
        let dimensions =
            cdr["charging_periods"].as_array().unwrap().iter().flat_map(|one| one["dimensions"].as_array().unwrap());
        dimensions.filter(|one| one["type"] == kind).map(|one| one["volume"].as_f64().unwrap()).sum()
    };
    assert!((sum("ENERGY") - 11.0).abs() < 0.001 && (sum("TIME") + sum("PARKING_TIME") - 1.25).abs() < 0.001, "{cdr}");
    // What changed before a time that lies ahead, and after it.
    let later = world.app.now() + chrono::TimeDelta::hours(1);
    assert_eq!(list(&emsp, &format!("cdrs?date_to={later}")).await.len(), 1);
    assert!(list(&emsp, &format!("cdrs?date_from={later}")).await.is_empty());

    // Another peer of the same operator sees nothing of it.
    let other = client.create("/v1/ocpi-peers", json!({ "name": "Other" })).await;
    let invitation =
        client.post(&format!("/v1/ocpi-peers/{}/invitation", other["id"].as_str().unwrap()), json!(null)).await;
    let mut stranger = Emsp::start().await;
    let (_, body) = stranger.register(&invitation.body).await;
    stranger.token = data(&body)["token"].as_str().unwrap().to_owned();
    stranger.base.clone_from(&emsp.base);
    assert!(list(&stranger, "cdrs").await.is_empty());
    assert!(list(&stranger, "sessions?date_from=2026-01-01T00:00:00Z").await.is_empty());
    // The provider's own people see theirs over REST.
    let provider = client.get("/v1/tokens?uid=FA01").await.body["items"][0]["partner_id"].clone();
    let provider = world.client(provider.as_str().unwrap().parse().unwrap(), Permission::ALL);
    assert_eq!(provider.get("/v1/cdrs").await.body["items"].as_array().unwrap().len(), 1);
    // Once it is over, nobody is let in any more.
    assert_eq!(client.post(&format!("{peer}/unregister"), json!(null)).await.status, 200);
    assert_eq!((why("FA01").await.as_str(), ask("FA01").await), ("roaming_plus_off", json!("Invalid")));
}
