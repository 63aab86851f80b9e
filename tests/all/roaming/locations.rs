//! Locations and tariffs that peers fetch.

use chrono::TimeDelta;
use serde_json::{Value, json};
use stromtor_domain::actor::Permission;
use stromtor_ocpi::{header::authorization, page::next_link};
use stromtor_ocpp::sim::Simulator;

use super::{data, emsp::Emsp, registered, world};
use crate::{
    marketing::{access, ready},
    network::station::Estate,
    world::{Client, World},
};

/// A station that is published over OCPI.
async fn publish(world: &World, client: &Client, identity: &str) -> Estate {
    let estate = ready(client, identity).await;
    let on = json!({ "marketing": true, "show_as_poi": true, "roaming_plus": ["ocpi"] });
    assert_eq!(client.patch(&access(&estate.station), on).await.status, 200);
    stromtor_api::jobs::drain(&world.app).await.unwrap();
    estate
}

async fn list(emsp: &Emsp, query: &str) -> Vec<Value> {
    let (status, body) = emsp.ask("GET", &format!("locations{query}"), None).await;
    assert_eq!((status, &body["status_code"]), (200, &json!(1000)), "{body}");
    data(&body).as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_published_is_seen_as_it_is() {
    let world = world().await;
    let (client, _, emsp) = registered(&world).await;
    assert!(list(&emsp, "").await.is_empty());
    let estate = publish(&world, &client, "CP1").await;
    let prices = json!({ "name": "AC", "code": "AC", "currency": "EUR",
        "ac": { "per_kwh": "0.49", "per_minute": "0.02", "from_minute": 60 } });
    let tariff = client.create("/v1/tariffs", prices).await;
    let assignment = json!({ "tariff_id": tariff["id"], "charge_point_id": estate.charge_point });
    client.create("/v1/tariff-assignments", assignment).await;
    // Another operator's is not seen, though it is published.
    let other = world.client(world.partner("Theirs", "cpo").await, Permission::ALL);
    other.create("/v1/ocpi-parties", json!({ "country_code": "DE", "party_id": "THE" })).await;
    publish(&world, &other, "CP9").await;

    let seen = list(&emsp, "").await;
    let [location] = seen.as_slice() else { panic!("{seen:?}") };
    let evse = &location["evses"][0];
    let plug = &evse["connectors"][0];
    for (of, field, value) in [
        (location, "id", json!(estate.location)),
        (location, "party_id", json!("ISE")),
        (location, "publish", json!(true)),
        (location, "country", json!("DEU")),
        (location, "coordinates", json!({ "latitude": "52.520000", "longitude": "13.405000" })),
        (location, "time_zone", json!("Europe/Berlin")),
        (location, "operator", json!({ "name": "Nordstrom", "website": "https://nordstrom.example" })),
        (evse, "uid", json!(estate.charge_point)),
        (evse, "evse_id", json!("DE*ISE*ECP1")),
        (evse, "status", json!("UNKNOWN")),
        (evse, "capabilities", json!(["RFID_READER", "REMOTE_START_STOP_CAPABLE"])),
        (plug, "id", json!(estate.connector)),
        (plug, "standard", json!("IEC_62196_T2")),
        (plug, "max_voltage", json!(230)),
    ] {
        assert_eq!(of[field], value, "{field} in {location}");
    }
    // The tariff that it names is there to be fetched; prices of time are by the hour.
    let (_, tariffs) = emsp.ask("GET", "tariffs", None).await;
    let [ac] = data(&tariffs).as_array().unwrap().as_slice() else { panic!("{tariffs}") };
    assert_eq!(plug["tariff_ids"], json!([ac["id"]]));
    assert_eq!(ac["elements"][1]["price_components"][0]["price"], json!(0.49), "{ac}");
    assert!(ac.to_string().contains("\"price\":1.2,"), "{ac}");

    // Alone, in whatever case; and what is not there.
    let (id, uid, connector) = (&estate.location, &estate.charge_point, &estate.connector);
    let one = async |path: String| emsp.ask("GET", &format!("locations/{path}"), None).await;
    assert_eq!(data(&one(id.to_uppercase()).await.1), location);
    assert_eq!(data(&one(format!("{id}/{uid}")).await.1), evse);
    assert_eq!(data(&one(format!("{id}/{uid}/{connector}")).await.1), plug);
    for path in ["x".to_owned(), connector.clone(), format!("{id}/x"), format!("{id}/{uid}/x")] {
        let (status, body) = one(path.clone()).await;
        assert_eq!((status, &body["status_code"]), (404, &json!(2003)), "{path}");
    }
    assert_eq!(emsp.ask("POST", "locations", None).await.0, 405);

    // What it does shows at once, and moves the location's time.
    world.clock.advance(TimeDelta::minutes(5));
    let since = world.app.now();
    assert!(list(&emsp, &format!("?date_from={since}")).await.is_empty());
    let password = client.post(&format!("/v1/stations/{}/password", estate.station), json!(null)).await.body;
    let station = Simulator::connect(&world.gateway(), "CP1", password["password"].as_str().unwrap()).await.unwrap();
    for (word, status) in [("Available", "AVAILABLE"), ("Charging", "CHARGING"), ("Faulted", "OUTOFORDER")] {
        station.status(1, word).await.unwrap();
        let seen = list(&emsp, &format!("?date_from={since}")).await;
        assert_eq!(seen[0]["evses"][0]["status"], status);
        assert_eq!(seen[0]["last_updated"], seen[0]["evses"][0]["last_updated"]);
    }
    assert!(list(&emsp, &format!("?date_to={since}")).await.is_empty());
    let (status, body) = emsp.ask("GET", "locations?date_from=yesterday", None).await;
    assert_eq!((status, &body["status_code"]), (200, &json!(2001)));
    // Switched off it is not deleted, but removed; the tariff is nobody's business any more.
    client.patch(&access(&estate.station), json!({ "roaming_plus": [] })).await;
    stromtor_api::jobs::drain(&world.app).await.unwrap();
    assert_eq!(list(&emsp, "").await[0]["evses"][0]["status"], "REMOVED");
    assert_eq!(data(&emsp.ask("GET", "tariffs", None).await.1), &json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_lead_through_all_of_them() {
    let world = world().await;
    let (client, _, emsp) = registered(&world).await;
    for number in 1..=5 {
        publish(&world, &client, &format!("CP{number}")).await;
    }
    let mut url = format!("{}/locations?limit=2&date_from=2026-01-01T00:00:00Z", emsp.base);
    let (mut ids, mut pages) = (Vec::new(), 0);
    loop {
        let request = reqwest::Client::new().get(&url).header("authorization", authorization(&emsp.token, true));
        let response = request.send().await.unwrap();
        let header = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        assert_eq!((header("x-total-count").as_deref(), header("x-limit").as_deref()), (Some("5"), Some("100")));
        let link = header("link");
        let body: Value = response.json().await.unwrap();
        ids.extend(data(&body).as_array().unwrap().iter().map(|one| one["id"].to_string()));
        pages += 1;
        let Some(link) = link else { break };
        url = next_link(&link).unwrap();
        assert!(url.contains("date_from=2026-01-01T00:00:00Z") && url.starts_with(&emsp.base), "{url}");
    }
    let mut sorted = ids.clone();
    sorted.sort();
    sorted.dedup();
    assert_eq!((ids.len(), pages, &sorted), (5, 3, &ids), "each once, in the order of their creation");
    // Behind the end there is nothing, and still five.
    let (_, behind) = emsp.ask("GET", "locations?offset=50", None).await;
    assert_eq!(data(&behind), &json!([]));
}
