//! Preview, then done as a whole or not at all.

use chrono::TimeDelta;
use serde_json::{Value, json};
use stromtor_domain::actor::Permission;

use super::{body, buy, path, sell, violations};
use crate::{
    network::station::{Estate, build},
    world::{Client, World},
};

const ORDERS: &str = "/v1/product-orders";

async fn three(client: &Client) -> Vec<Estate> {
    let mut estates = Vec::new();
    for identity in ["CP1", "CP2", "CP3"] {
        estates.push(build(client, identity).await);
    }
    estates
}

async fn had(client: &Client, query: &str) -> Vec<Value> {
    let page = client.get(&format!("/v1/product-assignments?{query}")).await.body;
    page["items"].as_array().unwrap_or_else(|| panic!("{page}")).clone()
}

async fn confirm(client: &Client, order: &Value) -> (u16, String) {
    let reply = client.post(&path(order, "/confirm"), json!(null)).await;
    (reply.status, reply.body["code"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn by_filter_as_a_whole_or_not_at_all() {
    let world = World::new().await;
    let partner = world.partner("Nordstrom", "cpo").await;
    let client = world.client(partner, Permission::ALL);
    let estates = three(&client).await;
    let (ac, dc) = (
        sell(&world.root(), "station", "EOP-AC", &["monitoring"], "9.90").await,
        sell(&world.root(), "station", "EOP-DC", &["monitoring"], "19.90").await,
    );
    let fast = json!({ "code": "CP3-2", "evse_number": 2, "current_type": "dc" });
    client.create(&format!("/v1/charge-points?station_id={}", estates[2].station), fast).await;
    // DC alone, ordered by the platform for its customer.
    let body = json!({ "product_id": dc, "filter": { "current_type": "dc", "country": "DE" } });
    let order = world.root().create(&format!("{ORDERS}?partner_id={partner}"), body).await;
    assert_eq!((&order["items"], &order["violations"], &order["partner_id"]), (&json!(1), &json!(0), &json!(partner)));
    assert_eq!(had(&client, "").await.len(), 0, "a preview assigns nothing");
    assert_eq!(confirm(&client, &order).await.0, 200);
    // All three, the third of which has another already.
    let body = json!({ "product_id": ac, "filter": { "city": "berlin" } });
    let order = client.create(ORDERS, body.clone()).await;
    assert_eq!((&order["items"], &order["violations"]), (&json!(3), &json!(0)), "{order}");
    let first = client.get(&path(&order, "/items?limit=2")).await.body;
    let cursor = first["next_cursor"].as_str().unwrap();
    let last = client.get(&path(&order, &format!("/items?limit=2&cursor={cursor}"))).await.body;
    let items: Vec<Value> = [&first, &last].iter().flat_map(|page| page["items"].as_array().unwrap().clone()).collect();
    assert_eq!(items.len(), 3);
    let third = items.iter().find(|item| item["station_id"] == json!(estates[2].station)).unwrap();
    assert_eq!(third["products_before"], json!([dc]));
    assert_eq!(third["products_after"], json!([dc, ac]));
    assert_eq!(confirm(&client, &order).await.0, 200);
    assert_eq!(confirm(&client, &order).await, (409, "order_not_preview".into()));
    let rows = had(&client, &format!("product_id={ac}")).await;
    assert_eq!(rows.len(), 3);
    assert!(rows.iter().all(|row| row["order_id"] == order["id"] && row["assigned_by"] == "test"), "{rows:?}");
    // Once more speaks against it everywhere, and nothing is done.
    let again = client.create(ORDERS, body).await;
    assert_eq!(violations(&client, &again).await, vec![vec!["already_assigned"]; 3]);
    assert_eq!(confirm(&client, &again).await, (409, "order_has_violations".into()));
    assert_eq!(had(&client, &format!("product_id={ac}")).await.len(), 3);
    // Checked, then no longer so: one of the stations is given it meanwhile.
    let new = build(&client, "CP4").await;
    let stale =
        client.create(ORDERS, json!({ "product_id": dc, "station_ids": [new.station, estates[0].station] })).await;
    buy(&client, json!({ "product_id": dc, "station_ids": [new.station] })).await;
    assert_eq!(confirm(&client, &stale).await, (409, "order_outdated".into()));
    assert_eq!(had(&client, &format!("station_id={}&product_id={dc}", estates[0].station)).await.len(), 0);
    // An end by filter finds those that have it.
    let end = buy(&client, json!({ "product_id": dc, "action": "end", "filter": {} })).await;
    assert_eq!(end["items"], 2, "{end}");
    let event = client.get("/v1/events?limit=500").await.body["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|event| event["type"] == "product.changed")
        .map(|event| event["data"]["items"].as_i64().unwrap())
        .collect::<Vec<_>>();
    assert_eq!(event.len(), 4, "one an order: {event:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_speaks_against_it_is_named() {
    let world = World::new().await;
    let (ours, theirs) = (world.partner("Ours", "cpo").await, world.partner("Theirs", "cpo").await);
    let (client, other) = (world.client(ours, Permission::ALL), world.client(theirs, Permission::ALL));
    let (first, gone, foreign) = (build(&client, "CP1").await, build(&client, "CP2").await, build(&other, "CP3").await);
    let product = sell(&world.root(), "station", "A", &[], "1").await;
    client.post(&format!("/v1/stations/{}/dismantle", gone.station), json!(null)).await;
    let chosen = json!({ "product_id": product, "station_ids": [first.station, gone.station, foreign.station] });
    let order = world.root().create(ORDERS, chosen).await;
    // Whose stations they are is said by the first.
    assert_eq!((&order["partner_id"], &order["violations"]), (&json!(ours), &json!(2)), "{order}");
    let mut found = violations(&world.root(), &order).await;
    found.sort();
    assert_eq!(found, [["other_operator"], ["station_dismantled"]]);
    assert_eq!(confirm(&world.root(), &order).await, (409, "order_has_violations".into()));
    // Dismantled ones are passed over.
    assert_eq!(client.create(ORDERS, json!({ "product_id": product, "filter": {} })).await["items"], 1);
    // One currency for all.
    let mut francs = body("station", "CHF", &[], "1");
    francs["currency"] = json!("CHF");
    let francs = world.root().create("/v1/products", francs).await;
    buy(&client, json!({ "product_id": product, "station_ids": [first.station] })).await;
    let station = json!([first.station]);
    let order = client.create(ORDERS, json!({ "product_id": francs["id"], "station_ids": station })).await;
    assert_eq!(violations(&client, &order).await, [["other_currency"]]);
    // Withdrawn; and what is not there does not end.
    let old = sell(&world.root(), "station", "OLD", &[], "1").await;
    assert_eq!(world.root().patch(&format!("/v1/products/{old}"), json!({ "state": "withdrawn" })).await.status, 200);
    let order = client.create(ORDERS, json!({ "product_id": old, "station_ids": station })).await;
    assert_eq!(violations(&client, &order).await, [["product_withdrawn"]]);
    let order = client.create(ORDERS, json!({ "product_id": old, "action": "end", "station_ids": station })).await;
    assert_eq!(violations(&client, &order).await, [["not_assigned"]]);
    let ahead = (world.app.now() + TimeDelta::days(9)).to_string();
    let end = json!({ "product_id": product, "action": "end", "station_ids": station, "valid_from": ahead });
    buy(&client, end.clone()).await;
    let order = client.create(ORDERS, json!({ "product_id": product, "action": "end", "station_ids": station })).await;
    assert_eq!(violations(&client, &order).await, [["already_ended"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_orders_change_nothing() {
    let world = World::new().await;
    let (ours, theirs) = (world.partner("Ours", "cpo").await, world.partner("Theirs", "cpo").await);
    world.sql(&format!("update partner set debtor_number = '4711' where id = '{ours}'")).await;
    world.sql(&format!("update partner set debtor_number = '4712' where id = '{theirs}'")).await;
    let (client, stranger) = (world.client(ours, Permission::ALL), world.client(theirs, Permission::ALL));
    let (estate, foreign) = (build(&client, "CP1").await, build(&stranger, "CP2").await);
    let station = sell(&world.root(), "station", "S", &[], "1").await;
    let partner = sell(&world.root(), "partner", "P", &[], "1").await;
    let unseen = sell(&stranger, "station", "T", &[], "1").await;
    let ids = json!([estate.station]);
    for (body, pointer) in [
        (json!({ "product_id": station }), "/station_ids"),
        (json!({ "product_id": station, "station_ids": ids, "filter": {} }), "/filter"),
        (json!({ "product_id": station, "filter": { "city": "Atlantis" } }), "/filter"),
        (json!({ "product_id": station, "station_ids": [estate.station, foreign.station] }), "/station_ids/1"),
        (json!({ "product_id": station, "debtor_number": "4711" }), "/debtor_number"),
        (json!({ "product_id": station, "station_ids": ids, "valid_from": "2020-01-01T00:00:00Z" }), "/valid_from"),
        (json!({ "product_id": unseen, "station_ids": ids }), "/product_id"),
        (json!({ "product_id": partner }), "/debtor_number"),
        (json!({ "product_id": partner, "debtor_number": "0815" }), "/debtor_number"),
        (json!({ "product_id": partner, "debtor_number": "4712" }), "/debtor_number"),
        (json!({ "product_id": partner, "debtor_number": "4711", "station_ids": ids }), "/station_ids"),
        (json!({ "product_id": partner, "debtor_number": "4711", "filter": {} }), "/filter"),
    ] {
        let refused = client.post(ORDERS, &body).await;
        assert_eq!(
            (refused.status, refused.code(), refused.pointers()),
            (422, "invalid_input", vec![pointer]),
            "{body} {}",
            refused.body
        );
    }
    // What one partner sells is not sold to its neighbour, even by the platform that sees both.
    let refused = world.root().post(ORDERS, json!({ "product_id": unseen, "station_ids": ids })).await;
    assert_eq!(refused.pointers(), ["/product_id"], "{}", refused.body);
    let elsewhere =
        client.post(&format!("{ORDERS}?partner_id={theirs}"), json!({ "product_id": station, "filter": {} })).await;
    assert_eq!(elsewhere.status, 404);
    assert_eq!(world.root().get(ORDERS).await.body["items"], json!([]));
    // Orders of others are not there.
    let order = client.create(ORDERS, json!({ "product_id": station, "station_ids": ids })).await;
    for step in ["", "/items"] {
        assert_eq!(stranger.get(&path(&order, step)).await.status, 404);
    }
    for step in ["/confirm", "/cancel"] {
        assert_eq!(stranger.post(&path(&order, step), json!(null)).await.status, 404);
    }
    // Who may see one location alone orders for it alone, and nothing for the partner.
    let at = vec![estate.location.parse().unwrap()];
    let limited = world.client_at(ours, Permission::ALL, Some(at));
    build(&client, "CP3").await;
    assert_eq!(limited.create(ORDERS, json!({ "product_id": station, "filter": {} })).await["items"], 1);
    let all = client.create(ORDERS, json!({ "product_id": station, "filter": {} })).await;
    assert_eq!((&all["items"], confirm(&limited, &all).await.0), (&json!(2), 404));
    assert_eq!(limited.post(&path(&all, "/cancel"), json!(null)).await.status, 404);
    let whole = limited.post(ORDERS, json!({ "product_id": partner, "debtor_number": "4711" })).await;
    assert_eq!(whole.status, 404, "{}", whole.body);
    assert_eq!(had(&client, "").await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partners_product_has_a_history() {
    let world = World::new().await;
    let partner = world.partner("Nordstrom", "cpo").await;
    world.sql(&format!("update partner set debtor_number = '4711' where id = '{partner}'")).await;
    let client = world.client(partner, Permission::ALL);
    let product = sell(&world.root(), "partner", "EMP-CPO", &[], "250").await;
    let order = |action: &str, from: Option<TimeDelta>| {
        let from = from.map(|from| (world.app.now() + from).to_string());
        json!({ "product_id": product, "action": action, "debtor_number": "4711", "valid_from": from })
    };
    let planned = buy(&world.root(), order("assign", Some(TimeDelta::days(1)))).await;
    let active = async |client: &Client| had(client, &format!("active_at={}", world.app.now())).await.len();
    assert_eq!(active(&client).await, 0);
    // Taken back before it begins, not after.
    assert_eq!(client.post(&path(&planned, "/cancel"), json!(null)).await.body["state"], "cancelled");
    let assigned = buy(&world.root(), order("assign", Some(TimeDelta::days(1)))).await;
    world.clock.advance(TimeDelta::days(2));
    assert_eq!(client.post(&path(&assigned, "/cancel"), json!(null)).await.code(), "order_began");
    assert_eq!(active(&client).await, 1);
    // An end that is taken back; and one that is not, for it was assigned again.
    let ending = buy(&client, order("end", Some(TimeDelta::days(1)))).await;
    assert_eq!(client.post(&path(&ending, "/cancel"), json!(null)).await.status, 200);
    assert!(had(&client, "").await[1].get("valid_until").is_none());
    let ending = buy(&client, order("end", Some(TimeDelta::days(1)))).await;
    buy(&client, order("assign", Some(TimeDelta::days(5)))).await;
    assert_eq!(client.post(&path(&ending, "/cancel"), json!(null)).await.code(), "product_assigned_anew");
    world.clock.advance(TimeDelta::days(3));
    assert_eq!(active(&client).await, 0);
    world.clock.advance(TimeDelta::days(3));
    assert_eq!(active(&client).await, 1);
    let rows = had(&client, &format!("partner_id={partner}")).await;
    assert_eq!(rows.len(), 3);
    assert!(rows[0].get("cancelled_at").is_some(), "{rows:?}");
    let over = &rows[1];
    assert_eq!((&over["ended_by"], &over["ended_by_order_id"]), (&json!("test"), &ending["id"]));
    assert_eq!((&over["price"], &over["period"], over.get("station_id")), (&json!("250.0000"), &json!("month"), None));
    let one = format!("/v1/product-assignments/{}", over["id"].as_str().unwrap());
    assert_eq!(client.get(&one).await.body, *over);
    let stranger = world.client(world.partner("Theirs", "cpo").await, Permission::ALL);
    assert_eq!(stranger.get(&one).await.status, 404);
    assert_eq!(had(&stranger, "").await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_operator_gets_the_station_without_its_products() {
    let world = World::new().await;
    let client = world.client(world.partner("Nordstrom", "cpo").await, Permission::ALL);
    let buyer = world.client(world.partner("Südstrom", "cpo").await, Permission::ALL);
    let estate = build(&client, "CP1").await;
    let product = sell(&world.root(), "station", "S", &["remote_control"], "1").await;
    buy(&client, json!({ "product_id": product, "station_ids": [estate.station] })).await;
    let theirs = buyer.create("/v1/locations", crate::network::location::body("Theirs")).await;
    let transfer = format!("/v1/stations/{}/transfer", estate.station);
    let moved = world.root().post(&transfer, json!({ "location_id": theirs["id"] })).await;
    assert_eq!(moved.status, 200, "{}", moved.body);
    let rows = had(&client, "").await;
    assert!(rows[0].get("valid_until").is_some() && rows[0].get("ended_by_order_id").is_none(), "{rows:?}");
    assert_eq!(had(&buyer, "").await.len(), 0);
    let command = format!("/v1/stations/{}/commands", estate.station);
    assert_eq!(buyer.post(&command, json!({ "type": "clear_cache" })).await.code(), "product_needed");
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_thousand_stations_at_once() {
    let world = World::new().await;
    let partner = world.partner("Nordstrom", "cpo").await;
    let client = world.client(partner, Permission::ALL);
    let estate = build(&client, "CP0").await;
    // Each new identity is locked until its transaction ends, so not all in one.
    for first in (1..50_000).step_by(5_000) {
        world
            .sql(&format!(
                "insert into station (id, partner_id, location_id, ocpp_identity, installation_status, attributes, metadata, \
                   ocpp_settings, created_at, updated_at) \
                 select md5('s' || n)::uuid, '{partner}', '{}', 'CP' || n, 'commissioned', '{{}}', '{{}}', '{{}}', now(), now() \
                 from generate_series({first}, least({first} + 4999, 49999)) n",
                estate.location
            ))
            .await;
    }
    let product = sell(&world.root(), "station", "S", &["marketing", "remote_control"], "1").await;
    let began = std::time::Instant::now();
    let order = buy(&client, json!({ "product_id": product, "filter": { "country": "DE" } })).await;
    assert_eq!(order["items"], 50_000);
    assert!(began.elapsed().as_secs() < 60, "{:?}", began.elapsed());
    let count = "select count(*)::text as value from product_assignment where valid_until is null";
    assert_eq!(world.texts(count).await, ["50000"]);
    let lacking = async || {
        let now = world.app.now();
        let of = format!("stromtor_stations_lack(array(select id from station), '{{marketing}}', '{now}')");
        world.texts(&format!("select count(*)::text as value from {of}")).await
    };
    assert_eq!(lacking().await, ["0"]);
    let began = std::time::Instant::now();
    buy(&client, json!({ "product_id": product, "action": "end", "filter": {} })).await;
    assert_eq!(world.texts(count).await, ["0"]);
    assert_eq!(lacking().await, ["50000"]);
    assert!(began.elapsed().as_secs() < 90, "{:?}", began.elapsed());
}
