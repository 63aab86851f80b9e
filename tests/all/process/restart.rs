//! The database restarts while stations charge: they see delays, never an error or a closed connection.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;
use serde_json::json;
use stromtor_ocpp::sim::Simulator;

use super::{
    crash::{Driver, Ledger, compare, log_in, prepare},
    server::{Server, folder},
};

const STATIONS: usize = 36;

/// What all stations saw.
#[derive(Default)]
struct Seen {
    answered: AtomicU64,
    longest_ms: AtomicU64,
}

#[tokio::test(flavor = "multi_thread")]
async fn stations_see_delays_and_nothing_is_lost() {
    let folder = folder();
    let server = Server::start(folder.path()).await;
    let client = log_in(&server, &server.password.clone().unwrap()).await;
    let stations = prepare(&client, STATIONS).await;
    let (ledger, stop, seen) = (Ledger::default(), Arc::new(AtomicBool::new(false)), Arc::new(Seen::default()));
    let mut drivers = Vec::new();
    for (place, (identity, password)) in stations.iter().enumerate() {
        let station = Simulator::connect(&server.stations, identity, password).await.unwrap();
        let (ledger, stop, seen) = (ledger.clone(), stop.clone(), seen.clone());
        drivers.push(tokio::spawn(async move {
            let mut driver = Driver::new(place);
            while !stop.load(Ordering::SeqCst) {
                let asked = Instant::now();
                // One connection all the time; every call is answered, however late.
                driver.step(&station, &ledger).await.map_err(|error| error.to_string())?;
                seen.answered.fetch_add(1, Ordering::SeqCst);
                seen.longest_ms.fetch_max(asked.elapsed().as_millis() as u64, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Ok::<_, String>(station)
        }));
    }
    for signal in [Signal::SIGINT, Signal::SIGQUIT] {
        tokio::time::sleep(Duration::from_millis(1500)).await;
        let old = server.signal_postmaster(signal);
        let before = seen.answered.load(Ordering::SeqCst);
        // Ten answers each, with a new postmaster.
        let deadline = Instant::now() + Duration::from_secs(60);
        while server.postmaster().is_none_or(|now| now == old)
            || seen.answered.load(Ordering::SeqCst) < before + 10 * STATIONS as u64
        {
            assert!(Instant::now() < deadline, "{signal}: the stations do not go on");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    stop.store(true, Ordering::SeqCst);
    let mut connected = Vec::new();
    for driver in drivers {
        connected.push(driver.await.unwrap().expect("no error, no closed connection"));
    }
    assert!(connected.iter().all(Simulator::is_connected));
    let longest = seen.longest_ms.load(Ordering::SeqCst);
    assert!(longest > 300, "nobody had to wait: {longest} ms");
    compare(&client, &ledger).await;
    // The message log too, which is written behind: every call and every answer once.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let answered = seen.answered.load(Ordering::SeqCst) as i64;
    for (what, count) in
        [("calls", "direction = 'in' and kind = 'call'"), ("answers", "direction = 'out' and kind = 'result'")]
    {
        let logged = server.count(&format!("select count(*) from ocpp_message where {count}")).await;
        assert_eq!(logged, answered, "{what}");
    }
    assert_eq!(server.count("select count(*) from ocpp_message where kind = 'error'").await, 0);
    assert_eq!(server.count("select count(*) from station_connection").await, STATIONS as i64);
    // What waits for notices hears them again.
    let station =
        client.get("/v1/stations?ocpp_identity=CP0").await.body["items"][0]["id"].as_str().unwrap().to_owned();
    let request = client.request("POST", &format!("/v1/stations/{station}/commands")).header("prefer", "wait=10");
    let given = client.send(request.json(&json!({ "type": "clear_cache" }))).await;
    assert_eq!(given.body["state"], "accepted", "{}", given.body);
    server.stop().await;
}
