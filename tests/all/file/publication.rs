//! Firmware that local controllers serve (OCPP 2.0.1).

use reqwest::StatusCode;
use serde_json::json;

use super::{firmware::image, site};
use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_controller_serves_an_image_and_gives_it_back() {
    let world = World::new().await;
    let mut site = site(&world, "LC1").await;
    let image = image(&site, json!({}), b"firmware").await;
    let publish = format!("/v1/stations/{}/firmware-publications", site.station);
    let wanted = json!({ "firmware_image_id": image["id"], "retries": 1 });
    assert_eq!(site.client.post(&publish, &wanted).await.code(), "not_in_ocpp_version");
    site.comes_back_as_v201().await;
    let made = site.client.create(&publish, wanted).await;
    let path = format!("/v1/firmware-publications/{}", made["id"].as_str().unwrap());
    let (action, told) = site.told().await;
    // MD5 of "firmware".
    assert_eq!((action.as_str(), &told["checksum"]), ("PublishFirmware", &json!("74b5b5e9570efc5c0553bb327cd41940")));
    assert_eq!((&told["checksum"], &told["retries"]), (&image["md5"], &json!(1)));
    site.becomes(&path, "accepted").await;
    let got = site.http.get(told["location"].as_str().unwrap()).send().await.unwrap();
    assert_eq!((got.status(), got.text().await.unwrap().as_str()), (StatusCode::OK, "firmware"));
    for word in ["Downloading", "Downloaded", "ChecksumVerified"] {
        site.says("PublishFirmwareStatusNotification", word, Some(&told["requestId"])).await;
    }
    site.becomes(&path, "downloaded").await;
    let served = json!({ "status": "Published", "requestId": told["requestId"], "location": ["http://10.0.0.1/fw"] });
    site.simulator.call("PublishFirmwareStatusNotification", served).await.unwrap();
    let published = site.becomes(&path, "published").await;
    assert_eq!(
        (&published["locations"], published["history"].as_array().unwrap().len()),
        (&json!(["http://10.0.0.1/fw"]), 4)
    );
    let asked = site.client.post(&format!("{path}/unpublish"), json!(null)).await;
    assert_eq!((asked.status, &asked.body["state"]), (200, &json!("unpublishing")));
    let (action, back) = site.told().await;
    assert_eq!((action.as_str(), &back), ("UnpublishFirmware", &json!({ "checksum": image["md5"] })));
    site.becomes(&path, "unpublished").await;
    assert_eq!(site.client.post(&format!("{path}/unpublish"), json!(null)).await.code(), "firmware_not_published");
}
