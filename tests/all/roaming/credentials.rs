//! Credentials are exchanged, by whoever of the two begins.

use serde_json::{Value, json};
use stromtor_domain::actor::Permission;
use stromtor_ocpi::header::authorization;

use super::{data, emsp::Emsp, operator, registered, world};
use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_registers_with_us_changes_and_ends_it() {
    let world = world().await;
    let (_, client, path) = operator(&world).await;
    let mut emsp = Emsp::start().await;
    let invitation = client.post(&format!("{path}/invitation"), json!(null)).await.body;
    let (versions, first) = (invitation["versions_url"].as_str().unwrap(), invitation["token"].as_str().unwrap());
    // Encoded, not encoded, and with the newline of the specification's own sample; a wrong one is HTTP's business.
    for token in [authorization(first, true), authorization(first, false), authorization(&format!("{first}\n"), true)] {
        let answer = reqwest::Client::new().get(versions).header("authorization", &token).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{token}");
    }
    let (status, body) = emsp.call("GET", versions, "wrong", None).await;
    assert_eq!((status, &body["status_code"]), (401, &json!(2000)));
    let module = |name: &str| format!("{}/ocpi/2.2.1/{name}", world.base);
    let token = format!("{}/DE/FAH/04A2", module("tokens"));
    assert_eq!(emsp.call("GET", &token, first, None).await.0, 401, "for registration alone");
    assert_eq!(emsp.call("PUT", &module("credentials"), first, Some(emsp.credentials())).await.0, 405);
    assert_eq!(emsp.call("GET", &format!("{}/ocpi/2.1.1", world.base), first, None).await.0, 404);

    let (status, ours) = emsp.register(&invitation).await;
    assert_eq!((status, &ours["status_code"]), (200, &json!(1000)), "{ours}");
    let asked: Vec<(String, String)> = emsp.seen().into_iter().map(|(_, path, token, _)| (path, token)).collect();
    let theirs = authorization("their-token-b", true);
    assert_eq!(asked, [("/versions".into(), theirs.clone()), ("/2.2.1".into(), theirs)]);
    let role = json!({ "role": "CPO", "country_code": "DE", "party_id": "ISE",
        "business_details": { "name": "Nordstrom", "website": "https://nordstrom.example" } });
    assert_eq!((&data(&ours)["roles"], &data(&ours)["url"]), (&json!([role]), &json!(versions)));
    let second = data(&ours)["token"].as_str().unwrap().to_owned();
    let peer = client.get(&path).await.body;
    assert_eq!((&peer["state"], &peer["version"]), (&json!("registered"), &json!("2.2.1")), "{peer}");
    assert_eq!((&peer["roles"][0]["party_id"], &peer["endpoints"][1]["role"]), (&json!("FAH"), &json!("sender")));
    assert_eq!(emsp.call("GET", versions, first, None).await.0, 401, "the registration token is dead");
    let (_, again) = emsp.call("GET", &module("credentials"), &second, None).await;
    assert_eq!(data(&again)["token"], json!(second), "as it is, not encoded");
    assert_eq!(emsp.call("POST", &module("credentials"), &second, Some(emsp.credentials())).await.0, 405);
    for (path, code) in [("invitation", "peer_registered"), ("register", "peer_registered")] {
        let input = json!({ "versions_url": format!("{}/versions", emsp.url), "token": "a" });
        assert_eq!(client.post(&format!("{path_}/{path}", path_ = peer_path(&peer)), input).await.code(), code);
    }
    assert_eq!(client.delete(&path).await.code(), "peer_registered");

    // A later exchange brings a new token, and another provider.
    let mut more = emsp.credentials();
    more["roles"].as_array_mut().unwrap().push(json!({ "role": "EMSP", "country_code": "at", "party_id": "fah",
        "business_details": { "name": "Fahrstrom Austria" } }));
    let (status, third) = emsp.call("PUT", &module("credentials"), &second, Some(more.clone())).await;
    assert_eq!((status, &third["status_code"]), (200, &json!(1000)), "{third}");
    assert_eq!(emsp.call("GET", versions, &second, None).await.0, 401);
    emsp.token = data(&third)["token"].as_str().unwrap().to_owned();
    let providers = "select name || ' ' || country_code || party_id as value from ocpi_provider v join partner p on p.id = v.emp_id \
        order by 1";
    assert_eq!(world.texts(providers).await, ["Fahrstrom Austria ATFAH", "Fahrstrom DEFAH"]);
    let role = more["roles"][0].clone();
    more["roles"].as_array_mut().unwrap().push(role);
    let (status, twice) = emsp.call("PUT", &module("credentials"), &emsp.token, Some(more)).await;
    assert_eq!((status, &twice["status_code"]), (200, &json!(2001)), "{twice}");

    let (status, ended) = emsp.call("DELETE", &module("credentials"), &emsp.token, None).await;
    assert_eq!((status, &ended["status_code"], ended.get("data")), (200, &json!(1000), None));
    assert_eq!(client.get(&path).await.body["state"], "ended");
    assert_eq!(emsp.call("GET", versions, &emsp.token, None).await.0, 401);

    // Everything that was said is there, without tokens; nobody else sees it.
    let log = client.get("/v1/ocpi-messages?module=credentials&limit=500").await.body["items"].clone();
    let text = log.to_string();
    assert!(log.as_array().unwrap().len() == 7, "{text}");
    for secret in ["their-token-b", &second, &emsp.token] {
        assert!(!text.contains(secret), "{secret}");
    }
    let failed = client.get("/v1/ocpi-messages?failed=true").await.body["items"].clone();
    assert!(failed.as_array().unwrap().iter().all(|one| one["ocpi_status"] != 1000), "{failed}");
    let stranger = world.client(world.partner("Theirs", "cpo").await, Permission::ALL);
    assert_eq!(stranger.get("/v1/ocpi-messages").await.body["items"], json!([]));
    assert_eq!(stranger.get(&path).await.status, 404);
    let party = json!({ "country_code": "DE", "party_id": "ISE" });
    assert_eq!(stranger.post("/v1/ocpi-parties", party).await.code(), "already_exists");
}

fn peer_path(peer: &Value) -> String {
    format!("/v1/ocpi-peers/{}", peer["id"].as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn we_register_with_a_peer_and_end_it() {
    let world = world().await;
    let (_, client, path) = operator(&world).await;
    client.patch(&path, json!({ "token_in_base64": false })).await;
    let emsp = Emsp::start().await;
    let input = json!({ "versions_url": format!("{}/versions", emsp.url), "token": "their-token-a" });
    let registered = client.post(&format!("{path}/register"), input).await;
    assert_eq!((registered.status, &registered.body["state"]), (200, &json!("registered")), "{}", registered.body);
    assert_eq!(registered.body["roles"][0]["name"], "Fahrstrom");
    let seen = emsp.seen();
    assert_eq!(
        seen.iter().map(|one| one.1.as_str()).collect::<Vec<_>>(),
        ["/versions", "/2.2.1", "/2.2.1/credentials"]
    );
    assert!(seen.iter().all(|one| one.2 == "Token their-token-a"), "as it is: {seen:?}");
    let ours = &seen[2].3;
    assert_eq!(ours["roles"][0]["party_id"], "ISE");
    let token = ours["token"].as_str().unwrap();
    let (status, _) = emsp.call("GET", ours["url"].as_str().unwrap(), token, None).await;
    assert_eq!(status, 200, "it calls us with what we gave it");
    let ended = client.post(&format!("{path}/unregister"), json!(null)).await;
    assert_eq!((ended.status, &ended.body["state"]), (200, &json!("ended")), "{}", ended.body);
    let seen = emsp.seen();
    let [(method, path, token_out, _)] = seen.as_slice() else { panic!("{seen:?}") };
    assert_eq!(
        (method.as_str(), path.as_str(), token_out.as_str()),
        ("DELETE", "/2.2.1/credentials", "Token their-token-c")
    );
    assert_eq!(emsp.call("GET", ours["url"].as_str().unwrap(), token, None).await.0, 401);
    assert_eq!(
        client.delete(&registered.body["id"].as_str().map(|id| format!("/v1/ocpi-peers/{id}")).unwrap()).await.status,
        204
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn peers_that_do_not_do_their_part() {
    let world = world().await;
    let (_, client, path) = operator(&world).await;
    let emsp = Emsp::start().await;
    let register =
        async |url: &str| client.post(&format!("{path}/register"), json!({ "versions_url": url, "token": "a" })).await;
    let gone = register("http://127.0.0.1:9/versions").await;
    assert_eq!((gone.status, gone.code()), (409, "peer_failed"), "{}", gone.body);
    let url = format!("{}/versions", emsp.url);
    let (good_versions, good_details) = (emsp.versions.lock().unwrap().clone(), emsp.details.lock().unwrap().clone());
    let invitation = client.post(&format!("{path}/invitation"), json!(null)).await.body;
    for (versions, details, code) in [
        (json!([{ "version": "2.1.1", "url": format!("{}/2.1.1", emsp.url) }]), good_details.clone(), 3002),
        (json!("nothing"), good_details.clone(), 3001),
        (good_versions.clone(), json!({ "version": "2.2.1", "endpoints": [] }), 3003),
        (good_versions.clone(), json!({ "version": "2.2.1" }), 3001),
    ] {
        *emsp.versions.lock().unwrap() = versions.clone();
        *emsp.details.lock().unwrap() = details;
        let (status, body) = emsp.register(&invitation).await;
        assert_eq!((status, &body["status_code"]), (200, &json!(code)), "{body}");
        assert_eq!(client.get(&path).await.body["state"], "new");
    }
    *emsp.versions.lock().unwrap() = good_versions;
    *emsp.details.lock().unwrap() = json!({ "version": "2.2.1", "endpoints": [] });
    assert_eq!(register(&url).await.code(), "peer_failed");
    // Bodies that are none.
    let credentials = format!("{}/ocpi/2.2.1/credentials", world.base);
    let invitation = client.post(&format!("{path}/invitation"), json!(null)).await.body;
    let token = authorization(invitation["token"].as_str().unwrap(), true);
    for (body, status, code) in [("{\"token\":", 400, 2001), ("{}", 200, 2001), ("{\"token\":\"\u{fc}\"}", 200, 2001)] {
        let request = reqwest::Client::new().post(&credentials).header("authorization", &token).body(body);
        let answer = request.send().await.unwrap();
        let (http, body) = (answer.status(), answer.json::<Value>().await.unwrap());
        assert_eq!((http.as_u16(), &body["status_code"]), (status, &json!(code)), "{body}");
    }
    // Nobody to speak for.
    *emsp.details.lock().unwrap() = good_details;
    let other = world.client(world.partner("Without", "cpo").await, Permission::ALL);
    let peer = other.create("/v1/ocpi-peers", json!({ "name": "Fahrstrom" })).await;
    let nobody =
        other.post(&format!("{}/register", peer_path(&peer)), json!({ "versions_url": url, "token": "a" })).await;
    assert_eq!(nobody.code(), "no_ocpi_party", "{}", nobody.body);
    // A disabled peer is not heard.
    let world = super::world().await;
    let (client, path, emsp) = registered(&world).await;
    assert_eq!(emsp.ask("GET", "credentials", None).await.0, 200);
    let off = client.patch(&path, json!({ "enabled": false })).await;
    assert_eq!((off.status, &off.body["enabled"]), (200, &json!(false)), "{}", off.body);
    assert_eq!(emsp.ask("GET", "credentials", None).await.0, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn private_addresses_are_not_called() {
    let world = World::new().await;
    let (_, client, path) = operator(&world).await;
    for url in
        ["https://127.0.0.1/versions", "https://169.254.169.254/", "http://example.com/versions", "https://localhost/v"]
    {
        let refused = client.post(&format!("{path}/register"), json!({ "versions_url": url, "token": "a" })).await;
        assert_eq!((refused.status, refused.pointers()), (422, vec!["/versions_url"]), "{url}: {}", refused.body);
    }
    let refused = client.post(&format!("{path}/register"), json!({ "versions_url": "x", "token": "a" })).await;
    assert_eq!((refused.status, refused.pointers()), (422, vec!["/versions_url"]));
    let emsp = Emsp::start().await;
    let invitation = client.post(&format!("{path}/invitation"), json!(null)).await.body;
    let (status, body) = emsp.register(&invitation).await;
    assert_eq!((status, &body["status_code"]), (200, &json!(2001)), "{body}");
    assert!(emsp.seen().is_empty(), "it was called");
}
