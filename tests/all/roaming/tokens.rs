//! Tokens that peers tell us of.

use serde_json::{Value, json};

use super::{data, registered, world};

fn token(uid: &str, extra: Value) -> Value {
    let mut token = json!({ "country_code": "DE", "party_id": "FAH", "uid": uid, "type": "RFID", "contract_id": "DE8FAHC12345678",
        "issuer": "Fahrstrom", "valid": true, "whitelist": "ALLOWED", "visual_number": "DF-1", "group_id": "FLEET",
        "last_updated": "2026-11-23T12:00:00Z", "future_field": 1 });
    token.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    token
}

#[tokio::test(flavor = "multi_thread")]
async fn are_kept_changed_and_become_cards() {
    let world = world().await;
    let (client, _, emsp) = registered(&world).await;
    let path = "tokens/DE/FAH/04A2B3C4";
    let (status, body) = emsp.ask("GET", path, None).await;
    assert_eq!((status, &body["status_code"]), (404, &json!(2004)), "{body}");
    let (status, body) =
        emsp.ask("PATCH", path, Some(json!({ "valid": false, "last_updated": "2026-11-23T12:00:00Z" }))).await;
    assert_eq!((status, &body["status_code"]), (404, &json!(2004)), "{body}");
    let (status, body) = emsp.ask("PUT", path, Some(token("04A2B3C4", json!({})))).await;
    assert_eq!((status, &body["status_code"], body.get("data")), (201, &json!(1000), None), "{body}");
    // Neither the case of the address nor a slash at its end matters.
    let (status, found) = emsp.ask("GET", "tokens/de/fah/04a2b3c4/?type=RFID", None).await;
    let mut kept = token("04A2B3C4", json!({}));
    kept.as_object_mut().unwrap().remove("future_field");
    assert_eq!((status, data(&found)), (200, &kept));
    let card = async || client.get("/v1/tokens?uid=04A2B3C4").await.body["items"][0].clone();
    let first = card().await;
    assert_eq!(
        (&first["status"], &first["label"], &first["group_id"]),
        (&json!("active"), &json!("DF-1"), &json!("FLEET")),
        "{first}"
    );
    let provider = client.get(&format!("/v1/partners/{}", first["partner_id"].as_str().unwrap())).await.body;
    assert_eq!((&provider["name"], &provider["kind"]), (&json!("Fahrstrom"), &json!("emp")));

    let patch = async |patch: Value| emsp.ask("PATCH", path, Some(patch)).await;
    assert_eq!(patch(json!({ "valid": false })).await.1["status_code"], 2001);
    let (status, old) = patch(json!({ "valid": false, "last_updated": "2026-11-23T11:00:00Z" })).await;
    assert_eq!((status, &old["status_code"]), (200, &json!(1000)), "what is old changes nothing");
    assert_eq!(card().await["status"], "active");
    let (status, _) = patch(json!({ "valid": false, "last_updated": "2026-11-23T13:00:00Z" })).await;
    assert_eq!((status, &card().await["status"]), (200, &json!("blocked")));
    let (status, _) = emsp.ask("PUT", path, Some(token("04A2B3C4", json!({})))).await;
    assert_eq!((status, &card().await["status"]), (200, &json!("blocked")), "an older PUT changes nothing");
    let (status, _) =
        emsp.ask("PUT", path, Some(token("04A2B3C4", json!({ "last_updated": "2026-11-23T14:00:00+01:00" })))).await;
    assert_eq!((status, &card().await["status"]), (200, &json!("active")), "the same time in another zone");
    // An app's account is kept, and is no card.
    let app = token("driver-1", json!({ "type": "APP_USER", "whitelist": "NEVER" }));
    assert_eq!(emsp.ask("PUT", "tokens/DE/FAH/driver-1?type=APP_USER", Some(app)).await.0, 201);
    assert_eq!(client.get("/v1/tokens?uid=driver-1").await.body["items"], json!([]));
    assert_eq!(emsp.ask("GET", "tokens/DE/FAH/driver-1", None).await.0, 404, "the type is part of the key");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_changes_nothing() {
    let world = world().await;
    let (client, _, emsp) = registered(&world).await;
    for (path, body) in [
        ("tokens/DE/FAH/04A2", token("04A3", json!({}))),
        ("tokens/DE/FAH/04A2", token("04A2", json!({ "type": "OTHER" }))),
        ("tokens/DE/FAH/04A2", token("04A2", json!({ "party_id": "XYZ" }))),
        ("tokens/DE/XYZ/04A2", token("04A2", json!({ "party_id": "XYZ" }))),
        ("tokens/DE/FAH/04A2", token("04A2", json!({ "valid": "yes" }))),
        ("tokens/DE/FAH/04A2", token("04A2", json!({ "last_updated": "yesterday" }))),
        ("tokens/DE/FAH/04A2?type=SOMETHING", token("04A2", json!({}))),
        ("tokens/DE/FAH/0123456789012345678901234567890123456789", token("04A2", json!({}))),
        ("tokens/DE/FAH/04A2", json!([])),
    ] {
        let (status, answer) = emsp.ask("PUT", path, Some(body.clone())).await;
        assert_eq!((status, &answer["status_code"]), (200, &json!(2001)), "{path} {body}: {answer}");
    }
    assert_eq!(emsp.ask("PUT", "tokens/DEU/FAH/04A2", Some(token("04A2", json!({})))).await.0, 404);
    assert_eq!(emsp.ask("DELETE", "tokens/DE/FAH/04A2", None).await.0, 405);
    assert_eq!(client.get("/v1/tokens").await.body["items"], json!([]));
    let log = client.get("/v1/ocpi-messages?module=tokens&failed=true&limit=500").await.body["items"].clone();
    assert_eq!(log.as_array().unwrap().len(), 11, "{log}");
}
