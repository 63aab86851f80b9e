//! Firmware images, and updates of single stations.

use reqwest::StatusCode;
use serde_json::{Value, json};
use stromtor_domain::actor::Permission;

use super::{Site, site, stored};
use crate::world::World;

const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----";

/// An image with its bytes.
pub async fn image(site: &Site, more: Value, bytes: &[u8]) -> Value {
    let mut body = json!({ "name": "eco 2.bin", "version": "2.0.0" });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let made = site.client.create("/v1/firmware-images", body).await;
    let content = format!("/v1/firmware-images/{}/content", made["id"].as_str().unwrap());
    let put = site.client.send(site.client.request("PUT", &content).body(bytes.to_vec())).await;
    assert_eq!(put.status, 200, "{}", put.body);
    put.body
}

fn update_path(site: &Site) -> String {
    format!("/v1/stations/{}/firmware-updates", site.station)
}

fn at(update: &Value) -> String {
    format!("/v1/firmware-updates/{}", update["id"].as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_station_gets_new_firmware() {
    let world = World::new().await;
    let site = site(&world, "CP1").await;
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|at| (at * 11 % 251) as u8).collect();
    let image = image(&site, json!({}), &bytes).await;
    assert_eq!((&image["size_bytes"], &image["revision"]), (&json!(bytes.len()), &json!(2)));
    let wanted = json!({ "firmware_image_id": image["id"], "retries": 3 });
    let update = site.client.create(&update_path(&site), wanted.clone()).await;
    assert_eq!((&update["firmware_before"], &update["signed"]), (&json!("1.0.0"), &json!(false)));
    let (action, told) = site.told().await;
    assert_eq!((action.as_str(), &told["retries"]), ("UpdateFirmware", &json!(3)));
    let url = told["location"].as_str().unwrap();
    assert!(url.ends_with("/eco_2.bin"), "{url}");
    site.becomes(&at(&update), "accepted").await;

    // One at a time, and its bytes stay.
    assert_eq!(site.client.post(&update_path(&site), wanted.clone()).await.code(), "firmware_update_running");
    let image_path = format!("/v1/firmware-images/{}", image["id"].as_str().unwrap());
    let content = format!("{image_path}/content");
    let replaced = site.client.send(site.client.request("PUT", &content).body("other")).await;
    assert_eq!(replaced.code(), "firmware_in_use");
    assert_eq!(site.client.delete(&image_path).await.code(), "firmware_in_use");

    // The station downloads in two parts, as often as it likes.
    site.says("FirmwareStatusNotification", "Downloading", None).await;
    site.becomes(&at(&update), "downloading").await;
    let head = site.http.head(url).send().await.unwrap();
    assert_eq!((head.status(), &head.headers()["content-length"]), (StatusCode::OK, &"3000000".parse().unwrap()));
    let part = site.http.get(url).header("range", "bytes=0-999999").send().await.unwrap();
    assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(part.headers()["content-range"], "bytes 0-999999/3000000");
    let tag = part.headers()["etag"].clone();
    let mut got = part.bytes().await.unwrap().to_vec();
    let rest = site.http.get(url).header("range", "bytes=1000000-").header("if-range", tag).send().await.unwrap();
    assert_eq!(
        (rest.status(), &rest.headers()["content-length"]),
        (StatusCode::PARTIAL_CONTENT, &"2000000".parse().unwrap())
    );
    got.extend(rest.bytes().await.unwrap());
    assert!(got == bytes);
    let changed = site.http.get(url).header("range", "bytes=5-").header("if-range", "\"other\"").send().await.unwrap();
    assert_eq!(changed.status(), StatusCode::OK);
    let beyond = site.http.get(url).header("range", "bytes=3000000-").send().await.unwrap();
    assert_eq!(
        (beyond.status(), &beyond.headers()["content-range"]),
        (StatusCode::RANGE_NOT_SATISFIABLE, &"bytes */3000000".parse().unwrap())
    );
    assert_eq!(site.http.put(url).body("x").send().await.unwrap().status(), StatusCode::NOT_FOUND, "it is no upload");

    for word in ["DownloadFailed", "Downloading", "Downloaded", "Installing"] {
        site.says("FirmwareStatusNotification", word, None).await;
    }
    site.becomes(&at(&update), "installing").await;
    // It restarts with the new version and says no more.
    let boot = |version: &str| json!({ "chargePointVendor": "Wallbe", "chargePointModel": "Eco 2", "firmwareVersion": version });
    site.simulator.call("BootNotification", boot("2.0.0")).await.unwrap();
    let done = site.becomes(&at(&update), "installed").await;
    assert_eq!((&done["firmware_after"], &done["detail"]), (&json!("2.0.0"), &json!("Installing")));
    let words: Vec<&str> =
        done["history"].as_array().unwrap().iter().map(|step| step["status"].as_str().unwrap()).collect();
    assert_eq!(words, ["Downloading", "DownloadFailed", "Downloading", "Downloaded", "Installing"]);
    let events = "select distinct data->>'state' as value from event where type = 'firmware_update.changed' order by 1";
    let states = ["accepted", "downloaded", "downloading", "failed", "installed", "installing", "requested"];
    assert_eq!(world.texts(events).await, states);

    // The token expires.
    world.clock.advance(chrono::TimeDelta::days(4));
    assert_eq!(site.http.get(url).send().await.unwrap().status(), StatusCode::NOT_FOUND);
    // Now its bytes may be replaced, and the old ones go.
    let replaced = site.client.send(site.client.request("PUT", &content).body("other")).await;
    assert_eq!((replaced.status, &replaced.body["size_bytes"]), (200, &json!(5)));
    stromtor_api::jobs::drain(&world.app).await.unwrap();
    assert_eq!(stored(&world, "firmware"), 1);
    let got = site.client.get(&content).await;
    assert_eq!(got.body, "other");
    assert_eq!(site.client.delete(&image_path).await.status, 204);
    stromtor_api::jobs::drain(&world.app).await.unwrap();
    assert_eq!(stored(&world, "firmware"), 0);
    let kept = site.client.get(&at(&update)).await.body;
    assert_eq!((&kept["version"], kept.get("firmware_image_id")), (&json!("2.0.0"), None));
}

#[tokio::test(flavor = "multi_thread")]
async fn signed_updates_go_by_their_number() {
    let world = World::new().await;
    let mut site = site(&world, "CP1").await;
    let image = image(&site, json!({ "signing_certificate": CERTIFICATE, "signature": "c2ln" }), b"firmware").await;
    let wanted = json!({ "firmware_image_id": image["id"], "retrieve_at": "2026-12-01T02:00:00Z",
        "install_at": "2026-12-01T03:00:00Z" });
    let update = site.client.create(&update_path(&site), wanted.clone()).await;
    let (action, told) = site.told().await;
    assert_eq!(action, "SignedUpdateFirmware");
    assert_eq!(
        (&told["firmware"]["signature"], &told["firmware"]["signingCertificate"]),
        (&json!("c2ln"), &json!(CERTIFICATE))
    );
    assert_eq!(told["firmware"]["installDateTime"], "2026-12-01T03:00:00Z");
    site.becomes(&at(&update), "accepted").await;
    site.says("SignedFirmwareStatusNotification", "Downloaded", Some(&told["requestId"])).await;
    site.says("SignedFirmwareStatusNotification", "InvalidSignature", Some(&told["requestId"])).await;
    let failed = site.becomes(&at(&update), "failed").await;
    assert_eq!(failed["detail"], "InvalidSignature");
    // Without the signature there is no time of installation in OCPP 1.6.
    let mut plain = wanted.clone();
    plain["signed"] = json!(false);
    assert_eq!(site.client.post(&update_path(&site), &plain).await.pointers(), ["/install_at"]);
    site.comes_back_as_v201().await;
    let update = site.client.create(&update_path(&site), plain).await;
    let (action, told) = site.told().await;
    assert_eq!((action.as_str(), told["firmware"].get("signature")), ("UpdateFirmware", None));
    assert_eq!(told["firmware"]["retrieveDateTime"], "2026-12-01T02:00:00Z");
    site.becomes(&at(&update), "accepted").await;
    site.says("FirmwareStatusNotification", "Installed", Some(&told["requestId"])).await;
    site.becomes(&at(&update), "installed").await;
    // What runs afterwards is kept, though it is not what was promised.
    site.boots_v201("2.0.1").await;
    let after = site.client.get(&at(&update)).await.body;
    assert_eq!((&after["firmware_after"], &after["state"]), (&json!("2.0.1"), &json!("installed")));
    // One that nobody goes on with is given up, and another may follow.
    let wanted = json!({ "firmware_image_id": image["id"] });
    let update = site.client.create(&update_path(&site), wanted.clone()).await;
    let (_, told) = site.told().await;
    let url = told["firmware"]["location"].as_str().unwrap();
    assert_eq!(site.http.get(url).send().await.unwrap().status(), StatusCode::OK);
    let cancelled = site.client.post(&format!("{}/cancel", at(&update)), json!(null)).await;
    assert_eq!(cancelled.body["state"], "cancelled");
    // With it goes the right to download by it.
    assert_eq!(site.http.get(url).send().await.unwrap().status(), StatusCode::NOT_FOUND);
    let again = site.client.post(&format!("{}/cancel", at(&update)), json!(null)).await;
    assert_eq!(again.code(), "firmware_update_ended");
    site.client.create(&update_path(&site), wanted).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_is_for_its_models_and_its_owner_s_stations() {
    let world = World::new().await;
    let site = site(&world, "CP1").await;
    let maker = world.root().create("/v1/manufacturers", json!({ "name": "Alfen" })).await;
    let model = |name: &str| json!({ "manufacturer_id": maker["id"], "name": name });
    let eve = world.root().create("/v1/station-models", model("Eve")).await;
    let twin = world.root().create("/v1/station-models", model("Twin")).await;
    let for_eve = image(&site, json!({ "model_ids": [eve["id"]], "manufacturer_id": maker["id"] }), b"eve").await;
    let wanted = json!({ "firmware_image_id": for_eve["id"] });
    assert_eq!(site.client.post(&update_path(&site), &wanted).await.code(), "firmware_model_mismatch");
    let station = format!("/v1/stations/{}", site.station);
    site.client.patch(&station, json!({ "model_id": twin["id"] })).await;
    assert_eq!(site.client.post(&update_path(&site), &wanted).await.code(), "firmware_model_mismatch");
    site.client.patch(&station, json!({ "model_id": eve["id"] })).await;
    let update = site.client.create(&update_path(&site), wanted).await;
    let cancelled = site.client.post(&format!("{}/cancel", at(&update)), json!(null)).await;
    assert_eq!((cancelled.status, &cancelled.body["state"]), (200, &json!("cancelled")), "{}", cancelled.body);

    let empty = site.client.create("/v1/firmware-images", json!({ "name": "x", "version": "3" })).await;
    let wanted = json!({ "firmware_image_id": empty["id"] });
    assert_eq!(site.client.post(&update_path(&site), &wanted).await.code(), "firmware_without_content");
    let content = format!("/v1/firmware-images/{}/content", empty["id"].as_str().unwrap());
    assert_eq!(site.client.get(&content).await.code(), "not_found");

    // The platform's images are everybody's to use and nobody else's to change; another operator's are not there.
    let platform = world.root().create("/v1/firmware-images", json!({ "name": "p.bin", "version": "9" })).await;
    let path = format!("/v1/firmware-images/{}", platform["id"].as_str().unwrap());
    world.root().send(world.root().request("PUT", &format!("{path}/content")).body("platform")).await;
    assert_eq!(site.client.get(&path).await.body["version"], "9");
    assert_eq!(site.client.patch(&path, json!({ "version": "10" })).await.status, 404);
    assert_eq!(site.client.delete(&path).await.status, 404);
    let theirs = site.client.send(site.client.request("PUT", &format!("{path}/content")).body("mine now")).await;
    assert_eq!(theirs.status, 404);
    site.client.create(&update_path(&site), json!({ "firmware_image_id": platform["id"] })).await;
    let other = world.client(world.partner("Theirs", "cpo").await, Permission::ALL);
    let foreign = other.create("/v1/firmware-images", json!({ "name": "t.bin", "version": "1" })).await;
    let planted = site.client.post(&update_path(&site), json!({ "firmware_image_id": foreign["id"] })).await;
    assert_eq!(planted.pointers(), ["/firmware_image_id"]);

    for (wrong, pointer) in [
        (json!({ "signature": "c2ln" }), "/signing_certificate"),
        (json!({ "signing_certificate": CERTIFICATE }), "/signature"),
        (json!({ "signing_certificate": "x", "signature": "c2ln" }), "/signing_certificate"),
        (json!({ "model_ids": [eve["id"], maker["id"]] }), "/model_ids/1"),
    ] {
        let mut body = json!({ "name": "x", "version": "3" });
        body.as_object_mut().unwrap().extend(wrong.as_object().unwrap().clone());
        assert_eq!(site.client.post("/v1/firmware-images", body).await.pointers(), [pointer], "{wrong}");
    }
}
