//! Certificates that stations ask for.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use chrono::TimeDelta;
use poem::{EndpointExt as _, handler, http::StatusCode, listener::Acceptor as _, web::Data};
use rcgen::KeyPair;
use serde_json::json;
use stromtor_api::jobs;
use stromtor_domain::actor::Permission;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};

use super::{
    pki::{Authority, Identity, csr, listener},
    station::{Station, Tls},
};
use crate::{
    ocpp::door::{eventually, station},
    world::World,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_station_gets_its_certificate_and_comes_with_it() {
    let world = World::new().await;
    let client = world.client(world.partner("Nordstrom", "cpo").await, Permission::ALL);
    let (estate, password) = station(&client, "CP1").await;
    let authority = client.get("/v1/certificate-authority").await.body;
    assert!(authority["certificate"].as_str().unwrap().starts_with("-----BEGIN CERTIFICATE"), "{authority}");
    let folder = tempfile::tempdir().unwrap();
    let servers = Authority::new("servers");
    let server = servers.server(folder.path(), "server", &KeyPair::generate().unwrap());
    let ours = world.app.config.storage.data_dir.join("ca/certificate.pem");
    let (_, doors) = world.gateways(&[listener(vec![server], Some(ours), vec![])]);
    let mut first =
        Station::tls(doors[0], Tls::trusting(servers.der()), "CP1", Some(password.as_bytes())).await.unwrap();

    let key = KeyPair::generate().unwrap();
    let refused = first.call("SignCertificate", json!({ "csr": csr("CP2", &key) })).await;
    assert_eq!(refused["status"], "Rejected");
    let taken = first.call("SignCertificate", json!({ "csr": csr("CP1", &key) })).await;
    assert_eq!(taken["status"], "Accepted");
    let path = format!("/v1/certificate-requests?station_id={}", estate.station);
    let listed = client.get(&path).await.body["items"].clone();
    assert_eq!((&listed[0]["state"], &listed[1]["state"]), (&json!("pending"), &json!("failed")), "{listed}");
    assert!(listed[1]["error"].as_str().unwrap().contains("common name"));
    jobs::drain(&world.app).await.unwrap();
    let brought = first.expect("CertificateSigned", json!({ "status": "Accepted" })).await;
    assert!(brought.get("certificateType").is_none(), "1.6 has no such field");
    let request = format!("/v1/certificate-requests/{}", listed[0]["id"].as_str().unwrap());
    eventually(&client, &request, "state", json!("accepted")).await;
    let request = client.get(&request).await.body;
    assert_eq!(request["certificate_chain"], brought["certificateChain"]);
    assert!(request["serial_number"].is_string() && request["valid_until"].is_string());

    let chain = CertificateDer::pem_slice_iter(brought["certificateChain"].as_str().unwrap().as_bytes());
    let identity = Identity {
        chain: chain.map(Result::unwrap).collect(),
        key: PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
    };
    let mut again = Station::tls(doors[0], Tls::with(servers.der(), identity), "CP1", None).await.unwrap();
    again.call("Heartbeat", json!({})).await;
    eventually(&client, &format!("/v1/stations/{}/live", estate.station), "security_profile", json!(3)).await;

    // Told once of its end, in time.
    let told = "select resource_id::text as value from event where type = 'certificate.expiring'";
    jobs::housekeep(&world.app).await.unwrap();
    assert_eq!(world.texts(told).await, Vec::<String>::new());
    world.clock.advance(TimeDelta::days(i64::from(world.app.config.ca.validity_days) - 29));
    jobs::housekeep(&world.app).await.unwrap();
    jobs::housekeep(&world.app).await.unwrap();
    assert_eq!(world.texts(told).await, [request["id"].as_str().unwrap()]);
}

struct External {
    authority: Authority,
    asked: AtomicU32,
}

/// An external CA that is away at first.
#[handler]
fn hook(state: Data<&Arc<External>>, request: &poem::Request, body: String) -> Result<String, StatusCode> {
    assert_eq!(request.content_type(), Some("application/pkcs10"));
    match state.asked.fetch_add(1, Ordering::SeqCst) {
        0 => Err(StatusCode::SERVICE_UNAVAILABLE),
        _ => Ok(state.authority.sign(&body)),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_external_ca_is_asked_again_until_it_answers() {
    let external = Arc::new(External { authority: Authority::new("external"), asked: AtomicU32::new(0) });
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let acceptor = poem::listener::TcpAcceptor::from_tokio(socket).unwrap();
    let url = format!("http://{}/sign", acceptor.local_addr()[0].as_socket_addr().unwrap());
    let app = poem::Route::new().at("/sign", poem::post(hook)).data(external.clone());
    let server = tokio::spawn(async move { poem::Server::new_with_acceptor(acceptor).run(app).await });
    let world = World::with(|config| config.ca.hook_url = url).await;
    let client = world.client(world.partner("Nordstrom", "cpo").await, Permission::ALL);
    let (_, password) = station(&client, "CP1").await;
    assert_eq!(client.get("/v1/certificate-authority").await.status, 404);
    let mut first = Station::plain(&world.gateway(), "CP1", Some(password.as_bytes())).await.unwrap();
    let taken = first.call("SignCertificate", json!({ "csr": csr("CP1", &KeyPair::generate().unwrap()) })).await;
    assert_eq!(taken["status"], "Accepted");
    jobs::drain(&world.app).await.unwrap();
    let request = client.get("/v1/certificate-requests").await.body["items"][0].clone();
    assert_eq!(request["state"], "pending");
    assert!(request["error"].as_str().unwrap().contains("503"), "{request}");
    world.clock.advance(TimeDelta::hours(1));
    jobs::drain(&world.app).await.unwrap();
    let brought = first.expect("CertificateSigned", json!({ "status": "Rejected" })).await;
    assert!(brought["certificateChain"].as_str().unwrap().ends_with(&external.authority.pem()));
    let request = format!("/v1/certificate-requests/{}", request["id"].as_str().unwrap());
    eventually(&client, &request, "state", json!("rejected")).await;
    server.abort();
}
