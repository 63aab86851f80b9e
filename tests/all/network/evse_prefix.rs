//! EVSE-ID prefixes: whose they are, who may use them.

use serde_json::json;
use stromtor_domain::actor::Permission;

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_prefix_is_one_partner_s_and_those_below_see_it() {
    let world = World::new().await;
    let (root, cpo) = (world.root(), world.partner("Nordstrom", "cpo").await);
    let ours = world.client(cpo, Permission::ALL);
    let below = world.client(world.partner_below(cpo, "Hafen", "sub_cpo").await, Permission::ALL);
    let other = world.client(world.partner("Theirs", "cpo").await, Permission::ALL);
    let platforms = root.create("/v1/evse-prefixes", json!({ "prefix": "deise", "first_number": 100_001 })).await;
    assert_eq!((&platforms["prefix"], &platforms["last_number"]), (&json!("DE*ISE"), &json!(0)));
    let own = ours.create("/v1/evse-prefixes", json!({ "prefix": "DE*NOR" })).await;
    let shown = |reply: crate::world::Reply| {
        let items = reply.body["items"].as_array().unwrap().clone();
        items.iter().map(|item| item["prefix"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(shown(below.get("/v1/evse-prefixes").await), ["DE*ISE", "DE*NOR"]);
    assert_eq!(shown(other.get("/v1/evse-prefixes").await), ["DE*ISE"]);
    assert_eq!(shown(below.get("/v1/evse-prefixes?prefix=denor").await), ["DE*NOR"]);
    assert_eq!(below.get("/v1/evse-prefixes?prefix=x").await.pointers(), ["prefix"]);
    // Seeing it is not having it.
    let path = format!("/v1/evse-prefixes/{}", platforms["id"].as_str().unwrap());
    assert_eq!(ours.get(&path).await.status, 200);
    assert_eq!(ours.patch(&path, json!({ "first_number": 1 })).await.status, 404);
    assert_eq!(ours.delete(&path).await.status, 404);
    assert_eq!(other.get(&format!("/v1/evse-prefixes/{}", own["id"].as_str().unwrap())).await.status, 404);
    let taken = other.post("/v1/evse-prefixes", json!({ "prefix": "DE*NOR" })).await;
    assert_eq!((taken.status, taken.code()), (409, "already_exists"));
    assert!(taken.body["detail"].as_str().unwrap().ends_with("with this prefix"), "{}", taken.body);
    for (wrong, pointer) in [
        (json!({ "prefix": "DE*NORD" }), "/prefix"),
        (json!({ "prefix": "DE*XYZ", "first_number": 0 }), "/first_number"),
        (json!({ "prefix": "DE*XYZ", "url_pattern": "https://example.com/" }), "/url_pattern"),
    ] {
        let refused = ours.post("/v1/evse-prefixes", wrong).await;
        assert_eq!((refused.status, refused.pointers()), (422, vec![pointer]), "{}", refused.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_registered_is_its_owner_s_to_set_and_stays_while_it_is_used() {
    let world = World::new().await;
    let cpo = world.partner("Nordstrom", "cpo").await;
    let (ours, other) =
        (world.client(cpo, Permission::ALL), world.client(world.partner("Theirs", "cpo").await, Permission::ALL));
    let (here, there) = (super::station::build(&ours, "CP1").await, super::station::build(&other, "CP2").await);
    let point = format!("/v1/charge-points/{}", here.charge_point);
    let theirs = format!("/v1/charge-points/{}", there.charge_point);
    // Nobody has registered it, so it is free; then those who have it already are in the way of others.
    assert_eq!(other.patch(&theirs, json!({ "evse_id": "DE*NOR*E9" })).await.status, 200);
    assert_eq!(ours.post("/v1/evse-prefixes", json!({ "prefix": "DE*NOR" })).await.code(), "prefix_in_use");
    assert_eq!(other.patch(&theirs, json!({ "evse_id": null })).await.status, 200);
    let own = ours.create("/v1/evse-prefixes", json!({ "prefix": "DE*NOR" })).await;
    let path = format!("/v1/evse-prefixes/{}", own["id"].as_str().unwrap());
    let foreign = other.patch(&theirs, json!({ "evse_id": "DE*NOR*E9" })).await;
    assert_eq!((foreign.status, foreign.code()), (409, "prefix_of_another_partner"));
    let new = json!({ "code": "X", "evse_number": 2, "current_type": "ac", "evse_id": "denore10" });
    let foreign = other.post(&format!("/v1/charge-points?station_id={}", there.station), &new).await;
    assert_eq!(foreign.code(), "prefix_of_another_partner");
    let batch = json!({ "stations": [{ "station": super::station::body(&there.location, "CP3"),
        "charge_points": [{ "charge_point": new, "connectors": [] }] }] });
    assert_eq!(other.post("/v1/stations/batch", batch).await.code(), "prefix_of_another_partner");
    // Its own, and that of a partner above, may be set.
    assert_eq!(ours.patch(&point, json!({ "evse_id": "DE*NOR*E9" })).await.status, 200);
    let below = world.client(world.partner_below(cpo, "Hafen", "sub_cpo").await, Permission::ALL);
    let quay = super::station::build(&below, "CP4").await;
    let set = below.patch(&format!("/v1/charge-points/{}", quay.charge_point), json!({ "evse_id": "denore8" })).await;
    assert_eq!(set.body["evse_id"], "DE*NOR*E8", "{}", set.body);
    // In use it can neither go nor be spelled otherwise; the rest of it may change.
    assert_eq!(ours.delete(&path).await.code(), "prefix_in_use");
    assert_eq!(ours.patch(&path, json!({ "prefix": "DE*NOS" })).await.code(), "prefix_in_use");
    assert_eq!(ours.patch(&path, json!({ "first_number": 7 })).await.status, 200);
    // E8 and E9 were set by hand.
    let second = json!({ "code": "Y", "evse_number": 2, "current_type": "ac" });
    let second = ours.create(&format!("/v1/charge-points?station_id={}", here.station), second).await;
    let second = format!("/v1/charge-points/{}", second["id"].as_str().unwrap());
    assert_eq!(ours.post(&format!("{second}/evse-id"), json!({})).await.body["evse_id"], "DE*NOR*E7");
    for path in [&point, &second] {
        assert_eq!(ours.patch(path, json!({ "evse_id": null })).await.status, 200);
    }
    assert_eq!(ours.post(&format!("{second}/evse-id"), json!({})).await.body["evse_id"], "DE*NOR*E10");
    for (client, path) in [(&ours, &second), (&below, &format!("/v1/charge-points/{}", quay.charge_point))] {
        assert_eq!(client.patch(path, json!({ "evse_id": null })).await.status, 200);
    }
    assert_eq!(ours.delete(&path).await.status, 204);
    // Registered anew it goes on where it stopped being new.
    ours.create("/v1/evse-prefixes", json!({ "prefix": "DE*NOR", "first_number": 7 })).await;
    assert_eq!(ours.post(&format!("{second}/evse-id"), json!({})).await.body["evse_id"], "DE*NOR*E11");
}
