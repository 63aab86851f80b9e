//! ISO 15118 Plug & Charge: questions about cars' certificates go to an upstream, in both versions of OCPP.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use poem::{
    EndpointExt as _, handler,
    http::StatusCode,
    listener::Acceptor as _,
    web::{Data, Json, Path},
};
use rcgen::KeyPair;
use serde_json::{Value, json};
use tokio::{sync::oneshot, task::JoinHandle};

use super::{complete::give, door::eventually, driven::Driven, v16, v201};
use crate::{
    billing::cdr::open,
    security::pki::{Authority, csr},
    world::World,
};

const CONTRACT: &str = "DE8AACA2B3C4D5L";
const VENDOR: &str = "org.openchargealliance.iso15118pnc";

/// A certificate pool, and a CA for the certificates of stations towards cars.
struct Pool {
    authority: Authority,
    asked: Mutex<Vec<(String, Value)>>,
}

#[handler]
fn answer(pool: Data<&Arc<Pool>>, kind: Path<String>, asked: Json<Value>) -> Result<Json<Value>, StatusCode> {
    let request = asked.0["request"].clone();
    pool.asked.lock().unwrap().push((kind.0.clone(), asked.0));
    let serial = |path: &str| request.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
    Ok(Json(match kind.0.as_str() {
        "authorize" => match serial("/iso15118CertificateHashData/0/serialNumber").as_str() {
            "good" => json!({ "certificateStatus": "Accepted" }),
            "revoked" => json!({ "certificateStatus": "CertificateRevoked" }),
            _ => json!({ "certificateStatus": "whatever this is" }),
        },
        "certificate-status" => match serial("/ocspRequestData/serialNumber").as_str() {
            "good" => json!({ "ocspResult": "b2NzcA==" }),
            _ => json!({ "status": "Failed" }),
        },
        "ev-certificate" => json!({ "exiResponse": "ZXhp" }),
        _ => return Err(StatusCode::NOT_FOUND),
    }))
}

#[handler]
fn sign(pool: Data<&Arc<Pool>>, csr: String) -> String {
    pool.authority.sign(&csr)
}

/// Its URL, what it was asked, and what ends it with its connections.
async fn upstream() -> (String, Arc<Pool>, oneshot::Sender<()>, JoinHandle<()>) {
    let pool = Arc::new(Pool { authority: Authority::new("V2G"), asked: Mutex::default() });
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let acceptor = poem::listener::TcpAcceptor::from_tokio(socket).unwrap();
    let url = format!("http://{}", acceptor.local_addr()[0].as_socket_addr().unwrap());
    let routes = poem::Route::new().at("/sign", poem::post(sign)).at("/:kind", poem::post(answer)).data(pool.clone());
    let (stop, stopped) = oneshot::channel::<()>();
    let server = tokio::spawn(async move {
        let stopped = async move { drop(stopped.await) };
        let grace = Some(Duration::from_millis(50));
        let _ = poem::Server::new_with_acceptor(acceptor).run_with_graceful_shutdown(routes, stopped, grace).await;
    });
    (url, pool, stop, server)
}

fn hash(serial: &str) -> Value {
    json!({ "hashAlgorithm": "SHA256", "issuerNameHash": "aa", "issuerKeyHash": "bb", "serialNumber": serial,
        "responderURL": "http://localhost" })
}

fn contract(serial: &str) -> Value {
    json!({ "idToken": { "idToken": CONTRACT, "type": "eMAID" }, "iso15118CertificateHashData": [hash(serial)] })
}

fn exi() -> Value {
    json!({ "iso15118SchemaVersion": "urn:iso:15118:2:2013:MsgDef", "action": "Install", "exiRequest": "AA==" })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_judges_contracts_in_2_0_1() {
    let (url, pool, stop, server) = upstream().await;
    let world = World::with(|config| config.iso15118.upstream_url = format!("{url}/")).await;
    let business = open(&world, "CP1").await;
    business.client.create("/v1/tokens", json!({ "kind": "emaid", "uid": CONTRACT, "status": "active" })).await;
    let mut station = Driven::connect(&world.gateway(), "CP1", &business.password, "2.0.1").await;
    v201::boot(&mut station).await;
    for (serial, certificate, token) in [
        ("good", "Accepted", "Accepted"),
        ("revoked", "CertificateRevoked", "Invalid"),
        // No word of OCPP: it is not passed on.
        ("odd", "NoCertificateAvailable", "Invalid"),
    ] {
        let judged = station.call("Authorize", contract(serial)).await;
        assert_eq!(
            (&judged["certificateStatus"], &judged["idTokenInfo"]["status"]),
            (&json!(certificate), &json!(token))
        );
    }
    let asked = pool.asked.lock().unwrap()[0].clone();
    assert_eq!(asked, ("authorize".to_owned(), json!({ "station": "CP1", "request": contract("good") })));
    // Without a certificate nobody is asked.
    let plain = station.call("Authorize", json!({ "idToken": { "idToken": CONTRACT, "type": "eMAID" } })).await;
    assert_eq!((&plain["idTokenInfo"]["status"], plain.get("certificateStatus")), (&json!("Accepted"), None));
    assert_eq!(pool.asked.lock().unwrap().len(), 3);
    let status = |serial: &str| json!({ "ocspRequestData": hash(serial) });
    let fresh = station.call("GetCertificateStatus", status("good")).await;
    assert_eq!(fresh, json!({ "status": "Accepted", "ocspResult": "b2NzcA==" }));
    assert_eq!(station.call("GetCertificateStatus", status("none")).await, json!({ "status": "Failed" }));
    let installed = station.call("Get15118EVCertificate", exi()).await;
    assert_eq!(installed, json!({ "status": "Accepted", "exiResponse": "ZXhp" }));
    // The upstream is away: nothing is accepted that it should have judged.
    drop(stop);
    server.await.unwrap();
    let judged = station.call("Authorize", contract("good")).await;
    assert_eq!(
        (&judged["certificateStatus"], &judged["idTokenInfo"]["status"]),
        (&json!("NoCertificateAvailable"), &json!("Invalid"))
    );
    assert_eq!(station.call("GetCertificateStatus", status("good")).await, json!({ "status": "Failed" }));
    assert_eq!(station.call("Get15118EVCertificate", exi()).await["status"], "Failed");
}

/// What stands inside the answer to a DataTransfer.
async fn transfer(station: &mut Driven, action: &str, payload: Value) -> Value {
    let data = json!({ "vendorId": VENDOR, "messageId": action, "data": payload.to_string() });
    let answer = station.call("DataTransfer", data).await;
    assert_eq!(answer["status"], "Accepted", "{answer}");
    serde_json::from_str(answer["data"].as_str().unwrap()).unwrap()
}

/// What stands inside the next DataTransfer that it got, which must carry this.
async fn transferred(station: &mut Driven, action: &str) -> Value {
    let got = station.got("DataTransfer").await;
    assert_eq!((&got["vendorId"], &got["messageId"]), (&json!(VENDOR), &json!(action)));
    serde_json::from_str(got["data"].as_str().unwrap()).unwrap()
}

async fn answers(station: &mut Driven, inner: Value) {
    station.answer("DataTransfer", json!({ "status": "Accepted", "data": inner.to_string() })).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn by_1_6_the_messages_travel_in_data_transfers() {
    let (url, _, _stop, _) = upstream().await;
    let world = World::with(|config| {
        config.iso15118.upstream_url = url.clone();
        config.ca.hook_url = format!("{url}/sign");
    })
    .await;
    let business = open(&world, "CP1").await;
    let client = &business.client;
    client.create("/v1/tokens", json!({ "kind": "emaid", "uid": CONTRACT, "status": "active" })).await;
    let mut station = Driven::connect(&world.gateway(), "CP1", &business.password, "1.6").await;
    v16::boot(&mut station).await;
    let judged = transfer(&mut station, "Authorize", contract("good")).await;
    assert_eq!(
        (&judged["certificateStatus"], &judged["idTokenInfo"]["status"]),
        (&json!("Accepted"), &json!("Accepted"))
    );
    assert_eq!(transfer(&mut station, "Authorize", contract("revoked")).await["idTokenInfo"]["status"], "Invalid");
    let fresh = transfer(&mut station, "GetCertificateStatus", json!({ "ocspRequestData": hash("good") })).await;
    assert_eq!(fresh["ocspResult"], "b2NzcA==");
    assert_eq!(transfer(&mut station, "Get15118EVCertificate", exi()).await["exiResponse"], "ZXhp");
    for (message, data, status) in [("Reset", "{}", "UnknownMessageId"), ("Authorize", "no JSON", "Rejected")] {
        let broken = json!({ "vendorId": VENDOR, "messageId": message, "data": data });
        assert_eq!(station.call("DataTransfer", broken).await["status"], status);
    }

    // Its certificate towards cars.
    let wanted = give(&business, json!({ "type": "trigger_message", "message": "sign_v2g_certificate" })).await;
    assert_eq!(wanted["state"], "accepted", "{wanted}");
    assert_eq!(transferred(&mut station, "TriggerMessage").await, json!({ "requestedMessage": "SignV2GCertificate" }));
    answers(&mut station, json!({ "status": "Accepted" })).await;
    let wish = json!({ "csr": csr("CP1", &KeyPair::generate().unwrap()), "certificateType": "V2GCertificate" });
    assert_eq!(transfer(&mut station, "SignCertificate", wish).await["status"], "Accepted");
    stromtor_api::jobs::drain(&world.app).await.unwrap();
    let brought = transferred(&mut station, "CertificateSigned").await;
    assert_eq!(brought["certificateType"], "V2GCertificate");
    let request = client.get("/v1/certificate-requests").await.body["items"][0]["id"].clone();
    let request = format!("/v1/certificate-requests/{}", request.as_str().unwrap());
    eventually(client, &request, "state", json!("accepted")).await;

    // Roots of contracts, at a station that says it knows what to do with them.
    let certificates = format!("/v1/stations/{}/certificates", business.estate.station);
    let root = json!({ "certificate_type": "mo_root", "certificate": Authority::new("contracts").pem() });
    assert_eq!(client.post(&certificates, &root).await.code(), "certificate_type_not_supported");
    let knows = json!({ "configurationKey": [{ "key": "ISO15118PnCEnabled", "readonly": false, "value": "true" }] });
    station.answer("GetConfiguration", knows).await;
    give(&business, json!({ "type": "get_parameters", "names": ["ISO15118PnCEnabled"] })).await;
    station.got("GetConfiguration").await;
    answers(&mut station, json!({ "status": "Rejected" })).await;
    let refused = client.post(&certificates, &root).await.id().to_owned();
    assert_eq!(transferred(&mut station, "InstallCertificate").await["certificateType"], "MORootCertificate");
    eventually(client, &format!("/v1/commands/{refused}"), "state", json!("rejected")).await;

    let mut one = hash("7");
    one.as_object_mut().unwrap().remove("responderURL");
    let chain = json!({ "certificateType": "MORootCertificate", "certificateHashData": one });
    answers(&mut station, json!({ "status": "Accepted", "certificateHashDataChain": [chain] })).await;
    station.answer("GetInstalledCertificateIds", json!({ "status": "NotFound" })).await;
    let asked = client.post(&format!("{certificates}/refresh"), json!(null)).await.body["commands"].clone();
    for _ in 0..2 {
        station.got("GetInstalledCertificateIds").await;
    }
    let types = transferred(&mut station, "GetInstalledCertificateIds").await["certificateType"].clone();
    assert_eq!(types.as_array().unwrap().len(), 3, "{types}");
    let last = format!("/v1/commands/{}", asked[2]["id"].as_str().unwrap());
    eventually(client, &last, "state", json!("accepted")).await;
    let held = client.get(&certificates).await.body["items"].clone();
    assert_eq!((&held[0]["certificate_type"], &held[0]["serial_number"]), (&json!("mo_root"), &json!("7")), "{held}");

    answers(&mut station, json!({ "status": "Accepted" })).await;
    let path = format!("{certificates}/{}", held[0]["id"].as_str().unwrap());
    let deleted = client.delete(&path).await.id().to_owned();
    assert_eq!(transferred(&mut station, "DeleteCertificate").await["certificateHashData"], one);
    eventually(client, &format!("/v1/commands/{deleted}"), "state", json!("accepted")).await;
    assert_eq!(client.get(&certificates).await.body["items"], json!([]));
}
