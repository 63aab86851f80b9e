//! What was acknowledged is there, whatever was killed.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use stromtor_ocpp::sim::{Simulator, SimulatorError};

use super::server::{Server, folder};
use crate::world::Client;

/// What one transaction was told by the server.
#[derive(Debug, Default, Clone)]
pub struct Acknowledged {
    /// The register of the newest acknowledged reading, in Wh.
    register: i64,
    stopped: bool,
}

pub type Ledger = Arc<Mutex<BTreeMap<i64, Acknowledged>>>;

const STATIONS: usize = 12;

pub async fn log_in(server: &Server, password: &str) -> Client {
    let form = [("grant_type", "password"), ("username", "owner@localhost.localdomain"), ("password", password)];
    let anonymous = Client::new(&server.api, None);
    let reply = anonymous.send(anonymous.request("POST", "/oauth/token").form(&form)).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    Client::new(&server.api, Some(reply.body["access_token"].as_str().unwrap().to_owned()))
}

/// Stations that may connect, and their passwords.
pub async fn prepare(client: &Client, stations: usize) -> Vec<(String, String)> {
    let cpo = client.create("/v1/partners", json!({ "name": "Nordstrom", "kind": "cpo" })).await;
    let cpo = cpo["id"].as_str().unwrap();
    let site = client.create(&format!("/v1/locations?partner_id={cpo}"), crate::network::location::body("Here")).await;
    let card = json!({ "kind": "rfid", "uid": "AA01", "status": "active" });
    client.create(&format!("/v1/tokens?partner_id={cpo}"), card).await;
    let mut known = Vec::new();
    for number in 0..stations {
        let identity = format!("CP{number}");
        let station =
            client.create("/v1/stations", crate::network::station::body(site["id"].as_str().unwrap(), &identity)).await;
        let set = client.post(&format!("/v1/stations/{}/password", station["id"].as_str().unwrap()), json!(null)).await;
        known.push((identity, set.body["password"].as_str().unwrap().to_owned()));
    }
    known
}

/// A station that charges again and again. What was not answered is sent again, as stations do.
pub struct Driver {
    register: i64,
    running: Option<i64>,
    unanswered: Option<(&'static str, Value)>,
}

impl Driver {
    pub const fn new(place: usize) -> Self {
        Self { register: 1_000_000 * (place as i64 + 1), running: None, unanswered: None }
    }

    /// Its next message; the answer is noted.
    pub async fn step(&mut self, station: &Simulator, ledger: &Ledger) -> Result<(), SimulatorError> {
        self.register += 10;
        let register = self.register;
        let at = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
        let next = match (self.unanswered.take(), self.running) {
            (Some(again), _) => again,
            (None, None) => (
                "StartTransaction",
                json!({ "connectorId": 1, "idTag": "AA01", "meterStart": register, "timestamp": at }),
            ),
            (None, Some(number)) if register % 40 == 0 => {
                ("StopTransaction", json!({ "transactionId": number, "meterStop": register, "timestamp": at }))
            }
            (None, Some(number)) => {
                let values = json!([{ "timestamp": at, "sampledValue": [{ "value": register.to_string() }] }]);
                ("MeterValues", json!({ "connectorId": 1, "transactionId": number, "meterValue": values }))
            }
        };
        let answer = match station.call(next.0, next.1.clone()).await {
            Ok(answer) => answer,
            Err(error) => {
                self.unanswered = Some(next);
                return Err(error);
            }
        };
        let mut ledger = ledger.lock().unwrap();
        match next.0 {
            "StartTransaction" => {
                let number = answer["transactionId"].as_i64().unwrap();
                self.running = Some(number);
                ledger.entry(number).or_default().register = next.1["meterStart"].as_i64().unwrap();
            }
            "StopTransaction" => {
                let entry = ledger.entry(self.running.take().unwrap()).or_default();
                (entry.stopped, entry.register) = (true, next.1["meterStop"].as_i64().unwrap());
            }
            _ => {
                let value = next.1["meterValue"][0]["sampledValue"][0]["value"].as_str().unwrap().parse().unwrap();
                ledger.entry(self.running.unwrap()).or_default().register = value;
            }
        }
        Ok(())
    }
}

/// Charges until told to stop, and comes back whenever it is cut off.
async fn drive(url: String, identity: String, password: String, ledger: Ledger, stop: Arc<AtomicBool>, place: usize) {
    let mut driver = Driver::new(place);
    while !stop.load(Ordering::SeqCst) {
        let Ok(station) = Simulator::connect(&url, &identity, &password).await else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        while !stop.load(Ordering::SeqCst) && driver.step(&station, &ledger).await.is_ok() {}
        // It may be the server that is gone, not the work.
        drop(station);
    }
}

/// Every acknowledged fact is in what the API shows.
pub async fn compare(client: &Client, ledger: &Ledger) {
    let mut shown: BTreeMap<i64, (i64, bool)> = BTreeMap::new();
    let mut path = "/v1/sessions?limit=500".to_owned();
    loop {
        let page = client.get(&path).await;
        assert_eq!(page.status, 200, "{}", page.body);
        for session in page.body["items"].as_array().unwrap() {
            let number =
                |field: &str| session[field].as_str().unwrap().split('.').next().unwrap().parse::<i64>().unwrap();
            let register = number("meter_start_wh") + number("energy_wh");
            let known = shown
                .insert(session["ocpp_transaction_id"].as_i64().unwrap(), (register, session["state"] != "active"));
            assert!(known.is_none(), "a session twice");
            assert_eq!(session["orphan"], false, "{session}");
        }
        match page.body["next_cursor"].as_str() {
            Some(cursor) => path = format!("/v1/sessions?limit=500&cursor={cursor}"),
            None => break,
        }
    }
    let ledger = ledger.lock().unwrap().clone();
    assert!(ledger.len() > STATIONS, "too little happened: {}", ledger.len());
    for (number, acknowledged) in ledger {
        let Some((register, ended)) = shown.get(&number) else {
            panic!("transaction {number} is lost: {acknowledged:?}")
        };
        assert!(*register >= acknowledged.register, "{number}: {register} {acknowledged:?}");
        assert!(*ended || !acknowledged.stopped, "{number}: its end is lost");
    }
}

fn start_all(
    url: &str,
    stations: &[(String, String)],
    ledger: &Ledger,
    stop: &Arc<AtomicBool>,
) -> Vec<tokio::task::JoinHandle<()>> {
    let drivers = stations.iter().enumerate().map(|(place, (identity, password))| {
        let (url, identity, password) = (url.to_owned(), identity.clone(), password.clone());
        tokio::spawn(drive(url, identity, password, ledger.clone(), stop.clone(), place))
    });
    drivers.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_in_the_midst_of_it() {
    let folder = folder();
    let mut server = Server::start(folder.path()).await;
    let password = server.password.clone().expect("the first start prints the owner's password");
    let client = log_in(&server, &password).await;
    let stations = prepare(&client, STATIONS).await;
    let ledger = Ledger::default();
    for _ in 0..2 {
        let stop = Arc::new(AtomicBool::new(false));
        let drivers = start_all(&server.stations, &stations, &ledger, &stop);
        tokio::time::sleep(Duration::from_millis(1500)).await;
        server.kill().await;
        stop.store(true, Ordering::SeqCst);
        for driver in drivers {
            // A call without an answer ends with its connection.
            driver.await.unwrap();
        }
        server = Server::start(folder.path()).await;
        compare(&log_in(&server, &password).await, &ledger).await;
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_goes_away_and_comes_back() {
    let folder = folder();
    let server = Server::start(folder.path()).await;
    let password = server.password.clone().unwrap();
    let client = log_in(&server, &password).await;
    let stations = prepare(&client, STATIONS).await;
    let ledger = Ledger::default();
    let stop = Arc::new(AtomicBool::new(false));
    let drivers = start_all(&server.stations, &stations, &ledger, &stop);
    tokio::time::sleep(Duration::from_millis(1000)).await;
    server.kill_postmaster();
    let (mut away, mut back) = (0, 0);
    for _ in 0..600 {
        let reply = client.get("/v1/locations").await;
        match reply.status {
            503 => {
                assert_eq!(reply.code(), "unavailable");
                assert!(reply.header("retry-after").is_some());
                away += 1;
                back = 0;
            }
            200 => back += 1,
            other => panic!("{other}: {}", reply.body),
        }
        if away > 0 && back > 20 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(away > 0 && back > 20, "away {away}, back {back}");
    // The stations go on by themselves.
    let before = ledger.lock().unwrap().len();
    for _ in 0..400 {
        if ledger.lock().unwrap().len() > before + STATIONS {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(ledger.lock().unwrap().len() > before + STATIONS, "no station goes on");
    stop.store(true, Ordering::SeqCst);
    for driver in drivers {
        driver.await.unwrap();
    }
    compare(&client, &ledger).await;
    server.stop().await;
}
