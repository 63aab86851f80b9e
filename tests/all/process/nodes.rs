//! Several processes on one port and one database.

use std::{
    collections::BTreeMap,
    path::Path,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use stromtor_ocpp::sim::Simulator;

use super::{
    crash::{log_in, prepare},
    server::{Server, folder},
};
use crate::world::{Client, postgres};

/// Stations that each process holds, one for everything that can happen to a connection.
const EACH: usize = 7;

/// Until something is so.
async fn until(what: &str, limit: Duration, mut so: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + limit;
    while !so().await {
        assert!(Instant::now() < deadline, "{what}: not within {limit:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

const SOON: Duration = Duration::from_secs(5);

/// One process of several.
async fn node(data: &Path, database: &str, port: &str) -> Server {
    let settings = [
        ("STROMTOR_DATABASE__URL", database),
        ("STROMTOR_DATABASE__REQUEST_POOL", "4"),
        ("STROMTOR_DATABASE__INGEST_POOL", "4"),
        ("STROMTOR_DATABASE__WORKER_POOL", "4"),
        ("STROMTOR_SERVER__PUBLIC_URL", "http://localhost"),
        ("STROMTOR_OCPP__LISTEN", port),
    ];
    Server::start_with(data, &settings).await
}

struct Connected {
    id: String,
    identity: String,
    password: String,
    simulator: Simulator,
}

impl Connected {
    async fn again(&self, url: &str, password: &str) -> Result<Simulator, String> {
        Simulator::connect(url, &self.identity, password).await.map_err(|error| error.to_string())
    }

    /// Its connections, newest first.
    async fn history(&self, client: &Client) -> Vec<Value> {
        let page = client.get(&format!("/v1/station-connections?station_id={}", self.id)).await;
        page.body["items"].as_array().unwrap().clone()
    }

    async fn node(&self, client: &Client) -> String {
        self.history(client).await[0]["node"].as_str().unwrap().to_owned()
    }

    /// Its connection ends at once, for this reason.
    async fn ends(&self, client: &Client, reason: &str) {
        until(&format!("{} {reason}", self.identity), SOON, async || !self.simulator.is_connected()).await;
        until(&format!("{} {reason}", self.identity), SOON, async || {
            self.history(client).await.iter().any(|row| row["reason"] == reason)
        })
        .await;
    }
}

async fn clear_cache(client: &Client, station: &str) -> Value {
    let request = client.request("POST", &format!("/v1/stations/{station}/commands")).header("prefer", "wait=10");
    client.send(request.json(&json!({ "type": "clear_cache" }))).await.body["state"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_on_one_reaches_the_other() {
    let (folder, urls) = (folder(), postgres::database().await);
    let first = node(folder.path(), &urls.request, "127.0.0.1:0").await;
    let port = first.stations.trim_start_matches("ws://").to_owned();
    let client = log_in(&first, &first.password.clone().unwrap()).await;
    let mut second = node(folder.path(), &urls.request, &port).await;
    assert_eq!(first.stations, second.stations);
    let there = Client::new(&second.api, client.token.clone());
    let url = first.stations.clone();

    // The kernel spreads stations over the processes; enough for each are taken.
    let mut by_node: BTreeMap<String, Vec<Connected>> = BTreeMap::new();
    for (identity, password) in prepare(&client, 60).await {
        if by_node.len() == 2 && by_node.values().all(|held| held.len() >= EACH) {
            break;
        }
        let found = client.get(&format!("/v1/stations?ocpp_identity={identity}")).await;
        let id = found.body["items"][0]["id"].as_str().unwrap().to_owned();
        let simulator = Simulator::connect(&url, &identity, &password).await.unwrap();
        let connected = Connected { id, identity, password, simulator };
        by_node.entry(connected.node(&client).await).or_default().push(connected);
    }
    assert_eq!(by_node.len(), 2, "both processes hold stations");

    // A command given at either is sent by the one that holds the station.
    for held in by_node.values() {
        for at in [&client, &there] {
            assert_eq!(clear_cache(at, &held[0].id).await, "accepted");
        }
    }

    // The newest connection wins wherever it is; then commands go there.
    let mut kept = Vec::new();
    for (node, held) in &by_node {
        let moving = &held[0];
        let mut again = Vec::new();
        while moving.node(&client).await == *node {
            assert!(again.len() < 60, "one of sixty connections goes to the other process");
            again.push(moving.again(&url, &moving.password).await.unwrap());
        }
        let here = again.pop().unwrap();
        until("the old one ends", SOON, async || {
            let history = moving.history(&client).await;
            history[0]["reason"].is_null() && history[1..].iter().all(|row| row["reason"] == "replaced")
        })
        .await;
        assert!(here.is_connected() && !moving.simulator.is_connected());
        assert!(again.iter().all(|old| !old.is_connected()));
        assert_eq!(client.get(&format!("/v1/stations/{}/live", moving.id)).await.body["connected"], true);
        for at in [&client, &there] {
            assert_eq!(clear_cache(at, &moving.id).await, "accepted");
        }
        kept.push((moving, here));
    }

    // What a station is let in as changes: its connection ends at once, whichever process was told and whichever holds it.
    let location = async |partner: &str| {
        let path = format!("/v1/locations?partner_id={partner}");
        let site = client.create(&path, crate::network::location::body("There")).await;
        site["id"].as_str().unwrap().to_owned()
    };
    let old = client.get("/v1/locations").await.body["items"][0]["partner_id"].as_str().unwrap().to_owned();
    let partner = client.create("/v1/partners", json!({ "name": "Other", "kind": "cpo" })).await;
    let partner = partner["id"].as_str().unwrap().to_owned();
    let (same_operator, other_operator) = (location(&old).await, location(&partner).await);
    for held in by_node.values() {
        let path = |place: usize, rest: &str| format!("/v1/stations/{}{rest}", held[place].id);
        let moved = client.patch(&path(1, ""), json!({ "location_id": same_operator })).await;
        assert_eq!(moved.status, 200, "{}", moved.body);
        held[1].ends(&client, "changed").await;
        let moved = there.post(&path(2, "/transfer"), json!({ "location_id": other_operator })).await;
        assert_eq!(moved.status, 200, "{}", moved.body);
        held[2].ends(&client, "changed").await;
        for (station, place) in [(&held[1], &same_operator), (&held[2], &other_operator)] {
            let again = station.again(&url, &station.password).await.unwrap();
            again.call("Heartbeat", json!({})).await.unwrap();
            let newest = station.history(&client).await.remove(0);
            assert_eq!((&newest["location_id"], &newest["reason"]), (&json!(place), &Value::Null));
        }
        let set = client.post(&path(3, "/password"), json!(null)).await;
        held[3].ends(&client, "changed").await;
        let refused = held[3].again(&url, &held[3].password).await.err().unwrap();
        assert!(refused.contains("401"), "{refused}");
        held[3].again(&url, set.body["password"].as_str().unwrap()).await.unwrap();
        // Over OCPP: the station has the new password when it is told to come back.
        let given = there.post(&path(4, "/password-rotations"), json!(null)).await;
        assert_eq!(given.status, 202, "{}", given.body);
        let (action, payload) = held[4].simulator.calls.lock().await.recv().await.unwrap();
        assert_eq!(action, "ChangeConfiguration");
        held[4].ends(&client, "changed").await;
        let new = payload["value"].as_str().unwrap();
        held[4].again(&url, new).await.unwrap();
        assert_eq!(client.post(&path(5, "/dismantle"), json!(null)).await.status, 200);
        held[5].ends(&client, "changed").await;
        let deleted = there.delete(&path(6, "")).await;
        assert_eq!(deleted.status, 204, "{}", deleted.body);
        until("the deleted one's connection ends", SOON, async || !held[6].simulator.is_connected()).await;
        for gone in [5, 6] {
            let refused = held[gone].again(&url, &held[gone].password).await.err().unwrap();
            assert!(refused.contains("404"), "{refused}");
        }
    }

    // `kill -9`: the other ends what died with it, and nothing else.
    second.kill().await;
    let killed = Instant::now();
    let lost = async || kept.iter().filter(|(_, simulator)| !simulator.is_connected()).count() == 1;
    until("one of them is cut off", SOON, lost).await;
    for (connected, simulator) in &kept {
        let live = format!("/v1/stations/{}/live", connected.id);
        if simulator.is_connected() {
            continue;
        }
        until("the other process ends it", Duration::from_secs(60), async || {
            client.get(&live).await.body["connected"] == false
        })
        .await;
        assert!(killed.elapsed() > Duration::from_secs(10), "not before it can be known");
        assert_eq!(connected.history(&client).await[0]["reason"], "node_lost");
        // It comes back to the one that is left.
        let _again = connected.again(&url, &connected.password).await.unwrap();
        assert_eq!(clear_cache(&client, &connected.id).await, "accepted");
    }
    for (connected, simulator) in kept.iter().filter(|(_, simulator)| simulator.is_connected()) {
        assert_eq!(client.get(&format!("/v1/stations/{}/live", connected.id)).await.body["connected"], true);
        simulator.call("Heartbeat", json!({})).await.unwrap();
    }
    first.stop().await;
}
