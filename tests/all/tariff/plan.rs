//! Choose, check, assign.

use chrono::TimeDelta;
use serde_json::{Value, json};
use stromtor_domain::actor::Permission;

use crate::{
    network::station::{Estate, build},
    world::{Client, World},
};

async fn tariff(client: &Client, code: &str, price: &str) -> String {
    let body = json!({ "name": code, "code": code, "currency": "EUR", "ac": { "per_kwh": price } });
    client.create("/v1/tariffs", body).await["id"].as_str().unwrap().to_owned()
}

async fn three_points(client: &Client) -> (Vec<Estate>, Vec<String>) {
    let mut estates = Vec::new();
    for identity in ["CP1", "CP2", "CP3"] {
        estates.push(build(client, identity).await);
    }
    let points = estates.iter().map(|estate| estate.charge_point.clone()).collect();
    (estates, points)
}

fn path(plan: &Value, step: &str) -> String {
    format!("/v1/tariff-plans/{}{step}", plan["id"].as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn assigned_as_a_whole_or_not_at_all() {
    let world = World::new().await;
    let client = world.client(world.partner("Nordstrom", "cpo").await, Permission::ALL);
    let (estates, points) = three_points(&client).await;
    let (cheap, dear) = (tariff(&client, "CHEAP", "0.40").await, tariff(&client, "DEAR", "0.43").await);
    let plan = client.create("/v1/tariff-plans", json!({ "tariff_id": cheap, "filter": { "country": "DE" } })).await;
    assert_eq!((&plan["charge_points"], &plan["violations"]), (&json!(3), &json!(0)), "{plan}");
    // A preview assigns nothing.
    let at = |point: &str| format!("/v1/charge-points/{point}/tariffs");
    assert_eq!(client.get(&at(&points[0])).await.body, json!({ "planned": [], "history": [] }));
    let confirmed = client.post(&path(&plan, "/confirm"), json!(null)).await;
    assert_eq!((confirmed.status, &confirmed.body["state"]), (200, &json!("confirmed")), "{}", confirmed.body);
    let progress = client.get(&path(&plan, "/progress")).await.body;
    assert_eq!((&progress["done"], &progress["total"]), (&confirmed.body["charge_points"], &progress["done"]));
    for point in &points {
        assert_eq!(client.get(&at(point)).await.body["active"]["tariff_id"], json!(cheap));
    }
    assert_eq!(client.post(&path(&plan, "/confirm"), json!(null)).await.code(), "plan_not_preview");
    assert_eq!(client.post(&path(&plan, "/cancel"), json!(null)).await.code(), "assignment_began");

    // 7.5 % dearer, tomorrow: not without notice. One of the three had no tariff for long, which does not matter to it alone.
    let soon = (world.app.now() + TimeDelta::days(1)).to_string();
    let body = json!({ "tariff_id": dear, "charge_point_ids": points, "valid_from": soon });
    let plan = client.create("/v1/tariff-plans", body).await;
    assert_eq!(plan["violations"], 3, "{plan}");
    let items = client.get(&path(&plan, "/items?violations=true&limit=2")).await.body;
    assert_eq!(items["items"].as_array().unwrap().len(), 2, "{items}");
    let violation = &items["items"][0]["violations"][0];
    assert_eq!(
        (&violation["code"], &violation["dearer"][0]),
        (
            &json!("notice_too_short"),
            &json!({ "compared": "per_kwh", "before": "0.4000", "after": "0.4300", "percent": "7.50" })
        )
    );
    assert_eq!(items["items"][0]["tariff_before_id"], json!(cheap));
    assert_eq!(client.post(&path(&plan, "/confirm"), json!(null)).await.code(), "plan_has_violations");
    assert_eq!(client.get(&at(&points[0])).await.body["planned"], json!([]));
    let cancelled = client.post(&path(&plan, "/cancel"), json!(null)).await.body;
    assert_eq!(cancelled["state"], "cancelled");

    // With notice it is planned, and can be taken back until it begins.
    let later = (world.app.now() + TimeDelta::days(31)).to_string();
    let body = json!({ "tariff_id": dear, "filter": { "tariff_id": cheap }, "valid_from": later });
    let plan = client.create("/v1/tariff-plans", body.clone()).await;
    assert_eq!(client.post(&path(&plan, "/confirm"), json!(null)).await.status, 200);
    assert_eq!(client.get(&at(&points[2])).await.body["planned"][0]["tariff_id"], json!(dear));
    // Another plan for the same time would overlap.
    let overlapping = client.create("/v1/tariff-plans", body.clone()).await;
    let items = client.get(&path(&overlapping, "/items")).await.body;
    assert_eq!(items["items"][0]["violations"], json!([{ "code": "overlapping_plan", "dearer": [] }]), "{items}");
    assert_eq!(client.post(&path(&plan, "/cancel"), json!(null)).await.body["state"], "cancelled");
    assert_eq!(client.get(&at(&points[2])).await.body["planned"], json!([]));
    assert_eq!(client.get(&at(&points[2])).await.body["active"]["tariff_id"], json!(cheap));
    // What was checked no longer holds: it is made anew.
    let plan = client.create("/v1/tariff-plans", body).await;
    let station = format!("/v1/charge-points?station_id={}", estates[0].station);
    let more = json!({ "code": "CP1-2", "evse_number": 2, "current_type": "ac" });
    let more = client.create(&station, more).await["id"].as_str().unwrap().to_owned();
    let cheaper = json!({ "tariff_id": cheap, "charge_point_id": more });
    client.create("/v1/tariff-assignments", cheaper).await;
    assert_eq!(client.post(&path(&plan, "/confirm"), json!(null)).await.code(), "plan_outdated");
    assert_eq!(client.get(&at(&points[1])).await.body["planned"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_single_ways_keep_the_rule_too() {
    let world = World::new().await;
    let client = world.client(world.partner("Nordstrom", "cpo").await, Permission::ALL);
    let estate = build(&client, "CP1").await;
    let (cheap, dear) = (tariff(&client, "CHEAP", "0.40").await, tariff(&client, "DEAR", "0.4281").await);
    let assign = |tariff: &str, from: TimeDelta| json!({ "tariff_id": tariff, "charge_point_id": estate.charge_point, "valid_from": world.app.now() + from });
    client.create("/v1/tariff-assignments", assign(&cheap, TimeDelta::minutes(1))).await;
    world.clock.advance(TimeDelta::minutes(2));
    let refused = client.post("/v1/tariff-assignments", assign(&dear, TimeDelta::days(29))).await;
    assert_eq!((refused.status, refused.code()), (409, "notice_too_short"), "{}", refused.body);
    client.create("/v1/tariff-assignments", assign(&dear, TimeDelta::days(30) + TimeDelta::minutes(1))).await;
    // Nor by changing the tariff that holds there: 7 % is fine, more is not.
    let path = format!("/v1/tariffs/{cheap}");
    assert_eq!(client.patch(&path, json!({ "ac": { "per_kwh": "0.4281" } })).await.code(), "notice_too_short");
    let blocking = json!({ "ac": { "per_minute": "0.01", "from_minute": 60 } });
    assert_eq!(client.patch(&path, blocking).await.code(), "notice_too_short");
    assert_eq!(client.patch(&path, json!({ "ac": { "per_kwh": "0.428" } })).await.status, 200);
    // Another currency cannot be compared.
    let francs = json!({ "name": "CHF", "code": "CHF", "currency": "CHF", "ac": { "per_kwh": "0.01" } });
    let francs = client.create("/v1/tariffs", francs).await["id"].as_str().unwrap().to_owned();
    let refused = client.post("/v1/tariff-assignments", assign(&francs, TimeDelta::days(40))).await;
    assert_eq!(refused.code(), "currency_mismatch", "{}", refused.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_plans_change_nothing() {
    let world = World::new().await;
    let client = world.client(world.partner("Nordstrom", "cpo").await, Permission::ALL);
    let stranger = world.client(world.partner("Theirs", "cpo").await, Permission::ALL);
    let (_, points) = three_points(&client).await;
    let foreign = build(&stranger, "CP9").await;
    let (ours, theirs) = (tariff(&client, "A", "0.40").await, tariff(&stranger, "A", "0.40").await);
    let nobody = "0193a3c4-5d6e-7f80-9a1b-2c3d4e5f6071";
    for (body, pointer) in [
        (json!({ "tariff_id": ours }), "/charge_point_ids"),
        (json!({ "tariff_id": ours, "filter": { "city": "Atlantis" } }), "/filter"),
        (json!({ "tariff_id": ours, "filter": {}, "charge_point_ids": points }), "/filter"),
        (json!({ "tariff_id": theirs, "charge_point_ids": points }), "/tariff_id"),
        (json!({ "tariff_id": ours, "charge_point_ids": [points[0], foreign.charge_point] }), "/charge_point_ids/1"),
        (json!({ "tariff_id": ours, "charge_point_ids": [nobody] }), "/charge_point_ids/0"),
        (json!({ "tariff_id": ours, "charge_point_ids": points, "valid_from": "2020-01-01T00:00:00Z" }), "/valid_from"),
    ] {
        let refused = client.post("/v1/tariff-plans", body.clone()).await;
        assert_eq!((refused.status, refused.pointers()), (422, vec![pointer]), "{body} {}", refused.body);
    }
    assert_eq!(client.get("/v1/tariff-plans").await.body["items"], json!([]));
    // DC has no price, and the platform sees whose charge point is whose.
    let station = client.get("/v1/stations").await.body["items"][0]["id"].as_str().unwrap().to_owned();
    let fast = json!({ "code": "DC-1", "evse_number": 7, "current_type": "dc" });
    let fast = client.create(&format!("/v1/charge-points?station_id={station}"), fast).await;
    let chosen = json!({ "tariff_id": ours, "charge_point_ids": [fast["id"], foreign.charge_point, points[0]] });
    let plan = world.root().create("/v1/tariff-plans", chosen).await;
    assert_eq!((&plan["charge_points"], &plan["violations"]), (&json!(3), &json!(2)), "{plan}");
    let items = world.root().get(&path(&plan, "/items?violations=true")).await.body["items"].clone();
    let codes = world
        .texts("select violations->0->>'code' as value from tariff_plan_item where violations <> '[]' order by 1")
        .await;
    assert_eq!(codes[..2], ["other_operator", "price_missing"], "{items}");
    assert_eq!(world.root().post(&path(&plan, "/confirm"), json!(null)).await.code(), "plan_has_violations");
    assert_eq!(client.get("/v1/tariff-assignments").await.body["items"], json!([]));
}
