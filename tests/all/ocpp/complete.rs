//! What both versions have in common to show with the foreign station, and that no action of the specification is left out.

use std::{collections::BTreeSet, time::Duration};

use rcgen::KeyPair;
use serde_json::{Value, json};
use stromtor_api::jobs;
use tokio::process::Command;

use super::{door::eventually, driven::Driven, foreign::python};
use crate::{
    billing::cdr::Business,
    security::pki::{Authority, csr},
    world::World,
};

/// Gives a typed command and waits for its end.
pub async fn give(business: &Business, body: Value) -> Value {
    let path = format!("/v1/stations/{}/commands", business.estate.station);
    let request = business.client.request("POST", &path).header("prefer", "wait=20").json(&body);
    let reply = business.client.send(request).await;
    assert_eq!(reply.status, 202, "{body} {}", reply.body);
    reply.body
}

/// The actions for which the `ocpp` package has schemas.
async fn actions_of(version: &str) -> BTreeSet<String> {
    let list = "import ocpp, pathlib, sys\n\
        folder = pathlib.Path(ocpp.__file__).parent / ('v' + ''.join(sys.argv[1].split('.'))) / 'schemas'\n\
        print('\\n'.join(path.stem for path in folder.glob('*.json')))";
    let output = Command::new(python().await).args(["-c", list, version]).output().await.unwrap();
    let names = String::from_utf8(output.stdout).unwrap();
    let calls = names.lines().filter(|name| !name.ends_with("Response"));
    calls.map(|name| name.strip_suffix("Request").unwrap_or(name).to_owned()).collect()
}

/// Holds what went over the wire against the package's schemas: every action was called and answered, and no other.
pub async fn nothing_is_left_out(world: &World, version: &str, count: usize) {
    let wanted = actions_of(version).await;
    assert_eq!(wanted.len(), count, "{wanted:?}");
    let seen = async |kind: &str| -> BTreeSet<String> {
        let query = format!("select distinct action as value from ocpp_message where kind = '{kind}'");
        world.texts(&query).await.into_iter().collect()
    };
    // The log is written behind.
    for _ in 0..100 {
        if seen("result").await.len() >= wanted.len() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for kind in ["call", "result"] {
        let seen = seen(kind).await;
        let missing: Vec<_> = wanted.difference(&seen).collect();
        let unknown: Vec<_> = seen.difference(&wanted).collect();
        assert!(missing.is_empty() && unknown.is_empty(), "{kind}: missing {missing:?}, unknown {unknown:?}");
    }
    assert_eq!(seen("error").await, BTreeSet::new());
    let both = "select string_agg(distinct direction, ' ' order by direction) as value from ocpp_message \
        where action = 'DataTransfer' and kind = 'call'";
    assert_eq!(world.texts(both).await, ["in out"]);
}

/// Root certificates come, are told of and go; the station's own is signed.
pub async fn certificates(world: &World, business: &Business, station: &mut Driven, version: &str) {
    let client = &business.client;
    let certificates = format!("/v1/stations/{}/certificates", business.estate.station);
    let root = json!({ "certificate_type": "central_system_root", "certificate": Authority::new("root").pem() });
    assert_eq!(client.post(&certificates, &root).await.status, 202);
    let sent = station.got("InstallCertificate").await;
    assert_eq!(sent["certificate"], root["certificate"]);
    let hash = json!({ "hashAlgorithm": "SHA256", "issuerNameHash": "aa", "issuerKeyHash": "bb", "serialNumber": "1" });
    let (asked, answer) = match version {
        "1.6" => (2, json!({ "status": "Accepted", "certificateHashData": [hash] })),
        _ => {
            let chain = json!({ "certificateType": "CSMSRootCertificate", "certificateHashData": hash });
            (1, json!({ "status": "Accepted", "certificateHashDataChain": [chain] }))
        }
    };
    station.answer("GetInstalledCertificateIds", answer).await;
    let given = client.post(&format!("{certificates}/refresh"), json!(null)).await.body["commands"].clone();
    for at in 0..asked {
        station.got("GetInstalledCertificateIds").await;
        let path = format!("/v1/commands/{}", given[at]["id"].as_str().unwrap());
        eventually(client, &path, "state", json!("accepted")).await;
    }
    let held = client.get(&certificates).await.body["items"].clone();
    assert_eq!((held.as_array().unwrap().len(), &held[0]["serial_number"]), (asked, &json!("1")), "{held}");
    let one = format!("{certificates}/{}", held[0]["id"].as_str().unwrap());
    let deleted = client.delete(&one).await.id().to_owned();
    assert_eq!(station.got("DeleteCertificate").await["certificateHashData"], hash);
    eventually(client, &format!("/v1/commands/{deleted}"), "state", json!("accepted")).await;
    assert_eq!(client.get(&certificates).await.body["items"].as_array().unwrap().len(), asked - 1);

    let wish = json!({ "csr": csr("CP1", &KeyPair::generate().unwrap()) });
    assert_eq!(station.call("SignCertificate", wish).await["status"], "Accepted");
    jobs::drain(&world.app).await.unwrap();
    let brought = station.got("CertificateSigned").await;
    assert!(brought["certificateChain"].as_str().unwrap().starts_with("-----BEGIN CERTIFICATE"));
    let request = client.get("/v1/certificate-requests").await.body["items"][0]["id"].clone();
    let request = format!("/v1/certificate-requests/{}", request.as_str().unwrap());
    eventually(client, &request, "state", json!("accepted")).await;
}

/// Logs are uploaded, firmware is downloaded and, by OCPP 2.0.1, published.
pub async fn files(business: &Business, station: &mut Driven, version: &str) {
    let (client, id, http) = (&business.client, &business.estate.station, reqwest::Client::new());
    for kind in ["diagnostics", "security"] {
        let old = version == "1.6" && kind == "diagnostics";
        let (action, notification) =
            if old { ("GetDiagnostics", "DiagnosticsStatusNotification") } else { ("GetLog", "LogStatusNotification") };
        let name = if old { "fileName" } else { "filename" };
        let mut answer = json!({ name: "log.zip" });
        if !old {
            answer["status"] = json!("Accepted");
        }
        station.answer(action, answer).await;
        let asked = client.create(&format!("/v1/stations/{id}/log-requests"), json!({ "kind": kind })).await;
        let path = format!("/v1/log-requests/{}", asked["id"].as_str().unwrap());
        let told = station.got(action).await;
        eventually(client, &path, "state", json!("accepted")).await;
        let url = told.get("location").unwrap_or(&told["log"]["remoteLocation"]).as_str().unwrap();
        let mut word = json!({ "status": "Uploading" });
        if !old {
            word["requestId"] = told["requestId"].clone();
        }
        station.call(notification, word).await;
        eventually(client, &path, "state", json!("uploading")).await;
        assert_eq!(http.put(url).body("log").send().await.unwrap().status(), 200);
        eventually(client, &path, "state", json!("uploaded")).await;
        assert_eq!(client.get(&path).await.body["file_name"], "log.zip");
    }

    let plain = image(business, json!({})).await;
    let pem = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----";
    let signed = image(business, json!({ "signing_certificate": pem, "signature": "c2ln" })).await;
    for image in [&plain, &signed] {
        let old = version == "1.6" && image == &signed;
        let (action, notification) = if old {
            ("SignedUpdateFirmware", "SignedFirmwareStatusNotification")
        } else {
            ("UpdateFirmware", "FirmwareStatusNotification")
        };
        let wanted = json!({ "firmware_image_id": image });
        let made = client.create(&format!("/v1/stations/{id}/firmware-updates"), wanted).await;
        let told = station.got(action).await;
        let url = told.get("location").unwrap_or(&told["firmware"]["location"]).as_str().unwrap();
        assert_eq!(http.get(url).send().await.unwrap().text().await.unwrap(), "firmware");
        for word in ["Downloading", "Downloaded", "Installing", "Installed"] {
            let mut word = json!({ "status": word });
            if old || version != "1.6" {
                word["requestId"] = told["requestId"].clone();
            }
            station.call(notification, word).await;
        }
        let path = format!("/v1/firmware-updates/{}", made["id"].as_str().unwrap());
        eventually(client, &path, "state", json!("installed")).await;
    }
    if version == "1.6" {
        return;
    }
    let publish = format!("/v1/stations/{id}/firmware-publications");
    let made = client.create(&publish, json!({ "firmware_image_id": plain })).await;
    let path = format!("/v1/firmware-publications/{}", made["id"].as_str().unwrap());
    let told = station.got("PublishFirmware").await;
    eventually(client, &path, "state", json!("accepted")).await;
    let served =
        json!({ "status": "Published", "requestId": told["requestId"], "location": ["http://10.0.0.1/firmware"] });
    station.call("PublishFirmwareStatusNotification", served).await;
    eventually(client, &path, "state", json!("published")).await;
    assert_eq!(client.post(&format!("{path}/unpublish"), json!(null)).await.status, 200);
    assert_eq!(station.got("UnpublishFirmware").await["checksum"], told["checksum"]);
    eventually(client, &path, "state", json!("unpublished")).await;
}

/// A firmware image with its bytes.
async fn image(business: &Business, more: Value) -> Value {
    let client = &business.client;
    let mut body = json!({ "name": "firmware.bin", "version": "2.0.0" });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let made = client.create("/v1/firmware-images", body).await;
    let content = format!("/v1/firmware-images/{}/content", made["id"].as_str().unwrap());
    assert_eq!(client.send(client.request("PUT", &content).body("firmware")).await.status, 200);
    made["id"].clone()
}
