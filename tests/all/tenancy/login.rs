//! Log-in: tokens, rotation, the brake on failures.

use serde_json::{Value, json};
use stromtor_domain::actor::Permission;

use crate::world::{Client, Reply, World};

async fn token(client: &Client, form: Value) -> Reply {
    client.send(client.request("POST", "/oauth/token").form(&form)).await
}

/// A user who has chosen a password.
async fn ada(world: &World, roles: &[&str]) -> String {
    let cpo = world.partner("Nordstrom", "cpo").await;
    let admin = world.client(cpo, Permission::ALL);
    let user = json!({ "email": "Ada@Example.com", "name": "Ada", "roles": roles });
    let id = admin.create("/v1/users", user).await["id"].as_str().unwrap().to_owned();
    let secret = mailed_token(world).await;
    let chosen =
        world.anonymous().post("/v1/passwords", json!({ "token": secret, "password": "correct horse battery" })).await;
    assert_eq!(chosen.status, 204, "{}", chosen.body);
    id
}

/// The secret in the newest mail.
async fn mailed_token(world: &World) -> String {
    stromtor_api::jobs::drain(&world.app).await.unwrap();
    let folder = world.app.config.storage.data_dir.join("mail");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path()).collect();
    files.sort_by_key(|file| std::fs::metadata(file).unwrap().modified().unwrap());
    let text = std::fs::read_to_string(files.last().unwrap()).unwrap().replace("\\r\\n", "\n").replace("\r\n", "\n");
    let text = text.replace("=\n", "");
    text.lines()
        .find_map(|line| line.strip_prefix("  ").filter(|line| !line.starts_with('{')))
        .unwrap()
        .trim()
        .to_owned()
}

fn password(email: &str, password: &str) -> Value {
    json!({ "grant_type": "password", "username": email, "password": password })
}

#[tokio::test(flavor = "multi_thread")]
async fn invitation_to_me() {
    let world = World::new().await;
    let id = ada(&world, &["viewer"]).await;
    let reply = token(&world.anonymous(), password("ada@example.com", "correct horse battery")).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let mut client = world.anonymous();
    client.token = Some(reply.body["access_token"].as_str().unwrap().to_owned());
    let me = client.get("/v1/me").await.body;
    assert_eq!(me["id"], id);
    assert!(me["permissions"].as_array().unwrap().contains(&json!("session:read")));
    assert!(!me["permissions"].as_array().unwrap().contains(&json!("location:write")));
    assert_eq!(me["partners"][0]["name"], "Nordstrom");
    assert_eq!(client.get("/v1/locations").await.status, 200);
    assert_eq!(client.post("/v1/locations", crate::network::location::body("X")).await.code(), "permission_denied");

    world.clock.advance(chrono::TimeDelta::seconds(901));
    assert_eq!(client.get("/v1/me").await.code(), "unauthenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn refresh_tokens_rotate_and_reuse_ends_the_family() {
    let world = World::new().await;
    ada(&world, &["viewer"]).await;
    let anyone = world.anonymous();
    let refresh =
        |reply: &Reply| json!({ "grant_type": "refresh_token", "refresh_token": reply.body["refresh_token"] });
    let first = token(&anyone, password("ada@example.com", "correct horse battery")).await;
    let second = token(&anyone, refresh(&first)).await;
    assert_eq!(second.status, 200);
    // A thief presents the first again: the family ends, the owner's newest too.
    assert_eq!(token(&anyone, refresh(&first)).await.body["error"], "invalid_grant");
    assert_eq!(token(&anyone, refresh(&second)).await.body["error"], "invalid_grant");
    // Another log-in is another family.
    assert_eq!(token(&anyone, password("ada@example.com", "correct horse battery")).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_are_slowed_down_and_tell_nothing() {
    let world = World::new().await;
    ada(&world, &["viewer"]).await;
    let anyone = world.anonymous();
    let wrong = token(&anyone, password("ada@example.com", "wrong")).await;
    let unknown = token(&anyone, password("bob@example.com", "wrong")).await;
    assert_eq!((wrong.status, &wrong.body), (unknown.status, &unknown.body));
    for _ in 0..4 {
        token(&anyone, password("ada@example.com", "wrong")).await;
    }
    let slow = token(&anyone, password("ada@example.com", "correct horse battery")).await;
    assert_eq!((slow.status, &slow.body["error"]), (429, &json!("slow_down")));
    assert!(slow.header("retry-after").is_some());
    world.clock.advance(chrono::TimeDelta::minutes(16));
    assert_eq!(token(&anyone, password("ada@example.com", "correct horse battery")).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_log_in_with_their_secret() {
    let world = World::new().await;
    let cpo = world.partner("Nordstrom", "cpo").await;
    let admin = world.client(cpo, Permission::ALL);
    let made = admin
        .create("/v1/api-clients", json!({ "name": "Sync", "permissions": ["location:read"], "enabled": true }))
        .await;
    let grant = |secret: &Value| json!({ "grant_type": "client_credentials", "client_id": made["client_id"], "client_secret": secret });
    let reply = token(&world.anonymous(), grant(&made["client_secret"])).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert!(reply.body.get("refresh_token").is_none());
    let mut program = world.anonymous();
    program.token = Some(reply.body["access_token"].as_str().unwrap().to_owned());
    assert_eq!(program.get("/v1/locations").await.status, 200);
    assert_eq!(program.get("/v1/users").await.code(), "permission_denied");

    let path = format!("/v1/api-clients/{}", made["id"].as_str().unwrap());
    let rotated = admin.post(&format!("{path}/secret"), json!(null)).await;
    assert_eq!(token(&world.anonymous(), grant(&made["client_secret"])).await.body["error"], "invalid_client");
    assert_eq!(token(&world.anonymous(), grant(&rotated.body["client_secret"])).await.status, 200);
    admin.patch(&path, json!({ "enabled": false })).await;
    assert_eq!(token(&world.anonymous(), grant(&rotated.body["client_secret"])).await.status, 401);
    let shown = admin.get(&path).await.body.to_string();
    assert!(!shown.contains(rotated.body["client_secret"].as_str().unwrap()) && !shown.contains("secret"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_password_is_chosen_anew_once() {
    let world = World::new().await;
    ada(&world, &["viewer"]).await;
    let anyone = world.anonymous();
    for email in ["ada@example.com", "nobody@example.com"] {
        assert_eq!(anyone.post("/v1/password-resets", json!({ "email": email })).await.status, 202);
    }
    let secret = mailed_token(&world).await;
    let choice = json!({ "token": secret, "password": "another good password" });
    assert_eq!(
        anyone.post("/v1/passwords", json!({ "token": secret, "password": "short" })).await.pointers(),
        ["/password"]
    );
    assert_eq!(anyone.post("/v1/passwords", &choice).await.status, 204);
    assert_eq!(anyone.post("/v1/passwords", &choice).await.pointers(), ["/token"]);
    assert_eq!(token(&anyone, password("ada@example.com", "correct horse battery")).await.status, 400);
    assert_eq!(token(&anyone, password("ada@example.com", "another good password")).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_rotate_without_a_gap() {
    let world = World::new().await;
    let old = world.root();
    let overlap = chrono::TimeDelta::minutes(20);
    let ring =
        stromtor_api::app::keys::rotate(&world.app.db, &world.app.secrets, &world.app.clock, overlap).await.unwrap();
    world.app.keys.store(ring.into());
    let keys = world.anonymous().get("/.well-known/jwks.json").await.body["keys"].as_array().unwrap().len();
    assert_eq!(keys, 2);
    world.clock.advance(chrono::TimeDelta::minutes(6));
    assert_eq!(old.get("/v1/me").await.status, 200);
    let new = world.root();
    assert_eq!(new.get("/v1/me").await.status, 200);
    world.clock.advance(chrono::TimeDelta::minutes(20));
    assert_eq!(old.get("/v1/me").await.code(), "unauthenticated");
    assert_eq!(new.get("/v1/me").await.status, 200);
}
