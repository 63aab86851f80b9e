//! The benches: what is started, what is measured, what is said of it.

use std::{
    path::PathBuf,
    process::Stdio,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use diesel_async::{AsyncPgConnection, RunQueryDsl as _};
use hdrhistogram::Histogram;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::Command,
};

use crate::{
    Size,
    estate::{Api, prepare},
    fleet::Fleet,
    measure::{cpu, histogram, resident, table},
    servers::Servers,
    stations,
};

/// A folder for the data, and what removes it.
fn folder(size: &Size) -> (PathBuf, Option<tempfile::TempDir>) {
    match &size.data {
        Some(folder) => (folder.clone(), None),
        None => {
            let folder = tempfile::tempdir().expect("a folder");
            (folder.path().to_owned(), Some(folder))
        }
    }
}

async fn world(size: &Size) -> (Servers, Api, Option<tempfile::TempDir>) {
    let (path, guard) = folder(size);
    let servers = Servers::start(&path, size.gateways).await;
    let api = prepare(&servers, size.stations).await;
    println!(
        "{} stations with two charge points each; gateways {}, processes of stations {}",
        size.stations, size.gateways, size.loaders
    );
    (servers, api, guard)
}

pub async fn number(conn: &mut AsyncPgConnection, query: &str) -> i64 {
    #[derive(diesel::QueryableByName)]
    struct Number {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        number: i64,
    }
    let row: Number = diesel::sql_query(query).get_result(conn).await.expect("PostgreSQL answers");
    row.number
}

const COMMITS: &str = "select xact_commit as number from pg_stat_database where datname = 'stromtor'";
const WAL: &str = "select (pg_current_wal_lsn() - '0/0')::bigint as number";

/// Processor time of the three parties over a while.
struct Spent {
    began: Instant,
    before: [f64; 3],
}

impl Spent {
    fn of(servers: &Servers, fleet: &Fleet) -> [f64; 3] {
        [cpu(&servers.all()), cpu(&servers.postgres()), cpu(&fleet.pids())]
    }

    fn begin(servers: &Servers, fleet: &Fleet) -> Self {
        Self { began: Instant::now(), before: Self::of(servers, fleet) }
    }

    fn say(&self, servers: &Servers, fleet: &Fleet) -> f64 {
        let took = self.began.elapsed().as_secs_f64();
        let spent = Self::of(servers, fleet);
        for (at, who) in ["server", "PostgreSQL", "stations"].iter().enumerate() {
            println!("CPU {who:<11} {:.1} % of a core", (spent[at] - self.before[at]) / took * 100.0);
        }
        took
    }
}

/// `load charging`.
pub async fn charging(size: &Size) {
    let (servers, _api, _guard) = world(size).await;
    let mut conn = servers.owner().await;
    let mut fleet = Fleet::start(servers.ocpp, "charging", size.stations, size.loaders, size.pause_ms);
    fleet.all_up(Duration::from_secs(120)).await;
    // Warm.
    tokio::time::sleep(Duration::from_secs(5)).await;
    let (commits, wal) = (number(&mut conn, COMMITS).await, number(&mut conn, WAL).await);
    let spent = Spent::begin(&servers, &fleet);
    fleet.measure().await;
    tokio::time::sleep(size.duration()).await;
    let seen = fleet.report().await;
    let took = spent.say(&servers, &fleet);
    let (commits, wal) = (number(&mut conn, COMMITS).await - commits, number(&mut conn, WAL).await - wal);
    let memory = resident(&servers.all());
    let messages = table(&seen);
    println!("messages/s {:.0}", messages as f64 / took);
    println!("commits/s {:.0}, WAL {:.1} MiB/s", commits as f64 / took, wal as f64 / took / 1_048_576.0);
    println!("resident {} MiB", memory / 1024);
    println!("stations that failed {}", fleet.quit().await);
    servers.stop().await;
}

/// `load heartbeat`.
pub async fn heartbeat(size: &Size) {
    let (servers, _api, _guard) = world(size).await;
    let mut rates = Vec::new();
    let bare = Command::new(std::env::current_exe().expect("this program"))
        .arg("bare")
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn();
    let mut bare = bare.expect("it starts");
    let line = BufReader::new(bare.stdout.take().expect("piped")).lines().next_line().await;
    let bare_address = line.expect("readable").expect("its address").parse().expect("an address");
    for (name, address) in [("Stromtor", servers.ocpp), ("bare tokio-tungstenite", bare_address)] {
        let mut fleet = Fleet::start(address, "heartbeat", size.stations, size.loaders, size.pause_ms);
        fleet.all_up(Duration::from_secs(120)).await;
        tokio::time::sleep(Duration::from_secs(5)).await;
        println!("{name}:");
        let spent = Spent::begin(&servers, &fleet);
        fleet.measure().await;
        tokio::time::sleep(size.duration()).await;
        let seen = fleet.report().await;
        let took = spent.say(&servers, &fleet);
        let rate = table(&seen) as f64 / took;
        println!("messages/s {rate:.0}");
        rates.push(rate);
        println!("stations that failed {}", fleet.quit().await);
    }
    println!("of the bare server's rate {:.0} %", rates[0] / rates[1] * 100.0);
    let _ = bare.kill().await;
    servers.stop().await;
}

/// `load idle`.
pub async fn idle(size: &Size) {
    let (servers, _api, _guard) = world(size).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let empty = resident(&servers.gateways());
    let began = Instant::now();
    let mut fleet = Fleet::start(servers.ocpp, "idle", size.stations, size.loaders, 0);
    fleet.all_up(Duration::from_secs(300)).await;
    println!("all in after {:.1} s", began.elapsed().as_secs_f64());
    tokio::time::sleep(Duration::from_secs(20)).await;
    let spent = Spent::begin(&servers, &fleet);
    fleet.measure().await;
    tokio::time::sleep(size.duration()).await;
    let full = resident(&servers.gateways());
    let seen = fleet.report().await;
    spent.say(&servers, &fleet);
    table(&seen);
    println!("resident without stations {} MiB, with them {} MiB", empty / 1024, full / 1024);
    println!("memory per connection {:.1} KiB", full.saturating_sub(empty) as f64 / size.stations as f64);
    println!("stations in at the end {}", fleet.up().await);
    println!("stations that failed {}", fleet.quit().await);
    servers.stop().await;
}

/// Asks the API for what a portal would show, over and over: how long it took.
async fn browse(api: Api, stop: Arc<AtomicBool>, seen: Arc<Mutex<Histogram<u64>>>) {
    let paths = ["/v1/charge-points?limit=50", "/v1/sessions?state=active&limit=50", "/v1/events?limit=50"];
    for path in paths.iter().cycle() {
        if AtomicBool::load(&stop, Ordering::Relaxed) {
            return;
        }
        let began = Instant::now();
        api.get(path).await;
        let micros = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        let _ = seen.lock().expect("nobody panicked").record(micros);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// `load storm`.
pub async fn storm(size: &Size) {
    let (mut servers, api, _guard) = world(size).await;
    let mut conn = servers.owner().await;
    let mut fleet = Fleet::start(servers.ocpp, "idle", size.stations, size.loaders, 0);
    fleet.all_up(Duration::from_secs(300)).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    let charging = (0..size.stations).filter(|number| stations::charges(*number)).count() as i64;
    assert_eq!(number(&mut conn, "select count(*) as number from session where state = 'active'").await, charging);

    let (stop, seen) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(histogram())));
    let browsing = tokio::spawn(browse(api, stop.clone(), seen.clone()));
    fleet.measure().await;
    let spent = Spent::begin(&servers, &fleet);
    let began = Instant::now();
    servers.kill_gateways().await;
    servers.open().await;
    println!("gateways killed and listening again after {:.1} s", began.elapsed().as_secs_f64());
    fleet.all_up(Duration::from_secs(300)).await;
    println!("every station boot-accepted again after {:.1} s", began.elapsed().as_secs_f64());
    spent.say(&servers, &fleet);
    stop.store(true, Ordering::Relaxed);
    browsing.await.expect("the API answered");
    table(&fleet.report().await);
    {
        let seen = seen.lock().expect("nobody panicked");
        let at = |quantile: f64| seen.value_at_quantile(quantile) as f64 / 1000.0;
        println!("API meanwhile: {} requests, p50 {:.1} ms, p99 {:.1} ms", seen.len(), at(0.5), at(0.99));
    }
    // Stations say their statuses before they end what they charge.
    tokio::time::sleep(Duration::from_secs(20)).await;
    println!("stations that failed {}", fleet.quit().await);
    let whole = "select count(*) as number from session where state <> 'active' and energy_wh = 5000 and not orphan";
    let (ended, all) =
        (number(&mut conn, whole).await, number(&mut conn, "select count(*) as number from session").await);
    println!("sessions before {charging}, ended with all of their energy {ended}, in all {all}");
    servers.stop().await;
}
