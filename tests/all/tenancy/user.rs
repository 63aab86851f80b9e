//! Users, roles and what nobody can give away; the audit log; idempotency.

use serde_json::json;
use stromtor_domain::actor::Permission::{
    self, AuditRead, HardwareRead, LocationRead, LocationWrite, PartnerRead, StationRead, UserRead, UserWrite,
};

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gives_more_than_they_hold() {
    let world = World::new().await;
    let cpo = world.partner("Nordstrom", "cpo").await;
    let clerk = world.client(cpo, &[UserRead, UserWrite, LocationRead]);
    let user = |roles: &[&str]| json!({ "email": "eve@example.com", "name": "Eve", "roles": roles });
    let owner = clerk.post("/v1/users", user(&["owner"])).await;
    assert_eq!((owner.status, owner.code()), (403, "permission_denied"));
    let unknown = clerk.post("/v1/users", user(&["chief"])).await;
    assert_eq!(unknown.pointers(), ["/roles/0"]);
    let role = json!({ "name": "writer", "permissions": ["location:write"] });
    assert_eq!(clerk.post("/v1/roles", role.clone()).await.status, 403);
    world.client(cpo, Permission::ALL).create("/v1/roles", role).await;
    assert_eq!(clerk.post("/v1/users", user(&["writer"])).await.status, 403);
    let reader = json!({ "name": "reader", "permissions": ["location:read"] });
    clerk.create("/v1/roles", reader).await;
    let made = clerk.create("/v1/users", user(&["reader"])).await;
    let path = format!("/v1/users/{}", made["id"].as_str().unwrap());
    assert_eq!(clerk.patch(&path, json!({ "roles": ["writer"] })).await.status, 403);
    let twice = clerk.post("/v1/users", user(&["reader"])).await;
    assert_eq!((twice.status, twice.code()), (409, "already_exists"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_of_one_location_sees_that_alone() {
    let world = World::new().await;
    let cpo = world.partner("Nordstrom", "cpo").await;
    let all = world.client(cpo, &[LocationRead, LocationWrite]);
    let mine = all.create("/v1/locations", crate::network::location::body("Mine")).await;
    let other = all.create("/v1/locations", crate::network::location::body("Other")).await;
    let id = mine["id"].as_str().unwrap().parse().unwrap();
    let limited = world.client_at(cpo, &[LocationRead, LocationWrite], Some(vec![id]));
    let items = limited.get("/v1/locations").await.body["items"].clone();
    assert_eq!(items.as_array().unwrap().len(), 1);
    assert_eq!(items[0]["name"], "Mine");
    assert_eq!(limited.get(&format!("/v1/locations/{}", other["id"].as_str().unwrap())).await.status, 404);
    assert_eq!(limited.post("/v1/locations", crate::network::location::body("New")).await.status, 404);
    let nowhere = world.client_at(cpo, &[LocationRead], Some(Vec::new()));
    assert_eq!(nowhere.get("/v1/locations").await.body["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_log_knows_before_and_after() {
    let world = World::new().await;
    let cpo = world.partner("Nordstrom", "cpo").await;
    let client = world.client(cpo, &[AuditRead, LocationRead, LocationWrite]);
    let made = client.create("/v1/locations", crate::network::location::body("Alt")).await;
    let id = made["id"].as_str().unwrap();
    client.patch(&format!("/v1/locations/{id}"), json!({ "name": "Neu" })).await;
    let entries = client.get(&format!("/v1/audit-entries?resource_id={id}")).await.body["items"].clone();
    assert_eq!(entries.as_array().unwrap().len(), 2);
    assert_eq!((&entries[0]["action"], &entries[1]["action"]), (&json!("update"), &json!("create")));
    assert_eq!((&entries[0]["before"]["name"], &entries[0]["after"]["name"]), (&json!("Alt"), &json!("Neu")));
    assert_eq!(entries[0]["ip"], "127.0.0.1");
    assert!(entries[0]["request_id"].is_string());
    let _ = (PartnerRead, StationRead, HardwareRead);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_does_the_work_once() {
    let world = World::new().await;
    let cpo = world.partner("Nordstrom", "cpo").await;
    let client = world.client(cpo, &[LocationRead, LocationWrite]);
    let post = |key: &str, name: &str| {
        let request = client.request("POST", "/v1/locations").header("Idempotency-Key", key);
        client.send(request.json(&crate::network::location::body(name)))
    };
    let (first, again) = (post("k1", "Once").await, post("k1", "Once").await);
    assert_eq!((first.status, &first.body), (again.status, &again.body));
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(again.header("etag"), Some("\"1\""));
    let other = post("k1", "Twice").await;
    assert_eq!((other.status, other.code()), (422, "idempotency_key_reused"));
    post("k2", "Second").await;
    assert_eq!(client.get("/v1/locations").await.body["items"].as_array().unwrap().len(), 2);
}
