//! Logs that stations upload.

use reqwest::StatusCode;
use serde_json::{Value, json};
use stromtor_domain::actor::Permission;

use super::{site, stored};
use crate::world::World;

fn location(payload: &Value) -> String {
    payload.get("location").unwrap_or(&payload["log"]["remoteLocation"]).as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn diagnostics_are_asked_for_uploaded_and_downloaded() {
    let world = World::new().await;
    let site = site(&world, "CP1").await;
    let ask = format!("/v1/stations/{}/log-requests", site.station);
    let body = json!({ "kind": "diagnostics", "from": "2026-11-01T10:00:00Z", "retries": 2, "retry_interval_s": 60 });
    let asked = site.client.create(&ask, body).await;
    assert_eq!((&asked["state"], &asked["created_by"]), (&json!("requested"), &json!("test")));
    let path = format!("/v1/log-requests/{}", asked["id"].as_str().unwrap());
    let (action, told) = site.told().await;
    assert_eq!((action.as_str(), &told["startTime"]), ("GetDiagnostics", &json!("2026-11-01T10:00:00Z")));
    assert_eq!((&told["retries"], &told["retryInterval"]), (&json!(2), &json!(60)));
    let accepted = site.becomes(&path, "accepted").await;
    assert_eq!(accepted["file_name"], "diagnostics.zip");
    let url = location(&told);
    assert!(url.starts_with(&format!("{}/transfer/", world.base)), "{url}");

    // The secret of the URL is in no command, no audit entry, no message log.
    let secret = url.rsplit('/').next().unwrap().to_owned();
    let command = site.client.get(&format!("/v1/commands/{}", asked["command_id"].as_str().unwrap())).await.body;
    assert_eq!(command["payload"]["location"], format!("{}/transfer/***", world.base));
    tokio::time::sleep(std::time::Duration::from_millis(1200)).await;
    for table in ["command", "audit_entry", "ocpp_message", "transfer", "event"] {
        let rows = world.texts(&format!("select t::text as value from {table} t")).await.concat();
        assert!(!rows.is_empty() && !rows.contains(&secret), "{table} holds the secret");
    }

    site.says("DiagnosticsStatusNotification", "Uploading", None).await;
    site.becomes(&path, "uploading").await;
    // Larger than a body may be elsewhere, and than one part.
    let bytes: Vec<u8> = (0..9_000_000_u32).map(|at| (at * 7 % 253) as u8).collect();
    let put = site.http.put(format!("{url}/diag%201.zip")).body(bytes.clone()).send().await.unwrap();
    assert_eq!(put.status(), StatusCode::OK, "{}", put.text().await.unwrap());
    site.says("DiagnosticsStatusNotification", "Uploaded", None).await;
    let done = site.becomes(&path, "uploaded").await;
    assert_eq!(done["detail"], "Uploaded");

    let files = site.client.get(&format!("/v1/station-files?station_id={}", site.station)).await.body["items"].clone();
    let file = &files[0];
    assert_eq!((files.as_array().unwrap().len(), &file["id"]), (1, &done["file_id"]));
    assert_eq!((&file["name"], &file["size_bytes"]), (&json!("diag_201.zip"), &json!(bytes.len())));
    assert_eq!(file["log_request_id"], asked["id"]);
    let file_path = format!("/v1/station-files/{}", file["id"].as_str().unwrap());
    assert_eq!(&site.client.get(&file_path).await.body, file);
    let got = site.client.request("GET", &format!("{file_path}/content")).send().await.unwrap();
    assert_eq!(got.headers()["content-disposition"], "attachment; filename=\"diag_201.zip\"");
    assert_eq!(got.headers()["x-content-type-options"], "nosniff");
    assert!(got.bytes().await.unwrap() == bytes);
    let stranger = world.client(world.partner("Theirs", "cpo").await, Permission::ALL);
    assert_eq!(stranger.get(&format!("{file_path}/content")).await.code(), "not_found");

    // The token is used up; another is none.
    let again = site.http.put(&url).body("more").send().await.unwrap();
    assert_eq!(again.status(), StatusCode::CONFLICT);
    let wrong = site.http.put(format!("{}/transfer/{}", world.base, "x".repeat(43))).body("more").send().await.unwrap();
    assert_eq!(wrong.status(), StatusCode::NOT_FOUND);
    assert_eq!(site.http.get(&url).send().await.unwrap().status(), StatusCode::NOT_FOUND, "it is no download");
    assert_eq!(stored(&world, "station-files"), 1);

    let events = "select data->>'state' as value from event where type = 'log_request.changed' order by id";
    assert_eq!(world.texts(events).await, ["requested", "accepted", "uploading", "uploaded", "uploaded"]);

    // Deleting it deletes the bytes.
    assert_eq!(site.client.delete(&file_path).await.status, 204);
    stromtor_api::jobs::drain(&world.app).await.unwrap();
    assert_eq!(stored(&world, "station-files"), 0);
    assert!(site.client.get(&path).await.body.get("file_id").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_or_breaks_off_leaves_nothing() {
    let world = World::with(|config| {
        config.files.max_upload_bytes = 100_000;
        config.retention.station_file_days = 10;
    })
    .await;
    let site = site(&world, "CP1").await;
    site.client.create(&format!("/v1/stations/{}/log-requests", site.station), json!({ "kind": "security" })).await;
    let (action, told) = site.told().await;
    assert_eq!((action.as_str(), &told["logType"]), ("GetLog", &json!("SecurityLog")));
    let url = location(&told);
    let declared = site.http.put(&url).body(vec![1; 200_000]).send().await.unwrap();
    assert_eq!(declared.status(), StatusCode::PAYLOAD_TOO_LARGE);
    // Declared within what a form may add, or not declared at all.
    let near = site.http.put(&url).body(vec![1; 100_001]).send().await.unwrap();
    assert_eq!(near.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let chunks = (0..20).map(|_| Ok::<_, std::io::Error>(vec![1_u8; 10_000]));
    let streamed = reqwest::Body::wrap_stream(futures_util::stream::iter(chunks));
    let streamed = site.http.put(&url).body(streamed).send().await;
    assert!(streamed.is_err() || streamed.unwrap().status() == StatusCode::PAYLOAD_TOO_LARGE);
    // A station that hangs up in the middle.
    let address = world.base.strip_prefix("http://").unwrap();
    let path = url.strip_prefix(&world.base).unwrap();
    let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
    let half = format!("PUT {path} HTTP/1.1\r\nhost: {address}\r\ncontent-length: 50000\r\n\r\nonly this much");
    tokio::io::AsyncWriteExt::write_all(&mut socket, half.as_bytes()).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    drop(socket);
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert_eq!(stored(&world, "station-files"), 0);
    assert_eq!(site.client.get("/v1/station-files").await.body["items"], json!([]));
    assert_eq!(site.client.get("/v1/log-requests?state=uploaded").await.body["items"], json!([]));

    // It tries again, with a form this time, and that works.
    let form = "--b\r\ncontent-disposition: form-data; name=\"id\"\r\n\r\n7\r\n--b\r\ncontent-disposition: form-data; name=\"f\"; \
        filename=\"C:\\logs\\sec.log\"\r\ncontent-type: text/plain\r\n\r\nsecurity\r\n--b--\r\n";
    let post = site.http.post(format!("{url}/")).header("content-type", "multipart/form-data; boundary=b").body(form);
    let post = post.send().await.unwrap();
    assert_eq!(post.status(), StatusCode::OK, "{}", post.text().await.unwrap());
    let file = site.client.get("/v1/station-files").await.body["items"][0].clone();
    assert_eq!((&file["size_bytes"], &file["content_type"]), (&json!(8), &json!("text/plain")));
    assert!(file["name"].as_str().unwrap().ends_with("sec.log"), "{file}");
    assert_eq!(site.http.post(&url).body("x").send().await.unwrap().status(), StatusCode::CONFLICT);

    // Kept for as long as configured.
    world.clock.advance(chrono::TimeDelta::days(11));
    stromtor_api::jobs::housekeep(&world.app).await.unwrap();
    stromtor_api::jobs::drain(&world.app).await.unwrap();
    assert_eq!(stored(&world, "station-files"), 0);
    assert_eq!(site.client.get("/v1/station-files").await.body["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_go_by_their_number_and_to_the_target_of_the_caller() {
    let world = World::new().await;
    let mut site = site(&world, "CP1").await;
    site.comes_back_as_v201().await;
    let ask = format!("/v1/stations/{}/log-requests", site.station);
    let own = json!({ "kind": "diagnostics", "upload_url": "sftp://logs:hunter2@files.example.com/in",
        "to": "2026-11-01T10:00:00Z" });
    let first = site.client.create(&ask, own).await;
    assert_eq!(first["upload_url"], "sftp://logs:***@files.example.com/in");
    let (action, told) = site.told().await;
    assert_eq!((action.as_str(), &told["logType"]), ("GetLog", &json!("DiagnosticsLog")));
    assert_eq!(
        told["log"],
        json!({ "remoteLocation": "sftp://logs:hunter2@files.example.com/in",
        "latestTimestamp": "2026-11-01T10:00:00Z" })
    );
    let second = site.client.create(&ask, json!({ "kind": "diagnostics" })).await;
    let (_, other) = site.told().await;
    assert!(other["requestId"].as_i64().unwrap() > told["requestId"].as_i64().unwrap());
    let path = |asked: &Value| format!("/v1/log-requests/{}", asked["id"].as_str().unwrap());
    site.becomes(&path(&second), "accepted").await;
    site.says("LogStatusNotification", "Uploading", Some(&told["requestId"])).await;
    site.says("LogStatusNotification", "PermissionDenied", Some(&other["requestId"])).await;
    site.says("LogStatusNotification", "Idle", None).await;
    assert_eq!(site.becomes(&path(&second), "failed").await["detail"], "PermissionDenied");
    site.becomes(&path(&first), "uploading").await;
    // It tries again, and the first is withdrawn: the station's words change it no more.
    site.says("LogStatusNotification", "Uploading", Some(&other["requestId"])).await;
    site.becomes(&path(&second), "uploading").await;
    assert_eq!(site.client.post(&format!("{}/cancel", path(&first)), json!(null)).await.body["state"], "cancelled");
    let again = site.client.post(&format!("{}/cancel", path(&first)), json!(null)).await;
    assert_eq!(again.code(), "log_request_ended");
    site.says("LogStatusNotification", "Uploaded", Some(&told["requestId"])).await;
    assert_eq!(site.client.get(&path(&first)).await.body["state"], "cancelled");
    // What was withdrawn cannot be uploaded.
    site.client.post(&format!("{}/cancel", path(&second)), json!(null)).await;
    assert_eq!(site.http.put(location(&other)).body("x").send().await.unwrap().status(), StatusCode::NOT_FOUND);
    for table in ["command", "audit_entry", "log_request"] {
        let rows = world.texts(&format!("select t::text as value from {table} t")).await.concat();
        assert!(!rows.contains("hunter2"), "{table} holds the password");
    }
    for (wrong, pointer) in [
        (json!({ "kind": "diagnostics", "from": "2026-11-02T00:00:00Z", "to": "2026-11-01T00:00:00Z" }), "/to"),
        (json!({ "kind": "diagnostics", "retries": -1 }), "/retries"),
        (json!({ "kind": "diagnostics", "upload_url": "file:///etc/passwd" }), "/upload_url"),
    ] {
        assert_eq!(site.client.post(&ask, wrong).await.pointers(), [pointer]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_station_that_is_not_there_is_not_asked() {
    let world = World::new().await;
    let client = world.client(world.partner("Nordstrom", "cpo").await, Permission::ALL);
    let (estate, password) = crate::ocpp::door::station(&client, "CP1").await;
    let ask = format!("/v1/stations/{}/log-requests", estate.station);
    let refused = client.post(&ask, json!({ "kind": "diagnostics" })).await;
    assert_eq!((refused.status, refused.code()), (409, "station_never_connected"));
    let url = world.gateway();
    let simulator = stromtor_ocpp::sim::Simulator::connect(&url, "CP1", &password).await.unwrap();
    simulator.boot("Wallbe", "Eco 2", 1).await.unwrap();
    simulator.close().await;
    let live = format!("/v1/stations/{}/live", estate.station);
    crate::ocpp::door::eventually(&client, &live, "connected", json!(false)).await;
    let asked = client.create(&ask, json!({ "kind": "diagnostics" })).await;
    let path = format!("/v1/log-requests/{}", asked["id"].as_str().unwrap());
    world.clock.advance(chrono::TimeDelta::minutes(2));
    crate::ocpp::door::eventually(&client, &path, "state", json!("failed")).await;
    assert!(client.get(&path).await.body["detail"].as_str().unwrap().contains("not connected"));
    // One that is withdrawn while it waits is not sent.
    let asked = client.create(&ask, json!({ "kind": "diagnostics" })).await;
    client.post(&format!("/v1/log-requests/{}/cancel", asked["id"].as_str().unwrap()), json!(null)).await;
    let command = client.get(&format!("/v1/commands/{}", asked["command_id"].as_str().unwrap())).await.body;
    assert_eq!(command["state"], "failed", "{command}");
}

/// A station that gives these answers to the calls it gets, one after the other.
async fn answering(world: &World, client: &crate::world::Client, station: &str, answers: Vec<Value>) {
    use futures_util::{SinkExt as _, StreamExt as _};
    use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest as _};
    // Without its password: no security at all.
    client.post(&format!("/v1/stations/{station}/security-profile-reset"), json!({ "security_profile": 0 })).await;
    let open =
        json!({ "ocpp_settings": { "password_required": false, "accept_without_protocol": false, "ping": true } });
    let opened = client.patch(&format!("/v1/stations/{station}"), open).await;
    assert_eq!(opened.status, 200, "{}", opened.body);
    let mut request = format!("{}/CP1", world.gateway()).into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", "ocpp1.6".parse().unwrap());
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
    tokio::spawn(async move {
        for answer in answers {
            let call: Value = loop {
                let Some(Ok(message)) = socket.next().await else { return };
                if let Message::Text(text) = message {
                    break serde_json::from_str(text.as_str()).unwrap();
                }
            };
            socket.send(Message::Text(json!([3, call[1], answer]).to_string().into())).await.unwrap();
        }
        let _ = socket.next().await;
    });
    let live = format!("/v1/stations/{station}/live");
    crate::ocpp::door::eventually(client, &live, "connected", json!(true)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_other_than_yes_are_understood() {
    let world = World::new().await;
    let client = world.client(world.partner("Nordstrom", "cpo").await, Permission::ALL);
    let (estate, _) = crate::ocpp::door::station(&client, "CP1").await;
    let answers = vec![
        json!({}),
        json!({ "status": "Accepted", "filename": "a.log" }),
        json!({ "status": "AcceptedCanceled" }),
        json!({ "status": "Rejected" }),
    ];
    answering(&world, &client, &estate.station, answers).await;
    let ask = async |kind: &str, state: &str| -> String {
        let path = format!("/v1/stations/{}/log-requests", estate.station);
        let asked = client.create(&path, json!({ "kind": kind })).await;
        let path = format!("/v1/log-requests/{}", asked["id"].as_str().unwrap());
        crate::ocpp::door::eventually(&client, &path, "state", json!(state)).await;
        path
    };
    ask("diagnostics", "nothing_to_upload").await;
    let first = ask("security", "accepted").await;
    // A newer request takes the place of the older.
    let second = ask("security", "accepted").await;
    assert_eq!(client.get(&first).await.body["state"], "cancelled");
    assert_eq!(client.get(&second).await.body["detail"], "AcceptedCanceled");
    ask("security", "rejected").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_updates_and_what_was_uploaded_go_when_their_days_are_over() {
    let world = World::with(|config| {
        config.retention.station_file_days = 90;
        config.retention.log_request_days = 5;
        config.retention.firmware_days = 10;
    })
    .await;
    let site = site(&world, "CP1").await;
    let ask = format!("/v1/stations/{}/log-requests", site.station);
    let asked = site.client.create(&ask, json!({ "kind": "diagnostics" })).await;
    let (_, told) = site.told().await;
    assert_eq!(site.http.put(location(&told)).body("log").send().await.unwrap().status(), StatusCode::OK);
    let request = format!("/v1/log-requests/{}", asked["id"].as_str().unwrap());
    site.becomes(&request, "uploaded").await;
    let image = super::firmware::image(&site, json!({}), b"firmware").await;
    let updates = format!("/v1/stations/{}/firmware-updates", site.station);
    let update = site.client.create(&updates, json!({ "firmware_image_id": image["id"] })).await;
    let update = format!("/v1/firmware-updates/{}", update["id"].as_str().unwrap());
    site.client.post(&format!("{update}/cancel"), json!(null)).await;
    let kept = async |days: i64| {
        world.clock.advance(chrono::TimeDelta::days(days));
        stromtor_api::jobs::housekeep(&world.app).await.unwrap();
        stromtor_api::jobs::drain(&world.app).await.unwrap();
        let there = (site.client.get(&request).await.status, site.client.get(&update).await.status);
        (there, stored(&world, "station-files"), stored(&world, "firmware"))
    };
    assert_eq!(kept(4).await, ((200, 200), 1, 1));
    // The request takes with it what was uploaded for it, though files are kept longer.
    assert_eq!(kept(2).await, ((404, 200), 0, 1));
    assert_eq!(site.client.get("/v1/station-files").await.body["items"], json!([]));
    // The image stays: it is nobody's history.
    assert_eq!(kept(5).await, ((404, 404), 0, 1));
}
