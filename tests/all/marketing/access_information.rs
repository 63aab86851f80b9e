//! What a station is offered as, and what may be switched on.

use serde_json::json;
use stromtor_domain::actor::Permission;

use super::{access, ready};
use crate::{network::station::build, world::World};

#[tokio::test(flavor = "multi_thread")]
async fn has_defaults_and_versions() {
    let world = World::new().await;
    let client = world.client(world.partner("Nordstrom", "cpo").await, Permission::ALL);
    let estate = build(&client, "CP1").await;
    let path = access(&estate.station);
    let found = client.get(&path).await;
    assert_eq!((found.status, found.header("etag")), (200, Some("\"0\"")), "{}", found.body);
    let switches = ["show_as_poi", "marketing", "roaming", "direct_payment"];
    assert!(switches.iter().all(|switch| found.body[switch] == json!(false)), "{}", found.body);
    assert_eq!(
        (&found.body["accessibility"], &found.body["roaming_plus"], &found.body["location_id"]),
        (&json!("paying_publicly_accessible"), &json!([]), &json!(estate.location))
    );
    let body =
        json!({ "accessibility": "test_station", "show_as_poi": true, "marketing": true, "platform_name": "Mitte" });
    let put = client.send(client.request("PUT", &path).header("If-Match", "\"0\"").json(&body)).await;
    assert_eq!((put.status, put.header("etag")), (200, Some("\"1\"")), "{}", put.body);
    let stale = client.send(client.request("PUT", &path).header("If-Match", "\"0\"").json(&body)).await;
    assert_eq!(stale.status, 412);
    let patched = client.patch(&path, json!({ "platform_name": null, "roaming": true })).await.body;
    assert_eq!((&patched["accessibility"], &patched["roaming"]), (&json!("test_station"), &json!(true)), "{patched}");
    assert!(patched.get("platform_name").is_none());
    let replaced = client.put(&path, json!({})).await.body;
    assert_eq!((&replaced["roaming"], &replaced["revision"]), (&json!(false), &json!(3)));
    for (change, pointer) in [
        (json!({ "accessibility": "open" }), "/accessibility"),
        (json!({ "roaming_plus": ["ocpi", "gireve"] }), "/roaming_plus/1"),
        (json!({ "roaming_plus": ["ocpi", "ocpi"] }), "/roaming_plus/1"),
        (json!({ "emarketplace": true }), "/emarketplace"),
    ] {
        let refused = client.patch(&path, change).await;
        assert_eq!((refused.status, refused.pointers()), (422, vec![pointer]), "{}", refused.body);
    }
    let audit =
        world.texts("select count(*)::text as value from audit_entry where resource = 'access_information'").await;
    assert_eq!(audit, ["3"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn is_refused_without_marketing_remote_authentication_or_readiness() {
    let world = World::new().await;
    let client = world.client(world.partner("Nordstrom", "cpo").await, Permission::ALL);
    let estate = build(&client, "CP1").await;
    let (path, point) = (access(&estate.station), format!("/v1/charge-points/{}", estate.charge_point));
    let off = client.patch(&path, json!({ "roaming": true, "direct_payment": true })).await;
    assert_eq!(
        (off.status, off.code(), off.pointers()),
        (409, "marketing_off", vec!["/roaming", "/direct_payment"]),
        "{}",
        off.body
    );
    client.patch(&point, json!({ "authentication_types": ["local_rfid"] })).await;
    for switch in [json!({ "roaming": true }), json!({ "direct_payment": true }), json!({ "roaming_plus": ["ocpi"] })] {
        let mut change = switch.clone();
        change["marketing"] = json!(true);
        let refused = client.patch(&path, change).await;
        assert_eq!(
            (refused.status, refused.code()),
            (409, "remote_authentication_needed"),
            "{switch}: {}",
            refused.body
        );
        let message = refused.body["errors"][0]["message"].as_str().unwrap();
        assert!(message.contains(&format!("{point} at /authentication_types")), "{message}");
    }
    client.patch(&point, json!({ "authentication_types": ["local_rfid", "remote"] })).await;
    let both = json!({ "marketing": true, "roaming": true, "roaming_plus": ["ocpi", "hubject"] });
    let refused = client.patch(&path, both.clone()).await;
    // The EVSE-ID lacks for both, the hotline for Hubject alone.
    assert_eq!(
        (refused.code(), refused.pointers()),
        ("not_ready", vec!["/roaming_plus/0", "/roaming_plus/1", "/roaming_plus/1"]),
        "{}",
        refused.body
    );
    assert_eq!(client.get(&path).await.body["revision"], 0, "nothing was kept");
    let message = refused.body["errors"][2]["message"].as_str().unwrap();
    assert!(message.contains(&format!("/v1/locations/{} at /hotline", estate.location)), "{message}");
    client.patch(&point, json!({ "evse_id": "DE*ISE*E1" })).await;
    client.patch(&format!("/v1/locations/{}", estate.location), json!({ "hotline": "+49301234567" })).await;
    let on = client.patch(&path, both).await;
    assert_eq!(on.status, 200, "{}", on.body);
    // Marketing cannot go while something needs it.
    let off = client.patch(&path, json!({ "marketing": false })).await;
    assert_eq!((off.code(), off.pointers().len()), ("marketing_off", 3));
    // Once a station is dismantled nothing is switched on there, but everything off.
    client.post(&format!("/v1/stations/{}/dismantle", estate.station), json!(null)).await;
    assert_eq!(client.patch(&path, json!({ "direct_payment": true })).await.code(), "station_dismantled");
    assert_eq!(client.put(&path, json!({})).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_says_what_is_wrong_and_where() {
    let world = World::new().await;
    let client = world.client(world.partner("Nordstrom", "cpo").await, Permission::ALL);
    let estate = build(&client, "CP1").await;
    let path = format!("/v1/stations/{}/readiness", estate.station);
    let found = client.get(&path).await;
    assert_eq!(found.status, 200, "{}", found.body);
    let wrong = |platform: &str| {
        let items = found.body[platform]["items"].as_array().unwrap();
        items.iter().filter(|item| item["holds"] == false).cloned().collect::<Vec<_>>()
    };
    let (hubject, ocpi) = (wrong("hubject"), wrong("ocpi"));
    assert_eq!((found.body["hubject"]["ready"].clone(), hubject.len(), ocpi.len()), (json!(false), 2, 1));
    assert_eq!(
        ocpi[0],
        json!({ "item": "evse_id", "holds": false, "problems": [{ "message": "charge point CP1-1 has no EVSE-ID",
            "resource": format!("/v1/charge-points/{}", estate.charge_point), "pointer": "/evse_id" }] })
    );
    assert_eq!(hubject[1]["item"], "hotline");
    let complete = ready(&client, "CP2").await;
    let found = client.get(&format!("/v1/stations/{}/readiness", complete.station)).await.body;
    assert_eq!((&found["hubject"]["ready"], &found["ocpi"]["ready"]), (&json!(true), &json!(true)), "{found}");
}

#[tokio::test(flavor = "multi_thread")]
async fn is_another_tenants_business() {
    let world = World::new().await;
    let ours = world.client(world.partner("Ours", "cpo").await, Permission::ALL);
    let theirs = world.client(world.partner("Theirs", "cpo").await, Permission::ALL);
    let estate = ready(&ours, "CP1").await;
    let path = access(&estate.station);
    ours.patch(&path, json!({ "marketing": true, "roaming_plus": ["ocpi"] })).await;
    assert_eq!(theirs.get(&path).await.status, 404);
    assert_eq!(theirs.put(&path, json!({})).await.status, 404);
    assert_eq!(theirs.patch(&path, json!({ "marketing": false })).await.status, 404);
    assert_eq!(theirs.get(&format!("/v1/stations/{}/readiness", estate.station)).await.status, 404);
    assert_eq!(theirs.get("/v1/publications").await.body["items"], json!([]));
    let chosen = json!({ "station_ids": [estate.station], "changes": {} });
    assert_eq!(theirs.post("/v1/access-information/bulk", chosen).await.pointers(), ["/station_ids/0"]);
    let any = json!({ "filter": {}, "changes": { "show_as_poi": true } });
    assert_eq!(theirs.post("/v1/access-information/bulk", any).await.pointers(), ["/filter"]);
    let reader = world.client(world.platform, &[Permission::StationRead]);
    assert_eq!(reader.get(&path).await.status, 200);
    assert_eq!(reader.put(&path, json!({})).await.code(), "permission_denied");
}

#[tokio::test(flavor = "multi_thread")]
async fn roaming_and_direct_payment_keep_remote_authentication() {
    let world = World::new().await;
    let client = world.client(world.partner("Nordstrom", "cpo").await, Permission::ALL);
    let estate = crate::marketing::ready(&client, "CP1").await;
    let (path, point) = (access(&estate.station), format!("/v1/charge-points/{}", estate.charge_point));
    let cards = json!({ "authentication_types": ["local_rfid"] });
    let new =
        json!({ "code": "CP1-2", "evse_number": 2, "current_type": "ac", "authentication_types": ["local_rfid"] });
    for switch in ["roaming", "direct_payment"] {
        assert_eq!(client.patch(&path, json!({ "marketing": true, switch: true })).await.status, 200);
        let refused = client.patch(&point, cards.clone()).await;
        assert_eq!((refused.status, refused.code()), (409, "remote_authentication_needed"), "{}", refused.body);
        assert_eq!(refused.pointers(), ["/authentication_types"]);
        let refused = client.post(&format!("/v1/charge-points?station_id={}", estate.station), new.clone()).await;
        assert_eq!(refused.code(), "remote_authentication_needed", "{}", refused.body);
        assert_eq!(client.patch(&path, json!({ switch: false })).await.status, 200);
    }
    // Roaming+ alone follows the data.
    assert_eq!(client.patch(&path, json!({ "roaming_plus": ["ocpi"] })).await.status, 200);
    assert_eq!(client.patch(&point, cards).await.status, 200);
}
