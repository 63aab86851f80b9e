//! How stations are offered, and where roaming partners see them.

mod access_information;
mod bulk;
mod publication;

use serde_json::{Value, json};

use crate::{
    network::station::{Estate, build},
    world::{Client, World},
};

/// A station that every roaming platform may have.
pub async fn ready(client: &Client, identity: &str) -> Estate {
    let estate = build(client, identity).await;
    let evse_id = format!("DE*ISE*E{identity}");
    let point = format!("/v1/charge-points/{}", estate.charge_point);
    assert_eq!(client.patch(&point, json!({ "evse_id": evse_id })).await.status, 200);
    let location = format!("/v1/locations/{}", estate.location);
    assert_eq!(client.patch(&location, json!({ "hotline": "+49301234567" })).await.status, 200);
    estate
}

pub fn access(station: &str) -> String {
    format!("/v1/stations/{station}/access-information")
}

/// Everything that is due, done; and the states on the platforms, by name.
pub async fn states(world: &World, client: &Client, station: &str) -> Vec<(String, String)> {
    stromtor_api::jobs::drain(&world.app).await.unwrap();
    let page = client.get(&format!("/v1/publications?station_id={station}")).await.body;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    page["items"].as_array().unwrap().iter().map(|row| (text(&row["platform"]), text(&row["state"]))).collect()
}

pub fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(left, right)| ((*left).to_owned(), (*right).to_owned())).collect()
}
