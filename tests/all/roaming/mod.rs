//! Roaming with providers outside of the platform.

mod credentials;
mod drive;
mod emsp;
mod locations;
mod tokens;

use serde_json::{Value, json};
use stromtor_domain::{actor::Permission, tenancy::partner::PartnerId};

use crate::{
    roaming::emsp::Emsp,
    world::{Client, World},
};

/// A world that may call this machine.
pub async fn world() -> World {
    World::with(|config| {
        config.ocpi.allow_http = true;
        config.ocpi.allow_private = true;
    })
    .await
}

/// An operator with a party, and a peer that is connected to it; the peer's path.
pub async fn operator(world: &World) -> (PartnerId, Client, String) {
    let cpo = world.partner("Nordstrom", "cpo").await;
    let client = world.client(cpo, Permission::ALL);
    client
        .create(
            "/v1/ocpi-parties",
            json!({ "country_code": "DE", "party_id": "ise", "website": "https://nordstrom.example" }),
        )
        .await;
    let peer = client.create("/v1/ocpi-peers", json!({ "name": "Fahrstrom" })).await;
    assert_eq!((&peer["state"], &peer["roles"]), (&json!("new"), &json!([])), "{peer}");
    (cpo, client, format!("/v1/ocpi-peers/{}", peer["id"].as_str().unwrap()))
}

/// The same, and the peer has registered with us.
pub async fn registered(world: &World) -> (Client, String, Emsp) {
    let (_, client, path) = operator(world).await;
    let mut emsp = Emsp::start().await;
    let invitation = client.post(&format!("{path}/invitation"), json!(null)).await.body;
    let (answer, body) = emsp.register(&invitation).await;
    assert_eq!((answer, &body["status_code"]), (200, &json!(1000)), "{body}");
    emsp.token = body["data"]["token"].as_str().unwrap().to_owned();
    emsp.base = format!("{}/ocpi/2.2.1", world.base);
    (client, path, emsp)
}

pub fn data(body: &Value) -> &Value {
    &body["data"]
}
