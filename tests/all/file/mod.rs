mod firmware;
mod log;
mod publication;

use std::sync::Arc;

use serde_json::{Value, json};
use stromtor_domain::actor::Permission;
use stromtor_ocpp::sim::Simulator;

use crate::world::{Client, World};

/// A connected station, its operator, and what plain HTTP a station speaks.
pub struct Site {
    pub client: Client,
    pub station: String,
    pub simulator: Arc<Simulator>,
    pub http: reqwest::Client,
}

pub async fn site(world: &World, identity: &str) -> Site {
    let client = world.client(world.partner("Nordstrom", "cpo").await, Permission::ALL);
    let (estate, password) = crate::ocpp::door::station(&client, identity).await;
    let simulator = Simulator::connect(&world.gateway(), identity, &password).await.unwrap();
    simulator.boot("Wallbe", "Eco 2", 1).await.unwrap();
    Site { client, station: estate.station, simulator: Arc::new(simulator), http: reqwest::Client::new() }
}

impl Site {
    /// The next call that the station was given.
    pub async fn told(&self) -> (String, Value) {
        let mut calls = self.simulator.calls.lock().await;
        tokio::time::timeout(std::time::Duration::from_secs(10), calls.recv()).await.unwrap().unwrap()
    }

    /// The station says how far it is.
    pub async fn says(&self, action: &str, status: &str, request_id: Option<&Value>) {
        let mut payload = json!({ "status": status });
        if let Some(id) = request_id {
            payload["requestId"] = id.clone();
        }
        self.simulator.call(action, payload).await.unwrap();
    }

    /// Waits until a resource has come to a state; returns it.
    pub async fn becomes(&self, path: &str, state: &str) -> Value {
        crate::ocpp::door::eventually(&self.client, path, "state", json!(state)).await;
        self.client.get(path).await.body
    }
}

/// Pretends that the station had come with OCPP 2.0.1: what it is asked differs, the wire does not.
pub async fn speaks_v201(world: &World) {
    world.sql("update station_live set ocpp_version = 'ocpp2.0.1'").await;
}

/// Files in the object store, temporary ones too.
pub fn stored(world: &World, folder: &str) -> usize {
    let path = world.app.config.storage.data_dir.join("files").join(folder);
    std::fs::read_dir(path).map_or(0, |entries| entries.flatten().count())
}
