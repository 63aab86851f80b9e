//! Streams, exports, dead letters.

use std::time::Duration;

use futures_util::StreamExt as _;
use serde_json::{Value, json};
use stromtor_domain::actor::Permission;
use stromtor_ocpp::sim::Simulator;

use crate::{
    ocpp::door::station,
    world::{Client, World},
};

/// Follows a stream; each item as JSON.
pub async fn follow(client: &Client, path: &str) -> impl futures_util::Stream<Item = Value> + Unpin + use<> {
    let response = client.request("GET", path).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.headers()["content-type"].to_str().unwrap().starts_with("text/event-stream"));
    let mut text = String::new();
    let lines = response.bytes_stream().flat_map(move |chunk| {
        text.push_str(std::str::from_utf8(&chunk.unwrap()).unwrap());
        let mut items = Vec::new();
        while let Some(end) = text.find("\n\n") {
            let item: String = text.drain(..end + 2).collect();
            if let Some(data) = item.trim().strip_prefix("data:") {
                items.push(serde_json::from_str(data.trim()).unwrap());
            }
        }
        futures_util::stream::iter(items)
    });
    Box::pin(lines)
}

pub async fn next(stream: &mut (impl futures_util::Stream<Item = Value> + Unpin)) -> Value {
    tokio::time::timeout(Duration::from_secs(10), stream.next()).await.expect("an item comes").unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_show_what_happens_to_those_who_may_see_it() {
    let world = World::new().await;
    let client = world.client(world.partner("Nordstrom", "cpo").await, Permission::ALL);
    let stranger = world.client(world.partner("Theirs", "cpo").await, Permission::ALL);
    let (estate, password) = station(&client, "CP1").await;
    let station_path = format!("station_id={}", estate.station);
    let mut events = follow(&client, &format!("/v1/events/stream?{station_path}&type=status.changed")).await;
    let mut strange = follow(&stranger, "/v1/events/stream").await;
    let ticket = client.post("/v1/stream-tickets", json!(null)).await.body["ticket"].as_str().unwrap().to_owned();
    let by_ticket = format!("/v1/ocpp-messages/stream?{station_path}&action=StatusNotification&ticket={ticket}");
    let mut messages = follow(&world.anonymous(), &by_ticket).await;
    assert_eq!(world.anonymous().get(&by_ticket).await.code(), "unauthenticated", "a ticket works once");
    let simulator = Simulator::connect(&world.gateway(), "CP1", &password).await.unwrap();
    for status in ["Available", "Preparing", "Charging"] {
        simulator.status(1, status).await.unwrap();
    }
    for status in ["available", "occupied", "charging"] {
        assert_eq!(next(&mut events).await["data"]["status"], status);
    }
    for status in ["Available", "Preparing", "Charging"] {
        let message = next(&mut messages).await;
        let answer = next(&mut messages).await;
        assert_eq!((&answer["kind"], &answer["message_id"]), (&json!("result"), &message["message_id"]));
        assert!(message["payload"].as_str().unwrap().contains(status), "{message}");
    }
    let seen = tokio::time::timeout(Duration::from_secs(2), strange.next()).await;
    assert!(seen.is_err(), "a stranger saw {seen:?}");
    // What was streamed is kept, too.
    let kept = client.get(&format!("/v1/events?{station_path}&type=status.changed")).await.body;
    assert_eq!(kept["items"].as_array().unwrap().len(), 3);
    let log =
        client.get(&format!("/v1/ocpp-messages?{station_path}&action=StatusNotification&direction=in&limit=2")).await;
    assert_eq!(log.body["items"].as_array().unwrap().len(), 2);
    assert!(log.header("link").unwrap().contains("rel=\"next\""));
    let id = log.body["items"][0]["message_id"].as_str().unwrap();
    let pair = client.get(&format!("/v1/ocpp-messages?{station_path}&message_id={id}")).await.body;
    assert_eq!(pair["items"].as_array().unwrap().len(), 2, "a call and its answer: {pair}");
    assert_eq!(stranger.get("/v1/ocpp-messages").await.body["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_exported_whole() {
    let world = World::new().await;
    let client = world.client(world.partner("Nordstrom", "cpo").await, Permission::ALL);
    let site = client.create("/v1/locations", crate::network::location::body("=SUM(A1)")).await;
    let stations: Vec<Value> = (0..700)
        .map(|number| json!({ "station": crate::network::station::body(site["id"].as_str().unwrap(), &format!("CP{number:03}")) }))
        .collect();
    let created = client.post("/v1/stations/batch", json!({ "stations": stations })).await;
    assert_eq!(created.status, 200, "{}", created.body);
    let export = client.send(client.request("GET", "/v1/stations?limit=10").header("accept", "text/csv")).await;
    assert_eq!(export.header("content-type"), Some("text/csv; charset=utf-8"));
    let text = export.body.as_str().unwrap();
    let mut lines = text.split("\r\n").filter(|line| !line.is_empty());
    let head: Vec<&str> = lines.next().unwrap().split(',').collect();
    assert!(head.contains(&"ocpp_identity") && head.contains(&"partner_id"), "{head:?}");
    assert_eq!(lines.clone().count(), 700);
    let identities: std::collections::BTreeSet<&str> =
        lines.map(|line| line.split(',').find(|cell| cell.starts_with("CP")).unwrap()).collect();
    assert_eq!(identities.len(), 700);
    let places = client.send(client.request("GET", "/v1/locations").header("accept", "text/csv")).await;
    assert!(places.body.as_str().unwrap().contains(",'=SUM(A1),"), "a formula is made harmless: {}", places.body);
    let refused = client.send(client.request("GET", "/v1/stations?cursor=x").header("accept", "text/csv")).await;
    assert_eq!((refused.status, refused.code()), (422, "invalid_input"));
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_are_seen_and_tried_again() {
    let world = World::with(|config| config.mail.smtp_url = "smtp://127.0.0.1:1".into()).await;
    let client = world.client(world.partner("Nordstrom", "cpo").await, Permission::ALL);
    client.create("/v1/users", json!({ "email": "ada@example.com", "name": "Ada", "roles": ["viewer"] })).await;
    for _ in 0..12 {
        stromtor_api::jobs::drain(&world.app).await.unwrap();
        world.clock.advance(chrono::TimeDelta::hours(2));
    }
    let dead = client.get("/v1/deliveries?state=dead").await.body["items"].clone();
    assert_eq!((&dead[0]["attempts"], dead.as_array().unwrap().len()), (&json!(12), 1), "{dead}");
    assert!(dead[0]["last_error"].as_str().unwrap().len() > 10 && dead[0].get("payload").is_none());
    let retry = format!("/v1/deliveries/{}/retry", dead[0]["id"].as_str().unwrap());
    assert_eq!(client.post(&retry, json!(null)).await.body["state"], "pending");
    assert_eq!(client.post(&retry, json!(null)).await.status, 404, "it is dead no more");
}
