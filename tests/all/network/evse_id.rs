//! EVSE-IDs: given out without collision, found in any spelling, moved.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use stromtor_domain::actor::Permission;

use super::station::{body, build};
use crate::world::{Client, World};

/// Stations with three charge points each; the ids of those.
async fn fleet(client: &Client, location: &str, name: &str, stations: usize) -> Vec<String> {
    let point = |station: usize, number: usize| {
        json!({ "charge_point": { "code": format!("{name}{station}-{number}"), "evse_number": number, "current_type": "ac" },
            "connectors": [] })
    };
    for first in (0..stations).step_by(500) {
        let some: Vec<Value> = (first..stations.min(first + 500))
            .map(|at| {
                json!({ "station": body(location, &format!("{name}{at}")),
                    "charge_points": [point(at, 1), point(at, 2), point(at, 3)] })
            })
            .collect();
        let made = client.post("/v1/stations/batch", json!({ "stations": some })).await;
        assert_eq!(made.status, 200, "{}", made.body);
    }
    ids(client, location).await
}

async fn ids(client: &Client, location: &str) -> Vec<String> {
    let (mut ids, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = client.get(&format!("/v1/charge-points?location_id={location}&limit=500{cursor}")).await.body;
        ids.extend(page["items"].as_array().unwrap().iter().map(|point| point["id"].as_str().unwrap().to_owned()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return ids,
        }
    }
}

async fn site(client: &Client, country: &str) -> String {
    let mut site = super::location::body("Site");
    site["address"]["country"] = json!(country);
    client.create("/v1/locations", site).await["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_nearest_prefix_of_the_country_is_taken() {
    let world = World::new().await;
    let (root, cpo) = (world.root(), world.partner("Nordstrom", "cpo").await);
    let ours = world.client(cpo, Permission::ALL);
    let below = world.client(world.partner_below(cpo, "Hafen", "sub_cpo").await, Permission::ALL);
    let (german, austrian) = (site(&below, "DE").await, site(&below, "AT").await);
    let german = fleet(&below, &german, "D", 1).await;
    let austrian = fleet(&below, &austrian, "A", 1).await;
    let give = |id: &str, body: Value| {
        let (below, path) = (below.clone(), format!("/v1/charge-points/{id}/evse-id"));
        async move { below.post(&path, body).await }
    };
    let none = give(&german[0], json!({})).await;
    assert_eq!((none.status, none.code()), (409, "no_evse_prefix"));
    root.create("/v1/evse-prefixes", json!({ "prefix": "DE*ISE", "first_number": 100_001 })).await;
    root.create("/v1/evse-prefixes", json!({ "prefix": "AT*C4O" })).await;
    assert_eq!(give(&german[0], json!({})).await.body["evse_id"], "DE*ISE*E100001");
    assert_eq!(give(&austrian[0], json!({})).await.body["evse_id"], "AT*C4O*E1");
    let own = ours.create("/v1/evse-prefixes", json!({ "prefix": "DE*NOR" })).await;
    let given = give(&german[1], json!({})).await;
    assert_eq!((&given.body["evse_id"], given.header("etag")), (&json!("DE*NOR*E1"), Some("\"2\"")));
    assert_eq!(give(&austrian[1], json!({})).await.body["evse_id"], "AT*C4O*E2");
    // One that is named is taken whatever the country.
    assert_eq!(give(&austrian[2], json!({ "prefix_id": own["id"] })).await.body["evse_id"], "DE*NOR*E2");
    let again = give(&austrian[2], json!({})).await;
    assert_eq!((again.status, again.code()), (409, "evse_id_present"));
    // Another partner's is not there, nor is one of a partner below for those above.
    let other = world.client(world.partner("Theirs", "cpo").await, Permission::ALL);
    let foreign = other.create("/v1/evse-prefixes", json!({ "prefix": "DE*OTH" })).await;
    assert_eq!(give(&german[2], json!({ "prefix_id": foreign["id"] })).await.pointers(), ["/prefix_id"]);
    let everywhere = format!("/v1/charge-points/{}/evse-id", german[2]);
    let refused = root.post(&everywhere, json!({ "prefix_id": foreign["id"] })).await;
    assert_eq!((refused.status, refused.pointers()), (422, vec!["/prefix_id"]));
    assert_eq!(other.post(&everywhere, json!({})).await.status, 404);
    let audit = root.get(&format!("/v1/audit-entries?resource_id={}", german[1])).await.body["items"][0].clone();
    assert_eq!((&audit["action"], &audit["after"]["evse_id"]), (&json!("allocate_evse_id"), &json!("DE*NOR*E1")));
}

#[tokio::test(flavor = "multi_thread")]
async fn however_many_ask_at_once_no_number_is_given_twice() {
    let world = World::new().await;
    let client = world.client(world.partner("Nordstrom", "cpo").await, Permission::ALL);
    let site = site(&client, "DE").await;
    let points = fleet(&client, &site, "S", 40).await;
    client.create("/v1/evse-prefixes", json!({ "prefix": "DE*NOR" })).await;
    // One by one, by the dozen, by hand and by filter, all at once.
    let one = points[..40].iter().map(|id| {
        let (client, path) = (client.clone(), format!("/v1/charge-points/{id}/evse-id"));
        tokio::spawn(async move { client.post(&path, json!({})).await })
    });
    let many = points[40..80].chunks(10).map(|ids| {
        let (client, ids) = (client.clone(), ids.to_vec());
        tokio::spawn(async move { client.post("/v1/evse-ids/allocate", json!({ "charge_point_ids": ids })).await })
    });
    let hand = points[80..100].iter().enumerate().map(|(at, id)| {
        let (client, path) = (client.clone(), format!("/v1/charge-points/{id}"));
        tokio::spawn(async move { client.patch(&path, json!({ "evse_id": format!("DE*NOR*E{}", at * 3) })).await })
    });
    let mut hand: Vec<_> = hand.collect();
    for task in one.chain(many).collect::<Vec<_>>() {
        let reply = task.await.unwrap();
        assert_eq!(reply.status, 200, "{}", reply.body);
    }
    for task in hand.drain(..) {
        // By hand one may come too late, and is told so.
        let reply = task.await.unwrap();
        assert!(reply.status == 200 || reply.code() == "already_exists", "{}", reply.body);
    }
    let filters = (0..4).map(|_| {
        let client = client.clone();
        tokio::spawn(async move { client.post("/v1/evse-ids/allocate", json!({ "filter": {} })).await })
    });
    for task in filters.collect::<Vec<_>>() {
        assert_eq!(task.await.unwrap().status, 200);
    }
    let all = world.texts("select coalesce(evse_id, '-') as value from charge_point").await;
    let distinct: BTreeSet<&String> = all.iter().collect();
    assert_eq!((all.len(), distinct.len(), distinct.contains(&"-".to_owned())), (120, 120, false));
    let open = "select count(*)::text as value from evse_id_history h join charge_point c on c.id = h.charge_point_id \
        and c.evse_id = h.evse_id where h.used_until is null";
    assert_eq!(world.texts(open).await, ["120"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn five_thousand_at_once_all_or_none() {
    let world = World::new().await;
    let client = world.client(world.partner("Nordstrom", "cpo").await, Permission::ALL);
    let (site, elsewhere) = (site(&client, "DE").await, site(&client, "DE").await);
    client.create("/v1/evse-prefixes", json!({ "prefix": "DE*NOR" })).await;
    let points = fleet(&client, &site, "S", 1700).await;
    let few = fleet(&client, &elsewhere, "T", 2).await;
    let stranger = build(&world.client(world.partner("Theirs", "cpo").await, Permission::ALL), "CP1").await;
    // A long run of numbers that were set by hand.
    let by_hand = format!(
        "update charge_point set evse_id = 'DE*NOR*EX1' where id = '{}'; \
         insert into evse_id_history (evse_id, charge_point_id, station_id, partner_id, location_id, used_from, used_until) \
         select 'DE*NOR*E' || n, id, station_id, partner_id, location_id, now(), now() \
         from charge_point c, generate_series(2, 3000) n where c.id = '{}'",
        points[5099], points[0]
    );
    world.sql(&by_hand).await;
    let named = client.patch(&format!("/v1/charge-points/{}", few[0]), json!({ "evse_id": "DE*NOR*E1" })).await;
    assert_eq!(named.status, 200);
    let mixed = [&points[0], &few[0], &stranger.charge_point, &points[0]].map(|id| json!(id));
    let refused = client.post("/v1/evse-ids/allocate", json!({ "charge_point_ids": &mixed[..3] })).await;
    assert_eq!(
        (refused.status, refused.pointers()),
        (422, vec!["/charge_point_ids/1", "/charge_point_ids/2"]),
        "{}",
        refused.body
    );
    let twice = client.post("/v1/evse-ids/allocate", json!({ "charge_point_ids": [mixed[0], mixed[3]] })).await;
    assert_eq!(twice.pointers(), ["/charge_point_ids/1"]);
    let both = json!({ "charge_point_ids": [mixed[0]], "filter": {} });
    assert_eq!(client.post("/v1/evse-ids/allocate", both).await.pointers(), ["/filter"]);
    assert_eq!(client.post("/v1/evse-ids/allocate", json!({})).await.pointers(), ["/charge_point_ids"]);
    let too_many = client.post("/v1/evse-ids/allocate", json!({ "charge_point_ids": &points[..5001] })).await;
    assert_eq!(too_many.pointers(), ["/charge_point_ids"]);
    let before = std::time::Instant::now();
    let given = client.post("/v1/evse-ids/allocate", json!({ "charge_point_ids": &points[..4000] })).await;
    assert_eq!(given.status, 200, "{}", given.body);
    assert!(before.elapsed().as_secs() < 10, "{:?}", before.elapsed());
    let items = given.body["items"].as_array().unwrap();
    assert_eq!((items.len(), &given.body["more"]), (4000, &json!(false)));
    assert_eq!((&items[0]["charge_point_id"], &items[0]["evse_id"]), (&json!(points[0]), &json!("DE*NOR*E3001")));
    assert_eq!(items[3999]["evse_id"], "DE*NOR*E7000");
    let rest = client.post("/v1/evse-ids/allocate", json!({ "filter": { "location_id": site } })).await;
    assert_eq!(rest.body["items"].as_array().unwrap().len(), 1099, "one has the id that was set by hand");
    let audit = client.get("/v1/audit-entries?action=allocate_evse_ids&limit=10").await;
    assert_eq!(audit.status, 200);
    let prefix = client.get("/v1/evse-prefixes?prefix=DE*NOR").await.body["items"][0].clone();
    assert_eq!((&prefix["last_number"], &prefix["revision"]), (&json!(8099), &json!(1)));
    // Pages of the list go through all, in order.
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = client.get(&format!("/v1/evse-ids?search=nor*e5&limit=500{cursor}")).await.body;
        let items = page["items"].as_array().unwrap().clone();
        seen.extend(items.iter().map(|item| item["evse_id"].as_str().unwrap().to_owned()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!((seen.len(), seen.is_sorted()), (1000, true), "E5000 to E5999");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_evse_id_is_found_in_any_spelling() {
    let world = World::new().await;
    let client = world.client(world.partner("Nordstrom", "cpo").await, Permission::ALL);
    let stranger = world.client(world.partner("Theirs", "cpo").await, Permission::ALL);
    let (here, there) = (build(&client, "CP1").await, build(&client, "CP2").await);
    let set = |point: &str, id: Value| {
        let (client, path) = (client.clone(), format!("/v1/charge-points/{point}"));
        async move { assert_eq!(client.patch(&path, json!({ "evse_id": id })).await.status, 200) }
    };
    set(&here.charge_point, json!("DE*NOR*E12*3")).await;
    for spelling in ["DE*NOR*E12*3", "de*nor*e12*3", "DENORE123", "DE*NORE123", "de%2Anor%2Ae12%2A3"] {
        let found = client.get(&format!("/v1/evse-ids/{spelling}")).await;
        assert_eq!(found.body["evse_id"], "DE*NOR*E12*3", "{spelling}: {}", found.body);
        let place = &found.body["place"];
        assert_eq!(
            (&place["charge_point_id"], &place["station_id"], &place["location_id"], &place["ocpp_identity"]),
            (&json!(here.charge_point), &json!(here.station), &json!(here.location), &json!("CP1"))
        );
        assert_eq!(stranger.get(&format!("/v1/evse-ids/{spelling}")).await.status, 404);
    }
    assert_eq!(client.get("/v1/evse-ids/DE*NOR*E9").await.status, 404);
    assert_eq!(client.get("/v1/evse-ids/nonsense").await.pointers(), ["evse_id"]);
    // Without separators two may be alike.
    set(&there.charge_point, json!("DE*NOR*E1*23")).await;
    assert_eq!(client.get("/v1/evse-ids/DENORE123").await.code(), "evse_id_ambiguous");
    assert_eq!(client.get("/v1/evse-ids/de*nor*e1*23").await.body["place"]["ocpp_identity"], "CP2");
    for (search, expected) in [("e12*3", 2), ("denor", 2), ("CP1", 0), ("%25", 2), ("", 2)] {
        let found = client.get(&format!("/v1/evse-ids?search={search}")).await.body["items"].clone();
        assert_eq!(found.as_array().unwrap().len(), expected, "{search}: {found}");
    }
    assert_eq!(stranger.get("/v1/evse-ids").await.body["items"], json!([]));
    // What it was before stays known, and another operator's time is that one's own.
    world.clock.advance(chrono::TimeDelta::hours(1));
    set(&there.charge_point, Value::Null).await;
    let found = client.get("/v1/evse-ids/DE*NOR*E1*23").await.body;
    assert!(found.get("place").is_none() && found["history"][0]["used_until"].is_string(), "{found}");
    let hour = |text: &Value| text.as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    let lasted = hour(&found["history"][0]["used_until"]) - hour(&found["history"][0]["used_from"]);
    assert_eq!(lasted.num_minutes(), 60, "by the clock that everything goes by");
    let away = stranger.create("/v1/locations", super::location::body("There")).await;
    let transfer = json!({ "location_id": away["id"] });
    assert_eq!(world.root().post(&format!("/v1/stations/{}/transfer", here.station), transfer).await.status, 200);
    let (ours, theirs) = (client.get("/v1/evse-ids/DENORE123").await, stranger.get("/v1/evse-ids/DENORE123").await);
    assert_eq!(ours.code(), "evse_id_ambiguous", "both were here");
    assert_eq!(theirs.body["place"]["location_name"], "There");
    assert_eq!(theirs.body["history"].as_array().unwrap().len(), 1);
    let ours = client.get("/v1/evse-ids/DE*NOR*E12*3/history").await.body["items"].clone();
    assert_eq!((ours.as_array().unwrap().len(), &ours[0]["location_id"]), (1, &json!(here.location)));
    assert!(ours[0]["used_until"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_evse_id_moves_after_dismantling() {
    let world = World::new().await;
    let cpo = world.partner("Nordstrom", "cpo").await;
    let client = world.client(cpo, Permission::ALL);
    let (old, new) = (build(&client, "OLD").await, build(&client, "NEW").await);
    let other_cpo = world.partner("Theirs", "cpo").await;
    let stranger = world.client(other_cpo, Permission::ALL);
    let theirs = build(&stranger, "X").await;
    client.create("/v1/evse-prefixes", json!({ "prefix": "DE*NOR" })).await;
    let give = |point: &str| format!("/v1/charge-points/{point}/evse-id");
    assert_eq!(client.post(&give(&old.charge_point), json!({})).await.body["evse_id"], "DE*NOR*E1");
    let path = "/v1/evse-ids/denore1/move";
    let to = |point: &str| json!({ "charge_point_id": point });
    assert_eq!(client.post(path, to(&new.charge_point)).await.code(), "station_not_dismantled");
    assert_eq!(client.post(path, to(&old.charge_point)).await.code(), "evse_id_present");
    assert_eq!(client.post(&format!("/v1/stations/{}/dismantle", old.station), json!(null)).await.status, 200);
    assert_eq!(client.post(path, to(&theirs.charge_point)).await.pointers(), ["/charge_point_id"]);
    assert_eq!(world.root().post(path, to(&theirs.charge_point)).await.pointers(), ["/charge_point_id"]);
    assert_eq!(stranger.post(path, to(&theirs.charge_point)).await.status, 404);
    world.clock.advance(chrono::TimeDelta::hours(1));
    let moved = client.post(path, to(&new.charge_point)).await;
    assert_eq!((moved.status, &moved.body["evse_id"]), (200, &json!("DE*NOR*E1")), "{}", moved.body);
    let before = client.get(&format!("/v1/charge-points/{}", old.charge_point)).await;
    assert!(before.body.get("evse_id").is_none(), "{}", before.body);
    assert_eq!(before.header("etag"), Some("\"3\""));
    let found = client.get("/v1/evse-ids/DE*NOR*E1").await.body;
    assert_eq!(found["place"]["ocpp_identity"], "NEW");
    let history = found["history"].as_array().unwrap();
    assert_eq!(
        (&history[0]["charge_point_id"], &history[1]["charge_point_id"]),
        (&json!(new.charge_point), &json!(old.charge_point))
    );
    assert_eq!(history[0]["used_from"], history[1]["used_until"]);
    for point in [&old.charge_point, &new.charge_point] {
        let audit = client.get(&format!("/v1/audit-entries?resource_id={point}")).await.body["items"][0].clone();
        assert_eq!(audit["action"], "move_evse_id");
        let events = client.get(&format!("/v1/events?resource_id={point}")).await.body["items"][0].clone();
        assert_eq!((&events["type"], &events["data"]["change"]), (&json!("station.changed"), &json!("move_evse_id")));
    }
    // A dismantled station's charge points get none, and what somebody had is not given out anew.
    assert_eq!(client.post(&give(&old.charge_point), json!({})).await.code(), "station_dismantled");
    assert_eq!(
        client.post("/v1/evse-ids/allocate", json!({ "charge_point_ids": [old.charge_point] })).await.pointers(),
        ["/charge_point_ids/0"]
    );
    assert_eq!(client.post("/v1/evse-ids/allocate", json!({ "filter": {} })).await.body["items"], json!([]));
    assert_eq!(client.delete(&format!("/v1/connectors/{}", new.connector)).await.status, 204);
    assert_eq!(client.delete(&format!("/v1/charge-points/{}", new.charge_point)).await.status, 204);
    let next = build(&client, "NEXT").await;
    assert_eq!(client.post(&give(&next.charge_point), json!({})).await.body["evse_id"], "DE*NOR*E2");
    // From one that is gone it can be taken over, though.
    let last = build(&client, "LAST").await;
    assert_eq!(client.post(path, to(&next.charge_point)).await.code(), "evse_id_present");
    assert_eq!(client.post(path, to(&last.charge_point)).await.body["evse_id"], "DE*NOR*E1");
    let history = client.get("/v1/evse-ids/DE*NOR*E1/history?limit=2").await.body;
    assert_eq!(history["items"].as_array().unwrap().len(), 2);
    let rest = format!("/v1/evse-ids/DE*NOR*E1/history?cursor={}", history["next_cursor"].as_str().unwrap());
    assert_eq!(client.get(&rest).await.body["items"].as_array().unwrap().len(), 1);
}
