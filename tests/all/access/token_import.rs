//! Tokens from CSV: all rows or none, and back again.

use serde_json::json;
use stromtor_domain::actor::Permission;

use crate::world::{Client, Reply, World};

async fn import(client: &Client, query: &str, file: &str) -> Reply {
    let path = format!("/v1/tokens/import{query}");
    client.send(client.request("POST", &path).header("content-type", "text/csv").body(file.to_owned())).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_exported_can_be_imported() {
    let world = World::new().await;
    let client = world.client(world.partner("Nordstrom", "cpo").await, Permission::ALL);
    let card = json!({ "kind": "rfid", "uid": "04:A2:B3:C4", "status": "active", "label": "Müller, Anna",
        "metadata": { "cost_centre": "7" }, "valid_until": "2030-01-01T00:00:00Z" });
    client.create("/v1/tokens", card).await;
    let export = client.send(client.request("GET", "/v1/tokens").header("accept", "text/csv")).await;
    let file = export.body.as_str().unwrap().to_owned();
    let again = import(&client, "", &file).await;
    let nothing = json!({ "rows": 1, "created": 0, "updated": 0, "unchanged": 1, "dry_run": false });
    assert_eq!((again.status, &again.body), (200, &nothing), "{file}");
    // Another tenant takes it over, as it is; first it only looks.
    let other = world.client(world.partner("Südstrom", "cpo").await, Permission::ALL);
    let tried = import(&other, "?dry_run=true", &file).await;
    assert_eq!(tried.body, json!({ "rows": 1, "created": 1, "updated": 0, "unchanged": 0, "dry_run": true }));
    assert_eq!(other.get("/v1/tokens").await.body["items"], json!([]));
    assert_eq!(import(&other, "", &file).await.body["created"], 1);
    let taken = &other.get("/v1/tokens").await.body["items"][0];
    assert_eq!((&taken["uid"], &taken["label"]), (&json!("04:A2:B3:C4"), &json!("Müller, Anna")));
    assert_eq!(
        (&taken["metadata"]["cost_centre"], &taken["valid_until"]),
        (&json!("7"), &json!("2030-01-01T00:00:00.000Z"))
    );
    // As a German spreadsheet writes it; the UID is the same, spelt otherwise.
    let changed = import(&other, "", "\u{feff}kind;uid;status\r\nrfid;04a2b3c4;blocked\r\nrfid;AA01;active\r\n").await;
    assert_eq!(changed.body, json!({ "rows": 2, "created": 1, "updated": 1, "unchanged": 0, "dry_run": false }));
    let taken = &other.get("/v1/tokens?uid=04-A2-B3-C4").await.body["items"][0];
    assert_eq!(
        (&taken["uid"], &taken["status"], &taken["revision"]),
        (&json!("04a2b3c4"), &json!("blocked"), &json!(2))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_row_in_a_hundred_thousand_changes_nothing() {
    let world = World::new().await;
    let client = world.client(world.partner("Nordstrom", "cpo").await, Permission::ALL);
    client.create("/v1/tokens", json!({ "kind": "rfid", "uid": "FF01", "status": "active", "external_id": "x" })).await;
    let mut file = String::from("kind,uid,status\n");
    for row in 0..100_000_u32 {
        let status = if row == 77_777 { "aktiv" } else { "active" };
        file.push_str(&format!("rfid,04{row:08X},{status}\n"));
    }
    let refused = import(&client, "", &file).await;
    assert_eq!((refused.status, refused.code()), (422, "invalid_input"));
    assert_eq!(refused.pointers(), ["/77777/status"], "{}", refused.body);
    assert_eq!(world.texts("select count(*)::text as value from token").await, ["1"]);
    let fine = import(&client, "", &file.replace("aktiv\n", "active\n")).await;
    assert_eq!((fine.status, &fine.body["created"]), (200, &json!(100_000)), "{}", fine.body);
    for (file, pointer) in [
        ("kind,uid\nrfid,AA\n", "/head"),
        ("kind,uid,status,colour\nrfid,AA,active,red\n", "/head/3"),
        ("kind,uid,status\n", "/"),
        ("kind,uid,status\nrfid,AA\n", "/0"),
        ("kind,uid,status\nrfid,AA,active\nrfid,aa,active\n", "/1/uid"),
        ("kind,uid,status\nemaid,DE-8AA-CA2B3C4D5-X,active\n", "/0/uid"),
        ("kind,uid,status,external_id\nrfid,AA,active,x\n", "/0/external_id"),
    ] {
        let refused = import(&client, "", file).await;
        assert_eq!((refused.status, refused.pointers()), (422, vec![pointer]), "{file}: {}", refused.body);
    }
    assert_eq!(world.texts("select count(*)::text as value from token").await, ["100001"]);
}
