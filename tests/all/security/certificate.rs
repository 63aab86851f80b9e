//! Certificates on stations.

use serde_json::{Value, json};
use stromtor_domain::actor::Permission;

use super::{pki::Authority, station::Station};
use crate::{
    ocpp::door::{eventually, station},
    world::World,
};

fn hash(serial: &str) -> Value {
    json!({ "hashAlgorithm": "SHA256", "issuerNameHash": "aa", "issuerKeyHash": "bb", "serialNumber": serial })
}

#[tokio::test(flavor = "multi_thread")]
async fn roots_are_installed_listed_and_deleted() {
    let world = World::new().await;
    let client = world.client(world.partner("Nordstrom", "cpo").await, Permission::ALL);
    let (estate, password) = station(&client, "CP1").await;
    let certificates = format!("/v1/stations/{}/certificates", estate.station);
    let root = json!({ "certificate_type": "central_system_root", "certificate": Authority::new("root").pem() });
    assert_eq!(client.post(&certificates, &root).await.code(), "ocpp_version_unknown");
    let mut first = Station::plain(&world.gateway(), "CP1", Some(password.as_bytes())).await.unwrap();
    first.call("Heartbeat", json!({})).await;

    let given = client.post(&certificates, &root).await;
    assert_eq!(given.status, 202, "{}", given.body);
    let asked = first.expect("InstallCertificate", json!({ "status": "Accepted" })).await;
    assert_eq!(asked["certificateType"], "CentralSystemRootCertificate");
    assert_eq!(asked["certificate"], root["certificate"]);
    eventually(&client, &format!("/v1/commands/{}", given.id()), "state", json!("accepted")).await;
    let mut other = root.clone();
    other["certificate_type"] = "mo_root".into();
    assert_eq!(client.post(&certificates, &other).await.code(), "certificate_type_not_supported");
    other["certificate"] = "no certificate".into();
    assert_eq!(client.post(&certificates, &other).await.pointers(), ["/certificate"]);

    // 1.6 tells them one type at a time, and not which in its answer.
    let refresh = async |first: &mut Station, central: Value, manufacturer: Value| {
        let given = client.post(&format!("{certificates}/refresh"), json!(null)).await;
        assert_eq!(given.status, 202, "{}", given.body);
        let commands = given.body["commands"].as_array().unwrap().clone();
        assert_eq!(commands.len(), 2);
        for (word, answer) in [("CentralSystemRootCertificate", central), ("ManufacturerRootCertificate", manufacturer)]
        {
            let asked = first.expect("GetInstalledCertificateIds", answer).await;
            assert_eq!(asked["certificateType"], word);
        }
        for command in commands {
            let path = format!("/v1/commands/{}", command["id"].as_str().unwrap());
            for _ in 0..100 {
                if client.get(&path).await.body["finished_at"].is_string() {
                    break;
                }
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        }
        client.get(&certificates).await.body["items"].as_array().unwrap().clone()
    };
    let two = json!({ "status": "Accepted", "certificateHashData": [hash("01"), hash("02")] });
    let one = json!({ "status": "Accepted", "certificateHashData": [hash("03")] });
    let listed = refresh(&mut first, two.clone(), one).await;
    assert_eq!(listed.len(), 3, "{listed:?}");
    assert_eq!(listed.iter().filter(|held| held["certificate_type"] == "manufacturer_root").count(), 1);
    let kept = listed.iter().find(|held| held["serial_number"] == "01").unwrap()["id"].clone();
    let listed = refresh(&mut first, two, json!({ "status": "NotFound" })).await;
    assert_eq!(listed.len(), 2, "{listed:?}");
    assert!(listed.iter().any(|held| held["id"] == kept), "it stays the same certificate");

    let path = format!("{certificates}/{}", kept.as_str().unwrap());
    let given = client.delete(&path).await;
    assert_eq!(given.status, 202, "{}", given.body);
    let asked = first.expect("DeleteCertificate", json!({ "status": "Accepted" })).await;
    assert_eq!(asked["certificateHashData"], hash("01"));
    eventually(&client, &format!("/v1/commands/{}", given.id()), "state", json!("accepted")).await;
    let listed = client.get(&certificates).await.body["items"].clone();
    assert_eq!((listed.as_array().unwrap().len(), &listed[0]["serial_number"]), (1, &json!("02")), "{listed}");
    assert_eq!(client.delete(&path).await.status, 404);
}
