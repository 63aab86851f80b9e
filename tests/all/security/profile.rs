//! The security profile of a connection, and the least one that a station must come with.

use rcgen::{KeyPair, RsaKeySize};
use serde_json::json;
use stromtor_domain::actor::Permission;
use tokio_rustls::rustls::crypto::CryptoProvider;

use super::{
    pki::{Authority, listener},
    station::{Station, Tls},
};
use crate::{
    ocpp::door::{eventually, station},
    world::World,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_rises_and_falls_only_by_a_reset() {
    let world = World::new().await;
    let client = world.client(world.partner("Nordstrom", "cpo").await, Permission::ALL);
    let (estate, password) = station(&client, "CP1").await;
    let password = Some(password.as_bytes());
    let folder = tempfile::tempdir().unwrap();
    let ca = Authority::new("servers");
    let ecdsa = ca.server(folder.path(), "ecdsa", &KeyPair::generate().unwrap());
    let (plain, doors) = world.gateways(&[listener(vec![ecdsa], None, vec![])]);
    let path = format!("/v1/stations/{}", estate.station);
    let live = format!("{path}/live");

    assert_eq!(client.get(&path).await.body["security_profile"], 1);
    let mut first = Station::plain(&plain, "CP1", password).await.unwrap();
    first.call("Heartbeat", json!({})).await;
    eventually(&client, &live, "security_profile", json!(1)).await;
    assert_eq!(client.get(&path).await.body["security_profile"], 1);
    // TLS without the password is nothing.
    let none = Station::tls(doors[0], Tls::trusting(ca.der()), "CP1", None).await;
    assert_eq!(none.err().as_deref(), Some("401"));
    let mut second = Station::tls(doors[0], Tls::trusting(ca.der()), "CP1", password).await.unwrap();
    second.call("Heartbeat", json!({})).await;
    eventually(&client, &live, "security_profile", json!(2)).await;
    assert_eq!(client.get(&path).await.body["security_profile"], 2);
    let raised =
        world.texts("select data::text as value from event where type = 'station.security_profile_raised'").await;
    assert_eq!(raised, ["{\"security_profile\": 2}"]);

    // From now on it must.
    let refused = client.get(&live).await.body["refused_attempts"].as_i64().unwrap();
    assert_eq!(Station::plain(&plain, "CP1", password).await.err().as_deref(), Some("401"));
    assert_eq!(client.get(&live).await.body["refused_attempts"], refused + 1);
    let lower = client.patch(&path, json!({ "security_profile": 1 })).await;
    assert_eq!((lower.status, lower.code()), (409, "security_profile_lowered"));
    let open =
        json!({ "ocpp_settings": { "password_required": false, "accept_without_protocol": false, "ping": true } });
    assert_eq!(client.patch(&path, &open).await.pointers(), ["/ocpp_settings/password_required"]);
    let reset = format!("{path}/security-profile-reset");
    for wrong in [2, 4] {
        assert_eq!(client.post(&reset, json!({ "security_profile": wrong })).await.status, 422);
    }
    let back = client.post(&reset, json!({ "security_profile": 0 })).await;
    assert_eq!((back.status, &back.body["security_profile"]), (200, &json!(0)), "{}", back.body);
    let audited = world.texts("select action as value from audit_entry where action like 'security_profile%'").await;
    assert_eq!(audited, ["security_profile_reset"]);

    // Profile 0 asks for no password where none is required; one that comes raises it.
    assert_eq!(Station::plain(&plain, "CP1", None).await.err().as_deref(), Some("401"));
    assert_eq!(client.patch(&path, &open).await.status, 200);
    let mut nobody = Station::plain(&plain, "CP1", None).await.unwrap();
    nobody.call("Heartbeat", json!({})).await;
    eventually(&client, &live, "security_profile", json!(0)).await;
    assert_eq!(Station::plain(&plain, "CP1", Some(b"wrong")).await.err().as_deref(), Some("401"));
    let mut somebody = Station::plain(&plain, "CP1", password).await.unwrap();
    somebody.call("Heartbeat", json!({})).await;
    eventually(&client, &path, "security_profile", json!(1)).await;
    assert_eq!(client.get(&path).await.body["ocpp_settings"]["password_required"], true);
    assert_eq!(Station::plain(&plain, "CP1", None).await.err().as_deref(), Some("401"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_certificate_lets_its_own_station_in() {
    let world = World::new().await;
    let client = world.client(world.partner("Nordstrom", "cpo").await, Permission::ALL);
    let (estate, password) = station(&client, "CP1").await;
    let password = Some(password.as_bytes());
    let folder = tempfile::tempdir().unwrap();
    let (ca, stranger) = (Authority::new("ours"), Authority::new("ours"));
    let ecdsa = ca.server(folder.path(), "ecdsa", &KeyPair::generate().unwrap());
    let (roots, list) = (folder.path().join("stations.pem"), folder.path().join("stations.crl"));
    std::fs::write(&roots, ca.pem()).unwrap();
    ca.revoke(&list, &[66]);
    let asking = listener(vec![ecdsa], Some(roots), vec![list]);
    let mut demanding = asking.clone();
    demanding.require_client_certificate = true;
    let (_, doors) = world.gateways(&[asking, demanding]);
    let (asking, demanding) = (doors[0], doors[1]);
    let by = |identity| Tls::with(ca.der(), identity);

    // Refused in the handshake: revoked, ended, signed by another, none at all where one is demanded.
    for identity in [ca.client("CP1", 66, 24), ca.client("CP1", 7, -1), stranger.client("CP1", 8, 24)] {
        let refused = Station::tls(asking, by(identity), "CP1", password).await.err().unwrap();
        assert!(refused.parse::<u16>().is_err(), "no HTTP answer, but {refused}");
    }
    let refused = Station::tls(demanding, Tls::trusting(ca.der()), "CP1", password).await.err().unwrap();
    assert!(refused.parse::<u16>().is_err(), "{refused}");

    // Without one a password will do, as long as the station never came with one.
    let mut second = Station::tls(asking, Tls::trusting(ca.der()), "CP1", password).await.unwrap();
    second.call("Heartbeat", json!({})).await;
    let mut third = Station::tls(demanding, by(ca.client("CP1", 9, 24)), "CP1", None).await.unwrap();
    third.call("Heartbeat", json!({})).await;
    eventually(&client, &format!("/v1/stations/{}/live", estate.station), "security_profile", json!(3)).await;
    eventually(&client, &format!("/v1/stations/{}", estate.station), "security_profile", json!(3)).await;
    let lower = Station::tls(asking, Tls::trusting(ca.der()), "CP1", password).await;
    assert_eq!(lower.err().as_deref(), Some("401"));

    // Another station's certificate, even with the right password; and then it has to wait.
    let mut statuses = Vec::new();
    for _ in 0..6 {
        let other = Station::tls(asking, by(ca.client("CP2", 10, 24)), "CP1", password).await;
        statuses.push(other.err().unwrap());
    }
    assert_eq!(statuses[0], "401");
    assert_eq!(statuses[5], "429", "{statuses:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_are_chosen_and_read_anew() {
    let world = World::new().await;
    let client = world.client(world.partner("Nordstrom", "cpo").await, Permission::ALL);
    let (_, password) = station(&client, "CP1").await;
    let password = Some(password.as_bytes());
    let folder = tempfile::tempdir().unwrap();
    let (ca, next) = (Authority::new("this year's"), Authority::new("next year's"));
    let ecdsa = ca.server(folder.path(), "ecdsa", &KeyPair::generate().unwrap());
    let rsa = KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
    let rsa = ca.server(folder.path(), "rsa", &rsa);
    let (roots, list) = (folder.path().join("stations.pem"), folder.path().join("stations.crl"));
    std::fs::write(&roots, ca.pem()).unwrap();
    ca.revoke(&list, &[]);
    let (_, doors) = world.gateways(&[listener(vec![ecdsa.clone(), rsa], Some(roots), vec![list.clone()])]);

    // Shown by what the station understands.
    let shown = async |tls: Tls| {
        let stream = tls.shake(doors[0]).await.unwrap();
        let certificates = stream.get_ref().1.peer_certificates().unwrap();
        let parsed = x509_parser::parse_x509_certificate(&certificates[0]).unwrap().1;
        matches!(parsed.public_key().parsed().unwrap(), x509_parser::public_key::PublicKey::RSA(_))
    };
    assert!(!shown(Tls::trusting(ca.der())).await);
    assert!(shown(Tls { provider: only_rsa(), ..Tls::trusting(ca.der()) }).await);

    // Who does not speak TLS is not answered, and holds nobody up.
    let mut garbage = tokio::net::TcpStream::connect(doors[0]).await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut garbage, b"GET /CP1 HTTP/1.1\r\n\r\n").await.unwrap();

    // A broken file changes nothing; a whole one counts soon, as does a revocation.
    std::fs::write(&ecdsa.chain, "-----BEGIN CERTIFICATE-----\nbroken").unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(11)).await;
    let identity = || Tls::with(ca.der(), ca.client("CP1", 66, 24));
    Station::tls(doors[0], identity(), "CP1", password).await.unwrap();
    next.server(folder.path(), "ecdsa", &KeyPair::generate().unwrap());
    ca.revoke(&list, &[66]);
    let new = async || Station::tls(doors[0], Tls::trusting(next.der()), "CP1", None).await.err().unwrap();
    for _ in 0..25 {
        if new().await == "401" {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(700)).await;
    }
    let shown = new().await;
    assert!(shown.parse::<u16>().is_ok(), "the new certificate is not shown: {shown}");
    let revoked = Tls::with(next.der(), ca.client("CP1", 66, 24));
    let refused = Station::tls(doors[0], revoked, "CP1", password).await.err().unwrap();
    assert!(refused.parse::<u16>().is_err(), "{refused}");
}

/// A station that understands RSA signatures alone.
fn only_rsa() -> CryptoProvider {
    let mut provider = tokio_rustls::rustls::crypto::aws_lc_rs::default_provider();
    let all = provider.signature_verification_algorithms.mapping.iter();
    let rsa: Vec<_> = all.filter(|(scheme, _)| format!("{scheme:?}").starts_with("RSA")).copied().collect();
    provider.signature_verification_algorithms.mapping = Box::leak(rsa.into_boxed_slice());
    provider
}
