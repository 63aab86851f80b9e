//! Who sells what, who sees it, who changes it.

use serde_json::json;
use stromtor_domain::actor::Permission;

use super::{body, buy, sell};
use crate::{network::station::build, world::World};

#[tokio::test(flavor = "multi_thread")]
async fn seen_below_changed_by_its_owner() {
    let world = World::new().await;
    let reseller = world.partner("Händler", "reseller").await;
    let below = world.partner_below(reseller, "Unter", "sub_cpo").await;
    let (seller, buyer) = (world.client(reseller, Permission::ALL), world.client(below, Permission::ALL));
    let stranger = world.client(world.partner("Theirs", "cpo").await, Permission::ALL);
    let root = sell(&world.root(), "station", "EOP-AC", &["marketing"], "9.9").await;
    let own = sell(&seller, "partner", "EMP", &["emp_contracts", "roaming"], "100").await;
    let codes = async |client: &crate::world::Client| {
        let page = client.get("/v1/products").await.body;
        page["items"].as_array().unwrap().iter().map(|row| row["code"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(codes(&buyer).await, ["EOP-AC", "EMP"]);
    assert_eq!(codes(&seller).await, ["EOP-AC", "EMP"]);
    assert_eq!(codes(&stranger).await, ["EOP-AC"]);
    let found = buyer.get(&format!("/v1/products/{root}")).await;
    assert_eq!((found.status, &found.body["price"], &found.body["state"]), (200, &json!("9.9000"), &json!("active")));
    assert_eq!(stranger.get(&format!("/v1/products/{own}")).await.status, 404);
    for (client, id) in [(&buyer, &own), (&buyer, &root), (&seller, &root), (&stranger, &own)] {
        let path = format!("/v1/products/{id}");
        assert_eq!(client.patch(&path, json!({ "price": "0" })).await.status, 404);
        assert_eq!(client.delete(&path).await.status, 404);
    }
    assert_eq!(
        buyer.post(&format!("/v1/products?partner_id={reseller}"), body("station", "X", &[], "0")).await.status,
        404
    );
    let changed = seller.patch(&format!("/v1/products/{own}"), json!({ "name": "eMarketplace CPO" })).await;
    assert_eq!((changed.status, &changed.body["revision"]), (200, &json!(2)), "{}", changed.body);
    let events = seller.get("/v1/events?limit=500").await.body;
    let told = events["items"].as_array().unwrap().iter().filter(|event| event["type"] == "product.changed").count();
    assert_eq!(told, 2, "{events}");
    let audit = seller.get(&format!("/v1/audit-entries?resource_id={own}")).await.body;
    assert_eq!(audit["items"].as_array().unwrap().len(), 2, "{audit}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_refused() {
    let world = World::new().await;
    let root = world.root();
    let id = sell(&root, "station", "EOP-AC", &["marketing"], "9.90").await;
    let product = |field: &str, value: serde_json::Value| {
        let mut body = body("station", "OTHER", &["marketing"], "1");
        body[field] = value;
        body
    };
    for (body, pointer) in [
        (product("price", json!("-1")), "/price"),
        (product("price", json!("1.00001")), "/price"),
        (product("price", json!(1.5)), "/price"),
        (product("currency", json!("XX")), "/currency"),
        (product("period", json!("week")), "/period"),
        (product("code", json!("a b")), "/code"),
        (product("enables", json!(["marketing", "flying"])), "/enables/1"),
        (product("enables", json!(["marketing", "marketing"])), "/enables/1"),
        (product("enables", json!(["emp_contracts"])), "/enables/0"),
    ] {
        let refused = root.post("/v1/products", &body).await;
        assert_eq!((refused.status, refused.pointers()), (422, vec![pointer]), "{body} {}", refused.body);
    }
    let twice = root.post("/v1/products", product("code", json!("EOP-AC"))).await;
    assert_eq!((twice.status, twice.code()), (409, "already_exists"));
    let path = format!("/v1/products/{id}");
    for (change, pointer) in [(json!({ "kind": "partner" }), "/kind"), (json!({ "currency": "CHF" }), "/currency")] {
        assert_eq!(root.patch(&path, change).await.pointers(), [pointer]);
    }
    assert_eq!(root.get("/v1/products").await.body["items"].as_array().unwrap().len(), 1);
    // What was ordered is withdrawn, not deleted.
    let client = world.client(world.partner("Nordstrom", "cpo").await, Permission::ALL);
    let estate = build(&client, "CP1").await;
    buy(&client, json!({ "product_id": id, "station_ids": [estate.station] })).await;
    assert_eq!(root.delete(&path).await.code(), "in_use");
    let free = sell(&root, "station", "FREE", &[], "0").await;
    assert_eq!(root.delete(&format!("/v1/products/{free}")).await.status, 204);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_price_leaves_what_is_assigned() {
    let world = World::new().await;
    let (root, client) = (world.root(), world.client(world.partner("Nordstrom", "cpo").await, Permission::ALL));
    let (first, second) = (build(&client, "CP1").await, build(&client, "CP2").await);
    let id = sell(&root, "station", "EOP-AC", &["marketing"], "9.90").await;
    let order = |station: &str| json!({ "product_id": id, "station_ids": [station] });
    buy(&client, order(&first.station)).await;
    // What was shown at the old price is not confirmed at the new one.
    let shown = client.create("/v1/product-orders", order(&second.station)).await;
    assert_eq!((&shown["price"], &shown["period"]), (&json!("9.9000"), &json!("month")));
    let dearer = json!({ "price": "120", "period": "year" });
    assert_eq!(root.patch(&format!("/v1/products/{id}"), dearer).await.status, 200);
    assert_eq!(client.post(&super::path(&shown, "/confirm"), json!(null)).await.code(), "order_outdated");
    buy(&client, order(&second.station)).await;
    let price = async |station: &str| {
        let page = client.get(&format!("/v1/product-assignments?station_id={station}")).await.body;
        let row = &page["items"][0];
        (row["price"].as_str().unwrap().to_owned(), row["period"].as_str().unwrap().to_owned())
    };
    assert_eq!(price(&first.station).await, ("9.9000".into(), "month".into()));
    assert_eq!(price(&second.station).await, ("120.0000".into(), "year".into()));
}
