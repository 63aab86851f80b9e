mod firmware;
mod log;
mod publication;

use serde_json::{Value, json};
use stromtor_domain::actor::Permission;
use stromtor_ocpp::{sim::Simulator, version::Version};

use crate::world::{Client, World};

/// A connected station, its operator, and what plain HTTP a station speaks.
pub struct Site {
    pub client: Client,
    pub station: String,
    pub simulator: Simulator,
    url: String,
    identity: String,
    password: String,
    pub http: reqwest::Client,
}

pub async fn site(world: &World, identity: &str) -> Site {
    let client = world.client(world.partner("Nordstrom", "cpo").await, Permission::ALL);
    let (estate, password) = crate::ocpp::door::station(&client, identity).await;
    let url = world.gateway();
    let simulator = Simulator::connect(&url, identity, &password).await.unwrap();
    simulator.boot("Wallbe", "Eco 2", 1).await.unwrap();
    let (station, identity) = (estate.station, identity.to_owned());
    Site { client, station, simulator, url, identity, password, http: reqwest::Client::new() }
}

impl Site {
    /// The next call that the station was given.
    pub async fn told(&self) -> (String, Value) {
        let mut calls = self.simulator.calls.lock().await;
        tokio::time::timeout(std::time::Duration::from_secs(10), calls.recv()).await.unwrap().unwrap()
    }

    /// The station comes back with OCPP 2.0.1.
    pub async fn comes_back_as_v201(&mut self) {
        self.simulator = Simulator::connect_as(&self.url, &self.identity, &self.password, Version::V201).await.unwrap();
        self.boots_v201("1.0.0").await;
    }

    /// The station boots, in the words of OCPP 2.0.1.
    pub async fn boots_v201(&self, firmware: &str) {
        let station = json!({ "vendorName": "Wallbe", "model": "Eco 2", "firmwareVersion": firmware });
        let boot = json!({ "reason": "FirmwareUpdate", "chargingStation": station });
        self.simulator.call("BootNotification", boot).await.unwrap();
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

/// Files in the object store, temporary ones too.
pub fn stored(world: &World, folder: &str) -> usize {
    let path = world.app.config.storage.data_dir.join("files").join(folder);
    std::fs::read_dir(path).map_or(0, |entries| entries.flatten().count())
}
