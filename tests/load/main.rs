//! The load bench: N stations in closed-loop charging sessions against the built server on this machine.
//!
//! Each station sends Authorize, StatusNotification, StartTransaction, 4 × MeterValues, StopTransaction, StatusNotification,
//! waits for every answer, and begins again. Loopback only, bounded in count and time.
#![allow(missing_docs, clippy::print_stdout, clippy::disallowed_methods)]

use std::{
    collections::BTreeMap,
    path::Path,
    process::Stdio,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use clap::Parser;
use diesel_async::{AsyncConnection as _, AsyncPgConnection};
use futures_util::{SinkExt as _, StreamExt as _};
use hdrhistogram::Histogram;
use serde_json::{Value, json};
use stromtor_persistence::embedded::Embedded;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest as _, http::HeaderValue};

#[derive(Parser)]
struct Arguments {
    /// Stations.
    #[arg(long, default_value_t = 1000)]
    stations: usize,
    /// Seconds measured, after five of warming up.
    #[arg(long, default_value_t = 30)]
    seconds: u64,
}

type Histograms = BTreeMap<&'static str, Histogram<u64>>;

struct Load {
    measuring: AtomicBool,
    stop: AtomicBool,
    seen: Mutex<Histograms>,
}

#[tokio::main]
async fn main() {
    let Arguments { stations, seconds } = Arguments::parse();
    assert!(stations <= 60_000 && seconds <= 600, "bounded in count and time");
    let folder = tempfile::tempdir().expect("a folder");
    open_folder(folder.path());
    let (mut server, api, ocpp, password) = start(folder.path()).await;
    let http = reqwest::Client::new();
    prepare(&http, &api, &password, stations).await;
    println!("{stations} stations prepared");
    // Only to read its counters: the server runs it.
    let cluster = Embedded::start(folder.path()).await.expect("the server's PostgreSQL");
    let mut conn = AsyncPgConnection::establish(&cluster.urls("stromtor").owner).await.expect("a connection");

    let load = Arc::new(Load { measuring: false.into(), stop: false.into(), seen: Mutex::default() });
    let mut tasks = Vec::new();
    for number in 0..stations {
        tasks.push(tokio::spawn(station(ocpp.clone(), number, load.clone())));
        if number % 100 == 99 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    tokio::time::sleep(Duration::from_secs(5)).await;
    let server_pid = server.id().expect("it runs");
    let spent = || [cpu(&[server_pid]), cpu(&children(cluster.pid().unsigned_abs())), cpu(&[std::process::id()])];
    let before = spent();
    let (commits, began) = (postgres::counter(&mut conn).await, Instant::now());
    load.measuring.store(true, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    load.measuring.store(false, Ordering::SeqCst);
    let (took, commits) = (began.elapsed().as_secs_f64(), postgres::counter(&mut conn).await - commits);
    let spent: Vec<f64> = spent().iter().zip(before).map(|(after, before)| after - before).collect();
    let memory = resident(server.id().expect("it runs"));
    load.stop.store(true, Ordering::SeqCst);
    let mut failures = 0;
    for task in tasks {
        failures += usize::from(!matches!(tokio::time::timeout(Duration::from_secs(30), task).await, Ok(Ok(Ok(())))));
    }
    report(&load, took, commits, memory, failures);
    for (who, seconds) in ["server", "PostgreSQL", "stations"].iter().zip(spent) {
        println!("CPU {who:<11} {:.0} % of a core", seconds / took * 100.0);
    }
    std::mem::forget(cluster);
    nix::sys::signal::kill(
        nix::unistd::Pid::from_raw(server.id().expect("it runs").cast_signed()),
        nix::sys::signal::Signal::SIGTERM,
    )
    .expect("it takes signals");
    let _ = tokio::time::timeout(Duration::from_secs(60), server.wait()).await;
}

fn open_folder(folder: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).expect("our own folder");
}

async fn start(data: &Path) -> (Child, String, String, String) {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let build = ["build", "--release", "--locked", "-p", "stromtor-api", "--bin", "stromtor", "--message-format=json"];
    let output =
        Command::new(cargo).args(build).current_dir(root).stderr(Stdio::inherit()).output().await.expect("cargo runs");
    let text = String::from_utf8(output.stdout).expect("cargo writes text");
    let messages = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let program = messages.filter_map(|message| message["executable"].as_str().map(str::to_owned)).next_back();
    let mut server = Command::new(program.expect("the server builds"))
        .arg("serve")
        .env("STROMTOR_STORAGE__DATA_DIR", data)
        .env("STROMTOR_SERVER__LISTEN", "127.0.0.1:0")
        .env("STROMTOR_SERVER__REQUESTS_PER_MINUTE", "1000000")
        .env("STROMTOR_SERVER__BODY_LIMIT", "16777216")
        .env("STROMTOR_OCPP__LISTEN", "127.0.0.1:0")
        .env("STROMTOR_OCPP__MESSAGES_PER_SECOND", "1000000")
        .env("STROMTOR_LOG__FORMAT", "json")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the server starts");
    let mut log = BufReader::new(server.stderr.take().expect("piped")).lines();
    let (mut api, mut ocpp) = (None, None);
    while api.is_none() || ocpp.is_none() {
        let line = log.next_line().await.expect("readable").expect("the server says where it listens");
        let entry: Value = serde_json::from_str(&line).unwrap_or_default();
        if let Some(address) = entry["api"].as_str() {
            api = Some(format!("http://{}", address.rsplit('/').next().unwrap_or_default()));
        }
        if let Some(address) = entry["ocpp"].as_str() {
            ocpp = Some(format!("ws://{address}"));
        }
    }
    tokio::spawn(async move {
        while let Ok(Some(line)) = log.next_line().await {
            if line.contains("WARN") || line.contains("ERROR") {
                println!("server: {line}");
            }
        }
    });
    let mut output = BufReader::new(server.stdout.take().expect("piped")).lines();
    let line = output.next_line().await.expect("readable").expect("the owner's password");
    let password = line.rsplit(' ').next().unwrap_or_default().to_owned();
    tokio::spawn(async move { while let Ok(Some(_)) = output.next_line().await {} });
    (server, api.unwrap_or_default(), ocpp.unwrap_or_default(), password)
}

/// An operator, a tariff, and for each station a card; all over the API.
async fn prepare(http: &reqwest::Client, api: &str, password: &str, stations: usize) {
    let form = [("grant_type", "password"), ("username", "owner@localhost.localdomain"), ("password", password)];
    let reply = http.post(format!("{api}/oauth/token")).form(&form).send().await.expect("an answer");
    let reply: Value = reply.json().await.expect("JSON");
    let token = reply["access_token"].as_str().expect("a token").to_owned();
    let post = async |path: String, body: Value| -> Value {
        let request = http.post(format!("{api}{path}")).bearer_auth(&token).json(&body);
        let reply = request.send().await.expect("an answer");
        assert!(reply.status().is_success(), "{path}: {}", reply.text().await.unwrap_or_default());
        reply.json().await.expect("JSON")
    };
    let cpo = post("/v1/partners".into(), json!({ "name": "Load", "kind": "cpo" })).await["id"].clone();
    let cpo = cpo.as_str().expect("an id");
    let place = json!({ "name": "Load", "time_zone": "Europe/Berlin",
        "address": { "street": "Weg 1", "city": "Berlin", "country": "DE" } });
    let place = post(format!("/v1/locations?partner_id={cpo}"), place).await["id"].clone();
    let prices =
        json!({ "name": "AC", "code": "AC", "currency": "EUR", "ac": { "per_kwh": "0.49", "per_minute": "0.02" } });
    post(format!("/v1/tariffs?partner_id={cpo}"), prices).await;
    let numbers: Vec<usize> = (0..stations).collect();
    for chunk in numbers.chunks(1000) {
        let new: Vec<Value> = chunk
            .iter()
            .map(|number| {
                let connector = json!({ "ocpp_connector_id": 1, "standard": "iec_62196_t2", "format": "socket",
                    "power_type": "ac_3_phase", "max_voltage_v": 400, "max_current_a": 32 });
                let point = json!({ "code": format!("L{number}"), "evse_number": 1, "current_type": "ac" });
                json!({ "station": { "location_id": place, "ocpp_identity": format!("L{number}"),
                        "installation_status": "commissioned", "security_profile": 0, "ocpp_settings": { "password_required": false,
                            "accept_without_protocol": false, "ping": true } },
                    "charge_points": [{ "charge_point": point, "connectors": [connector] }] })
            })
            .collect();
        post("/v1/stations/batch".into(), json!({ "stations": new })).await;
    }
    for number in 0..stations {
        let card = json!({ "kind": "rfid", "uid": format!("CARD{number}"), "status": "active" });
        post(format!("/v1/tokens?partner_id={cpo}"), card).await;
    }
}

/// One station's life: charging sessions without a pause.
async fn station(url: String, number: usize, load: Arc<Load>) -> Result<(), String> {
    let mut request = format!("{url}/L{number}").into_client_request().map_err(|error| error.to_string())?;
    request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static("ocpp1.6"));
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await.map_err(|error| error.to_string())?;
    let mut own: Histograms = BTreeMap::new();
    let (mut message, mut register) = (0_u64, 0_i64);
    let tag = format!("CARD{number}");
    let mut call = async |action: &'static str, payload: Value, own: &mut Histograms| -> Result<Value, String> {
        message += 1;
        let id = message.to_string();
        let text = json!([2, id, action, payload]).to_string();
        let began = Instant::now();
        socket.send(Message::Text(text.into())).await.map_err(|error| error.to_string())?;
        loop {
            let frame = socket.next().await.ok_or("closed")?.map_err(|error| error.to_string())?;
            let Message::Text(text) = frame else { continue };
            let answer: Value = serde_json::from_str(text.as_str()).map_err(|error| error.to_string())?;
            if answer[0] != 3 || answer[1] != id.as_str() {
                return Err(format!("{action}: {answer}"));
            }
            if load.measuring.load(Ordering::Relaxed) {
                let histogram = own.entry(action).or_insert_with(|| Histogram::new(3).expect("three digits"));
                let _ = histogram.record(u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX));
            }
            return Ok(answer[2].clone());
        }
    };
    let now = || chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
    let status =
        |status: &str| json!({ "connectorId": 1, "status": status, "errorCode": "NoError", "timestamp": now() });
    while !load.stop.load(Ordering::Relaxed) {
        call("Authorize", json!({ "idTag": tag }), &mut own).await?;
        call("StatusNotification", status("Charging"), &mut own).await?;
        let start = json!({ "connectorId": 1, "idTag": tag, "meterStart": register, "timestamp": now() });
        let transaction = call("StartTransaction", start, &mut own).await?["transactionId"].clone();
        for _ in 0..4 {
            register += 5;
            let sampled = json!([{ "value": register.to_string(), "unit": "Wh" },
                { "value": "11000", "measurand": "Power.Active.Import", "unit": "W" }]);
            let values = json!({ "connectorId": 1, "transactionId": transaction,
                "meterValue": [{ "timestamp": now(), "sampledValue": sampled }] });
            call("MeterValues", values, &mut own).await?;
        }
        let stop = json!({ "transactionId": transaction, "idTag": tag, "meterStop": register, "timestamp": now() });
        call("StopTransaction", stop, &mut own).await?;
        call("StatusNotification", status("Available"), &mut own).await?;
    }
    if let Ok(mut seen) = load.seen.lock() {
        for (action, histogram) in own {
            let all = seen.entry(action).or_insert_with(|| Histogram::new(3).expect("three digits"));
            let _ = all.add(histogram);
        }
    }
    let _ = socket.close(None).await;
    Ok(())
}

mod postgres {
    use diesel_async::{AsyncPgConnection, RunQueryDsl as _};

    #[derive(diesel::QueryableByName)]
    struct Count {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        commits: i64,
    }

    /// Transactions committed so far.
    pub async fn counter(conn: &mut AsyncPgConnection) -> i64 {
        let count: Count =
            diesel::sql_query("select xact_commit as commits from pg_stat_database where datname = 'stromtor'")
                .get_result(conn)
                .await
                .expect("PostgreSQL counts");
        count.commits
    }
}

/// A process and its children.
fn children(parent: u32) -> Vec<u32> {
    let mut all = vec![parent];
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        if stat(pid).get(1).and_then(|parent| parent.parse().ok()) == Some(parent) {
            all.push(pid);
        }
    }
    all
}

/// The fields of a process's state behind its name.
fn stat(pid: u32) -> Vec<String> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let rest = text.rsplit_once(')').map_or("", |(_, rest)| rest);
    rest.split_whitespace().map(str::to_owned).collect()
}

/// Processor seconds that processes have spent; Linux counts hundredths.
fn cpu(pids: &[u32]) -> f64 {
    let ticks = pids.iter().map(|pid| {
        let stat = stat(*pid);
        let at = |place: usize| stat.get(place).and_then(|text| text.parse::<u64>().ok()).unwrap_or_default();
        at(11) + at(12)
    });
    ticks.sum::<u64>() as f64 / 100.0
}

/// Resident memory of a process in MiB.
fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap_or_default() / 1024
}

fn report(load: &Load, took: f64, commits: i64, memory: u64, failures: usize) {
    let seen = load.seen.lock().expect("nobody panicked");
    let messages: u64 = seen.values().map(Histogram::len).sum();
    println!("{:<20} {:>10} {:>10} {:>10}", "action", "messages", "p50 ms", "p99 ms");
    for (action, histogram) in seen.iter() {
        let at = |quantile: f64| histogram.value_at_quantile(quantile) as f64 / 1000.0;
        println!("{action:<20} {:>10} {:>10.1} {:>10.1}", histogram.len(), at(0.5), at(0.99));
    }
    println!("messages/s {:.0}", messages as f64 / took);
    println!("commits/s {:.0}", commits as f64 / took);
    println!("server RSS {memory} MiB");
    println!("stations that failed {failures}");
}
