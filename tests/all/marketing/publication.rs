//! What is published follows the stations' data: never what is broken, and again when it is mended.

use serde_json::{Value, json};
use stromtor_domain::actor::Permission;

use super::{access, pairs, ready, states};
use crate::world::{Client, World};

/// Events of a station about its publications: type, platform, first item that is wrong.
async fn events(client: &Client, station: &str) -> Vec<(String, String, Option<String>)> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let page = client.get(&format!("/v1/events?station_id={station}&limit=500")).await.body;
    let mut found: Vec<_> = page["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|event| event["type"].as_str().unwrap().starts_with("publication."))
        .map(|event| {
            let data = &event["data"];
            (text(&event["type"]).unwrap(), text(&data["platform"]).unwrap(), text(&data["items"][0]["item"]))
        })
        .collect();
    found.sort();
    found
}

enum Way {
    /// Over REST: method, path, body.
    Rest(&'static str, String, Value),
    /// By SQL: what REST does not admit.
    Sql(String),
}

impl Way {
    async fn go(&self, world: &World, client: &Client) {
        match self {
            Self::Rest(method, path, body) => {
                let reply = client.send(client.request(method, path).json(body)).await;
                assert!(reply.status < 300, "{method} {path}: {}", reply.body);
            }
            Self::Sql(statement) => world.sql(statement).await,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_item_broken_withdraws_and_mended_publishes_again() {
    let world = World::new().await;
    let partner = world.partner("Nordstrom", "cpo").await;
    let client = world.client(partner, Permission::ALL);
    let estate = ready(&client, "CP1").await;
    let (path, station) = (access(&estate.station), estate.station.as_str());
    let location = format!("/v1/locations/{}", estate.location);
    let point = format!("/v1/charge-points/{}", estate.charge_point);
    let patch = |path: &str, body: Value| Way::Rest("PATCH", path.to_owned(), body);
    let address = |field: &str, value: &str| {
        (
            Way::Sql(format!("update location set address = address - '{field}'")),
            Way::Sql(format!("update location set address = address || '{{\"{field}\": \"{value}\"}}'")),
        )
    };
    let evse_id = (patch(&point, json!({ "evse_id": null })), patch(&point, json!({ "evse_id": "DE*ISE*E7" })));
    let postcode = (
        patch(&location, json!({ "address": { "postal_code": null } })),
        patch(&location, json!({ "address": { "postal_code": "10115" } })),
    );
    let coordinates = (
        patch(&location, json!({ "coordinates": null })),
        patch(&location, json!({ "coordinates": { "latitude": 52.5, "longitude": 13.4 } })),
    );
    let hotline =
        (patch(&location, json!({ "hotline": null })), patch(&location, json!({ "hotline": "+49301234567" })));
    let authentication = (
        patch(&point, json!({ "authentication_types": ["local_rfid"] })),
        patch(&point, json!({ "authentication_types": ["local_rfid", "remote"] })),
    );
    let of_point = format!("charge_point_id = '{}'", estate.charge_point);
    let connector = (
        Way::Sql(format!("create table kept as select * from connector; delete from connector where {of_point}")),
        Way::Sql("insert into connector select * from kept; drop table kept".into()),
    );
    let cases = [
        ("evse_id", evse_id),
        ("street", address("street", "Hauptstraße 1")),
        ("town", address("city", "Berlin")),
        ("postcode", postcode),
        ("country", address("country", "DE")),
        ("coordinates", coordinates),
        ("hotline", hotline),
        ("authentication_type", authentication),
        ("connector", connector),
    ];
    let (on, off) = (json!({ "marketing": true, "roaming_plus": ["hubject", "ocpi"] }), json!({ "roaming_plus": [] }));
    assert_eq!(client.patch(&path, &on).await.status, 200);
    for (item, (broken, mended)) in cases {
        let both = |state: &str| pairs(&[("hubject", state), ("ocpi", state)]);
        assert_eq!(states(&world, &client, station).await, both("published"), "{item}");
        let before = events(&client, station).await.len();
        broken.go(&world, &client).await;
        // OCPI does not ask for the hotline.
        let withdrawn = if item == "hotline" {
            pairs(&[("hubject", "withdrawn"), ("ocpi", "published")])
        } else {
            both("withdrawn")
        };
        assert_eq!(states(&world, &client, station).await, withdrawn, "{item}");
        let page = client.get(&format!("/v1/publications?station_id={station}&state=withdrawn")).await.body;
        let row = &page["items"][0];
        assert_eq!((&row["reason"], &row["items"][0]["item"]), (&json!("not_ready"), &json!(item)), "{row}");
        let happened = events(&client, station).await;
        assert_eq!(happened.len() - before, page["items"].as_array().unwrap().len(), "{item}");
        let told = ("publication.withdrawn".to_owned(), "hubject".to_owned(), Some(item.to_owned()));
        assert!(happened.contains(&told), "{happened:?}");
        let readiness = client.get(&format!("/v1/stations/{station}/readiness")).await.body;
        let wrong: Vec<&Value> = readiness["hubject"]["items"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|item| item["holds"] == false)
            .map(|item| &item["item"])
            .collect();
        assert_eq!(wrong, [item], "{readiness}");
        mended.go(&world, &client).await;
        assert_eq!(states(&world, &client, station).await, both("published"), "{item}");
        // Once off it cannot be switched on while it is broken.
        assert_eq!(client.patch(&path, &off).await.status, 200);
        broken.go(&world, &client).await;
        let code = if item == "authentication_type" { "remote_authentication_needed" } else { "not_ready" };
        assert_eq!(client.patch(&path, &on).await.code(), code, "{item}");
        assert_eq!(states(&world, &client, station).await, both("withdrawn"), "{item}");
        mended.go(&world, &client).await;
        assert_eq!(states(&world, &client, station).await, both("withdrawn"), "what is off stays off");
        assert_eq!(client.patch(&path, &on).await.status, 200, "{item}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_partners_hotline_and_new_charge_points_count() {
    let world = World::new().await;
    let partner = world.partner("Nordstrom", "cpo").await;
    let client = world.client(partner, Permission::ALL);
    let estate = ready(&client, "CP1").await;
    client.patch(&access(&estate.station), json!({ "marketing": true, "roaming_plus": ["hubject"] })).await;
    let hotline = |number: Value| json!({ "hotline": number });
    client.patch(&format!("/v1/locations/{}", estate.location), hotline(json!(null))).await;
    let state = |state: &str| pairs(&[("hubject", state)]);
    assert_eq!(states(&world, &client, &estate.station).await, state("withdrawn"));
    let since = client.get("/v1/publications").await.body["items"][0]["since"].clone();
    world.clock.advance(chrono::TimeDelta::minutes(5));
    let own = format!("/v1/partners/{partner}");
    assert_eq!(world.root().patch(&own, hotline(json!("+49301234567"))).await.status, 200);
    assert_eq!(states(&world, &client, &estate.station).await, state("published"));
    assert_ne!(client.get("/v1/publications").await.body["items"][0]["since"], since);
    // A charge point is added before it has all it needs.
    let point = json!({ "code": "CP1-2", "evse_number": 2, "current_type": "dc", "evse_id": "DE*ISE*E8" });
    let point = client.create(&format!("/v1/charge-points?station_id={}", estate.station), point).await;
    assert_eq!(states(&world, &client, &estate.station).await, state("withdrawn"));
    let wrong = client.get("/v1/publications?reason=not_ready").await.body["items"][0]["items"][0].clone();
    let add = format!("/v1/connectors?charge_point_id={}", point["id"].as_str().unwrap());
    assert_eq!((&wrong["item"], &wrong["problems"][0]["resource"]), (&json!("connector"), &json!(add)));
    let plug = json!({ "ocpp_connector_id": 2, "standard": "iec_62196_t2_combo", "format": "cable", "power_type": "dc",
        "max_voltage_v": 1000, "max_current_a": 200 });
    client.create(&add, plug).await;
    assert_eq!(states(&world, &client, &estate.station).await, state("published"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_station_that_goes_is_withdrawn() {
    let world = World::new().await;
    let client = world.client(world.partner("Nordstrom", "cpo").await, Permission::ALL);
    let on = json!({ "marketing": true, "roaming_plus": ["ocpi"] });
    // Dismantled.
    let estate = ready(&client, "CP1").await;
    assert_eq!(client.patch(&access(&estate.station), &on).await.status, 200);
    client.post(&format!("/v1/stations/{}/dismantle", estate.station), json!(null)).await;
    assert_eq!(states(&world, &client, &estate.station).await, pairs(&[("ocpi", "withdrawn")]));
    let happened = events(&client, &estate.station).await;
    assert_eq!(happened[1].2.as_deref(), Some("installation"), "{happened:?}");
    // Moved to another location of the operator.
    let estate = ready(&client, "CP2").await;
    assert_eq!(client.patch(&access(&estate.station), &on).await.status, 200);
    let there = client.create("/v1/locations", crate::network::location::body("There")).await;
    let station = format!("/v1/stations/{}", estate.station);
    assert_eq!(client.patch(&station, json!({ "location_id": there["id"] })).await.status, 200);
    assert_eq!(states(&world, &client, &estate.station).await, pairs(&[("ocpi", "published")]));
    assert_eq!(client.get(&access(&estate.station)).await.body["location_id"], there["id"]);
    // Gone to another operator, who has never offered it.
    let buyer = world.client(world.partner("Südstrom", "cpo").await, Permission::ALL);
    let theirs = buyer.create("/v1/locations", crate::network::location::body("Theirs")).await;
    let moved = world.root().post(&format!("{station}/transfer"), json!({ "location_id": theirs["id"] })).await;
    assert_eq!(moved.status, 200, "{}", moved.body);
    let happened = events(&client, &estate.station).await;
    assert_eq!(happened.last().map(|event| event.0.as_str()), Some("publication.withdrawn"), "{happened:?}");
    let found = buyer.get(&access(&estate.station)).await.body;
    assert_eq!((&found["marketing"], &found["revision"]), (&json!(false), &json!(0)), "{found}");
    assert_eq!(states(&world, &buyer, &estate.station).await, []);
    // Deleted.
    let bare = client.create("/v1/stations", crate::network::station::body(there["id"].as_str().unwrap(), "CP3")).await;
    client.patch(&access(bare["id"].as_str().unwrap()), json!({ "marketing": true })).await;
    assert_eq!(client.delete(&format!("/v1/stations/{}", bare["id"].as_str().unwrap())).await.status, 204);
    assert_eq!(world.texts("select count(*)::text as value from access_information").await, ["1"]);
}
