//! The processes of stations, seen from the bench.

use std::{net::SocketAddr, process::Stdio, time::Duration};

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};

use crate::measure::{Histograms, histogram};

struct Loader {
    process: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

/// Stations in several processes.
pub struct Fleet {
    loaders: Vec<Loader>,
    stations: usize,
}

impl Fleet {
    /// Starts them; they connect on their own.
    pub fn start(address: SocketAddr, day: &str, stations: usize, loaders: usize, pause_ms: u64) -> Self {
        let share = stations.div_ceil(loaders);
        let loaders = (0..loaders)
            .map(|place| {
                let first = place * share;
                let count = share.min(stations - first);
                let mut process = Command::new(std::env::current_exe().expect("this program"))
                    .arg("stations")
                    .args(["--address", &address.to_string(), "--day", day])
                    .args(["--first", &first.to_string(), "--count", &count.to_string()])
                    .args(["--pause-ms", &pause_ms.to_string()])
                    .stdin(Stdio::piped())
                    .stdout(Stdio::piped())
                    .kill_on_drop(true)
                    .spawn()
                    .expect("stations start");
                let input = process.stdin.take().expect("piped");
                let output = BufReader::new(process.stdout.take().expect("piped")).lines();
                Loader { process, input, output }
            })
            .collect();
        Self { loaders, stations }
    }

    async fn ask(&mut self, what: &str) -> Vec<Value> {
        let mut answers = Vec::new();
        for loader in &mut self.loaders {
            loader.input.write_all(format!("{what}\n").as_bytes()).await.expect("it listens");
            let line = loader.output.next_line().await.expect("readable").expect("it answers");
            answers.push(serde_json::from_str(&line).expect("JSON"));
        }
        answers
    }

    /// How many are in.
    pub async fn up(&mut self) -> u64 {
        self.ask("count").await.iter().map(|one| one["up"].as_u64().unwrap_or_default()).sum()
    }

    /// Waits until all are in.
    pub async fn all_up(&mut self, limit: Duration) {
        let deadline = tokio::time::Instant::now() + limit;
        loop {
            let up = self.up().await;
            if up as usize == self.stations {
                return;
            }
            assert!(tokio::time::Instant::now() < deadline, "only {up} of {} stations came in", self.stations);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// From now on answers are measured.
    pub async fn measure(&mut self) {
        self.ask("measure").await;
    }

    /// What was measured, until now.
    pub async fn report(&mut self) -> Histograms {
        let mut all = Histograms::new();
        for report in self.ask("report").await {
            for (action, pairs) in report.as_object().expect("an object") {
                let into = all.entry(action.clone()).or_insert_with(histogram);
                for pair in pairs.as_array().expect("pairs") {
                    let _ = into.record_n(pair[0].as_u64().unwrap_or_default(), pair[1].as_u64().unwrap_or_default());
                }
            }
        }
        all
    }

    /// The stations end what they do and go: how many had failed.
    pub async fn quit(mut self) -> u64 {
        // All at once: each waits for its own stations.
        for loader in &mut self.loaders {
            loader.input.write_all(b"quit\n").await.expect("it listens");
        }
        let mut failed = 0;
        for loader in &mut self.loaders {
            let line = loader.output.next_line().await.expect("readable").expect("it answers");
            failed += serde_json::from_str::<Value>(&line).expect("JSON")["failed"].as_u64().unwrap_or_default();
            let _ = loader.process.wait().await;
        }
        failed
    }

    /// Their process ids.
    pub fn pids(&self) -> Vec<u32> {
        self.loaders.iter().filter_map(|loader| loader.process.id()).collect()
    }
}
