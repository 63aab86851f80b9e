//! A process of stations: what each of them does all day, and the answers it measures.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use clap::{Args, ValueEnum};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    net::{TcpSocket, TcpStream},
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Message, client::IntoClientRequest as _, http::HeaderValue, protocol::WebSocketConfig},
};
use tokio_util::sync::CancellationToken;

use crate::measure::{Histograms, histogram};

/// What the stations do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Day {
    /// Charging sessions without a pause.
    Charging,
    /// Heartbeats without a pause.
    Heartbeat,
    /// Connected, a heartbeat now and then, and connecting again when the connection is gone. One in ten charges.
    Idle,
}

#[derive(Debug, Clone, Args)]
pub struct Life {
    #[arg(long)]
    pub address: SocketAddr,
    /// Number of the first station.
    #[arg(long)]
    pub first: usize,
    #[arg(long)]
    pub count: usize,
    #[arg(long)]
    pub day: Day,
    #[arg(long, default_value_t = 0)]
    pub pause_ms: u64,
}

/// Identity, card and password of a station.
pub fn identity(number: usize) -> String {
    format!("L{number}")
}

/// Of all stations in the bench; long enough to be a real one.
pub const PASSWORD: &str = "correct-horse-battery";

/// One in ten charges through an idle day.
pub fn charges(number: usize) -> bool {
    number.is_multiple_of(10)
}

/// Stations of one source address.
const PER_ADDRESS: usize = 10_000;
/// Stations that connect at the same time.
const CONNECTING: usize = 64;

#[derive(Default)]
struct Fleet {
    measuring: AtomicBool,
    stop: CancellationToken,
    /// Stations that are in and have booted.
    up: AtomicUsize,
    failed: AtomicUsize,
    seen: Mutex<Histograms>,
}

impl Fleet {
    fn note(&self, action: &str, began: Instant) {
        if self.measuring.load(Ordering::Relaxed)
            && let Ok(mut seen) = self.seen.lock()
        {
            let micros = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
            match seen.get_mut(action) {
                Some(histogram) => _ = histogram.record(micros),
                None => _ = seen.entry(action.to_owned()).or_insert_with(histogram).record(micros),
            }
        }
    }
}

/// Lives until it is told to quit. Understands `count`, `measure`, `report` and `quit`, one a line.
pub async fn run(life: Life) {
    let fleet = Arc::new(Fleet::default());
    let gate = Arc::new(tokio::sync::Semaphore::new(CONNECTING));
    let lives: Vec<_> = (life.first..life.first + life.count)
        .map(|number| {
            let (fleet, gate, life) = (fleet.clone(), gate.clone(), life.clone());
            tokio::spawn(async move {
                let source = Ipv4Addr::new(127, 0, 1, u8::try_from(number / PER_ADDRESS).unwrap_or_default() + 1);
                let station = Station { number, source, life, gate, fleet: fleet.clone() };
                if let Err(error) = station.live().await {
                    eprintln!("station {number}: {error}");
                    fleet.failed.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let count = |counter: &AtomicUsize| counter.load(Ordering::Relaxed);
        let answer = match line.as_str() {
            "measure" => {
                fleet.measuring.store(true, Ordering::Relaxed);
                json!({})
            }
            "report" => {
                fleet.measuring.store(false, Ordering::Relaxed);
                let seen = std::mem::take(&mut *fleet.seen.lock().expect("nobody panicked"));
                let pairs = |one: &hdrhistogram::Histogram<u64>| -> Vec<(u64, u64)> {
                    one.iter_recorded().map(|step| (step.value_iterated_to(), step.count_at_value())).collect()
                };
                json!(
                    seen.iter()
                        .map(|(action, one)| (action.clone(), json!(pairs(one))))
                        .collect::<serde_json::Map<_, _>>()
                )
            }
            "quit" => break,
            _ => json!({ "up": count(&fleet.up), "failed": count(&fleet.failed) }),
        };
        println!("{answer}");
    }
    fleet.stop.cancel();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    for one in lives {
        let _ = tokio::time::timeout_at(deadline, one).await;
    }
    println!("{}", json!({ "failed": fleet.failed.load(Ordering::Relaxed) }));
}

type Socket = WebSocketStream<TcpStream>;
type Outcome<T> = Result<T, String>;

struct Station {
    number: usize,
    source: Ipv4Addr,
    life: Life,
    gate: Arc<tokio::sync::Semaphore>,
    fleet: Arc<Fleet>,
}

/// A connection and the number of its last message.
struct Line {
    socket: Socket,
    message: u64,
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn now() -> String {
    chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

impl Station {
    async fn live(&self) -> Outcome<()> {
        match self.life.day {
            Day::Charging => self.charge().await,
            Day::Heartbeat => self.beat().await,
            Day::Idle => self.idle().await,
        }
    }

    async fn connect(&self) -> Outcome<Line> {
        let tcp = TcpSocket::new_v4().map_err(text)?;
        tcp.bind((self.source, 0).into()).map_err(text)?;
        let stream = tcp.connect(self.life.address).await.map_err(text)?;
        let _ = stream.set_nodelay(true);
        let identity = identity(self.number);
        let mut request = format!("ws://{}/{identity}", self.life.address).into_client_request().map_err(text)?;
        let basic = format!("Basic {}", STANDARD.encode(format!("{identity}:{PASSWORD}")));
        request.headers_mut().insert("authorization", HeaderValue::from_str(&basic).map_err(text)?);
        request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static("ocpp1.6"));
        let config = WebSocketConfig::default().read_buffer_size(1024).write_buffer_size(0);
        let (socket, _) =
            tokio_tungstenite::client_async_with_config(request, stream, Some(config)).await.map_err(text)?;
        Ok(Line { socket, message: 0 })
    }

    /// Connects at last: a station tries again for ever.
    async fn arrive(&self) -> Outcome<Line> {
        let mut last = String::new();
        for attempt in 0..200_u64 {
            if attempt > 0 {
                // Apart from one another, as real ones are.
                let apart = (self.number as u64).wrapping_mul(7919).wrapping_add(attempt * 104_729) % 1000;
                tokio::time::sleep(Duration::from_millis(200 + apart)).await;
            }
            if self.stopped() {
                return Err("stopped".into());
            }
            let _turn = self.gate.acquire().await.map_err(text)?;
            match tokio::time::timeout(Duration::from_secs(30), self.connect()).await {
                Ok(Ok(line)) => return Ok(line),
                Ok(Err(error)) => last = error,
                Err(_) => last = "no answer to the handshake".into(),
            }
        }
        Err(last)
    }

    fn stopped(&self) -> bool {
        self.fleet.stop.is_cancelled()
    }

    /// One call; the payload is JSON text. Everything else that comes meanwhile is let be.
    async fn call(&self, line: &mut Line, action: &str, payload: &str) -> Outcome<String> {
        if self.life.pause_ms > 0 {
            tokio::time::sleep(Duration::from_millis(self.life.pause_ms)).await;
        }
        line.message += 1;
        let frame = format!(r#"[2,"{}","{action}",{payload}]"#, line.message);
        let expected = format!(r#"[3,"{}","#, line.message);
        let began = Instant::now();
        line.socket.send(Message::Text(frame.into())).await.map_err(text)?;
        loop {
            let frame = line.socket.next().await.ok_or("closed")?.map_err(text)?;
            let Message::Text(answer) = frame else { continue };
            if !answer.starts_with(&expected) {
                return Err(format!("{action}: {answer}"));
            }
            self.fleet.note(action, began);
            return Ok(answer[expected.len()..answer.len() - 1].to_owned());
        }
    }

    async fn boot(&self, line: &mut Line) -> Outcome<()> {
        let answer =
            self.call(line, "BootNotification", r#"{"chargePointVendor":"Load","chargePointModel":"L1"}"#).await?;
        if answer.contains("Accepted") { Ok(()) } else { Err(answer) }
    }

    async fn status(&self, line: &mut Line, connector: u8, status: &str) -> Outcome<()> {
        let at = now();
        let payload =
            format!(r#"{{"connectorId":{connector},"status":"{status}","errorCode":"NoError","timestamp":"{at}"}}"#);
        self.call(line, "StatusNotification", &payload).await.map(drop)
    }

    async fn start(&self, line: &mut Line, register: i64) -> Outcome<i64> {
        let payload = format!(
            r#"{{"connectorId":1,"idTag":"CARD{}","meterStart":{register},"timestamp":"{}"}}"#,
            self.number,
            now()
        );
        let answer: Value =
            serde_json::from_str(&self.call(line, "StartTransaction", &payload).await?).map_err(text)?;
        answer["transactionId"].as_i64().ok_or_else(|| "no transaction".to_owned())
    }

    async fn meter(&self, line: &mut Line, transaction: i64, register: i64) -> Outcome<()> {
        let payload = format!(
            r#"{{"connectorId":1,"transactionId":{transaction},"meterValue":[{{"timestamp":"{}","sampledValue":[{{"value":"{register}","unit":"Wh"}},{{"value":"11000","measurand":"Power.Active.Import","unit":"W"}}]}}]}}"#,
            now()
        );
        self.call(line, "MeterValues", &payload).await.map(drop)
    }

    async fn stop(&self, line: &mut Line, transaction: i64, register: i64) -> Outcome<()> {
        let payload = format!(
            r#"{{"transactionId":{transaction},"idTag":"CARD{}","meterStop":{register},"timestamp":"{}"}}"#,
            self.number,
            now()
        );
        self.call(line, "StopTransaction", &payload).await.map(drop)
    }

    async fn charge(&self) -> Outcome<()> {
        let mut line = self.arrive().await?;
        self.fleet.up.fetch_add(1, Ordering::Relaxed);
        let tag = format!(r#"{{"idTag":"CARD{}"}}"#, self.number);
        // Nine pauses make a session: drivers come at any time of it, not all in the same moment.
        tokio::time::sleep(Duration::from_millis(self.life.pause_ms * 9 * (self.number as u64 % 97) / 97)).await;
        let mut register = 0;
        while !self.stopped() {
            self.call(&mut line, "Authorize", &tag).await?;
            self.status(&mut line, 1, "Charging").await?;
            let transaction = self.start(&mut line, register).await?;
            for _ in 0..4 {
                register += 5;
                self.meter(&mut line, transaction, register).await?;
            }
            self.stop(&mut line, transaction, register).await?;
            self.status(&mut line, 1, "Available").await?;
        }
        let _ = line.socket.close(None).await;
        Ok(())
    }

    async fn beat(&self) -> Outcome<()> {
        let mut line = self.arrive().await?;
        self.fleet.up.fetch_add(1, Ordering::Relaxed);
        while !self.stopped() {
            self.call(&mut line, "Heartbeat", "{}").await?;
        }
        let _ = line.socket.close(None).await;
        Ok(())
    }

    async fn idle(&self) -> Outcome<()> {
        const BEAT: Duration = Duration::from_secs(300);
        let mut transaction = None;
        let mut lost: Option<Instant> = None;
        while !self.stopped() {
            let mut line = match self.arrive().await {
                Ok(line) => line,
                Err(_) if self.stopped() => return Ok(()),
                Err(error) => return Err(error),
            };
            if self.boot(&mut line).await.is_err() {
                continue;
            }
            if let Some(lost) = lost {
                self.fleet.note("boot-accepted again", lost);
            }
            self.fleet.up.fetch_add(1, Ordering::Relaxed);
            let stayed = self.stay(&mut line, &mut transaction, BEAT).await;
            self.fleet.up.fetch_sub(1, Ordering::Relaxed);
            lost = Some(Instant::now());
            if stayed.is_ok() {
                let _ = line.socket.close(None).await;
                return Ok(());
            }
        }
        Ok(())
    }

    /// From boot until told to stop; an error when the connection is lost.
    async fn stay(&self, line: &mut Line, transaction: &mut Option<i64>, beat: Duration) -> Outcome<()> {
        let charging = charges(self.number);
        self.status(line, 1, if charging { "Charging" } else { "Available" }).await?;
        self.status(line, 2, "Available").await?;
        if charging && transaction.is_none() {
            *transaction = Some(self.start(line, 0).await?);
        }
        // Spread over the interval.
        let offset = beat.mul_f64((self.number % 997) as f64 / 997.0);
        let mut next = tokio::time::Instant::now() + offset;
        loop {
            tokio::select! {
                message = line.socket.next() => {
                    message.ok_or("closed")?.map_err(text)?;
                }
                () = tokio::time::sleep_until(next) => {
                    self.call(line, "Heartbeat", "{}").await?;
                    next += beat;
                }
                () = self.fleet.stop.cancelled() => break,
            }
        }
        if let Some(running) = transaction.take() {
            self.stop(line, running, 5000).await?;
        }
        Ok(())
    }
}
