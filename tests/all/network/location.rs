//! Locations over HTTP: the example to follow when a resource is added.

use serde_json::{Value, json};
use stromtor_domain::actor::Permission::{LocationRead, LocationWrite};

use crate::world::World;

pub fn body(name: &str) -> Value {
    json!({
        "name": name,
        "address": { "street": "Hauptstraße 1", "postal_code": "10115", "city": "Berlin", "country": "DE" },
        "coordinates": { "latitude": 52.52, "longitude": 13.405 },
        "time_zone": "Europe/Berlin",
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn lives_from_create_to_delete() {
    let world = World::new().await;
    let cpo = world.partner("Nordstrom", "cpo").await;
    let client = world.client(cpo, &[LocationRead, LocationWrite]);

    let created = client.post("/v1/locations", body("Parkhaus Mitte")).await;
    assert_eq!(created.status, 201, "{}", created.body);
    let path = created.header("location").unwrap().to_owned();
    assert_eq!(created.header("etag"), Some("\"1\""));

    let patched = client.patch(&path, json!({ "hotline": "+49 30 12-34" })).await;
    assert_eq!(patched.body["hotline"], "+49301234");
    assert_eq!(patched.header("etag"), Some("\"2\""));

    let stale = client.send(client.request("PUT", &path).header("If-Match", "\"1\"").json(&body("X"))).await;
    assert_eq!((stale.status, stale.code()), (412, "precondition_failed"));

    let replaced = client.put(&path, body("Neu")).await;
    assert_eq!(replaced.body["name"], "Neu");
    assert!(replaced.body.get("hotline").is_none(), "absent means cleared: {}", replaced.body);

    assert_eq!(client.delete(&path).await.status, 204);
    assert_eq!(client.get(&path).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_input_is_named_and_changes_nothing() {
    let world = World::new().await;
    let cpo = world.partner("Nordstrom", "cpo").await;
    let client = world.client(cpo, &[LocationRead, LocationWrite]);
    let cases = [
        (json!({ "time_zone": "Mars/Base" }), "/time_zone"),
        (json!({ "address": { "street": "A", "city": "B", "country": "Germany" } }), "/address/country"),
        (json!({ "address": { "street": "A", "city": "", "country": "DE" } }), "/address/city"),
        (json!({ "coordinates": { "latitude": 91.0, "longitude": 0.0 } }), "/coordinates/latitude"),
        (json!({ "name": "x".repeat(256) }), "/name"),
        (
            json!({ "opening_hours": { "twenty_four_seven": false, "regular": [{ "weekday": 1, "from": "10:00", "to": "09:00" }] } }),
            "/opening_hours/regular/0/to",
        ),
    ];
    for (change, pointer) in cases {
        let mut input = body("Parkhaus");
        input.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let reply = client.post("/v1/locations", input).await;
        assert_eq!((reply.status, reply.code()), (422, "invalid_input"), "{change}: {}", reply.body);
        assert_eq!(reply.pointers(), [pointer], "{change}: {}", reply.body);
    }
    let unknown = client.post("/v1/locations", json!({ "nmae": "typo" })).await;
    assert_eq!((unknown.status, unknown.code()), (422, "invalid_input"));
    let broken =
        client.send(client.request("POST", "/v1/locations").header("content-type", "application/json").body("{")).await;
    assert_eq!((broken.status, broken.code()), (400, "malformed_json"));
    let list = client.get("/v1/locations").await;
    assert_eq!(list.body["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_sees_a_sibling() {
    let world = World::new().await;
    let (ours, theirs) = (world.partner("Ours", "cpo").await, world.partner("Theirs", "cpo").await);
    let below = world.partner_below(ours, "Below", "sub_cpo").await;
    let permissions = [LocationRead, LocationWrite];
    let (us, them, sub) =
        (world.client(ours, &permissions), world.client(theirs, &permissions), world.client(below, &permissions));
    let path = us.post("/v1/locations", body("Ours")).await.header("location").unwrap().to_owned();
    sub.create("/v1/locations", body("Below")).await;

    for reply in
        [them.get(&path).await, them.delete(&path).await, them.put(&path, body("Stolen")).await, sub.get(&path).await]
    {
        assert_eq!((reply.status, reply.code()), (404, "not_found"));
    }
    let foreign = them.post(&format!("/v1/locations?partner_id={ours}"), body("Planted")).await;
    assert_eq!((foreign.status, foreign.code()), (404, "not_found"));
    assert_eq!(us.get("/v1/locations").await.body["items"].as_array().unwrap().len(), 2);
    assert_eq!(them.get("/v1/locations").await.body["items"].as_array().unwrap().len(), 0);

    let reader = world.client(ours, &[LocationRead]);
    let refused = reader.delete(&path).await;
    assert_eq!((refused.status, refused.code()), (403, "permission_denied"));
    assert_eq!(refused.body["permission"], "location:write");
    assert_eq!(world.anonymous().get(&path).await.code(), "unauthenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_cover_everything_once() {
    let world = World::new().await;
    let cpo = world.partner("Nordstrom", "cpo").await;
    let client = world.client(cpo, &[LocationRead, LocationWrite]);
    for number in 0..5 {
        client.create("/v1/locations", body(&format!("L{number}"))).await;
    }
    let (mut names, mut next) = (Vec::new(), Some("/v1/locations?limit=2".to_owned()));
    while let Some(path) = next {
        let page = client.get(&path).await;
        names.extend(
            page.body["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap().to_owned()),
        );
        next = page.header("link").map(|link| link[1..].split('>').next().unwrap().to_owned());
    }
    assert_eq!(names, ["L0", "L1", "L2", "L3", "L4"]);
    assert_eq!(client.get("/v1/locations?limit=0").await.pointers(), ["limit"]);
    assert_eq!(client.get("/v1/locations?cursor=nonsense").await.pointers(), ["cursor"]);
}
