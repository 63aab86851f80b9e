//! Drives `tests/stations/driven.py`: a station of PyPI `ocpp`, which holds every frame of either side against the
//! specification's schemas.

use std::{collections::VecDeque, path::Path, process::Stdio, time::Duration};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};

use super::foreign::python;

pub struct Driven {
    lines: Lines<BufReader<ChildStdout>>,
    input: ChildStdin,
    got: VecDeque<(String, Value)>,
    _process: Child,
}

impl Driven {
    pub async fn connect(url: &str, identity: &str, password: &str, version: &str) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("stations/driven.py");
        let mut process = Command::new(python().await)
            .arg(script)
            .args([url, identity, password, version])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let input = process.stdin.take().unwrap();
        let mut driven = Self { lines, input, got: VecDeque::new(), _process: process };
        assert_eq!(driven.line().await, json!({ "connected": format!("ocpp{version}") }));
        driven
    }

    async fn line(&mut self) -> Value {
        let line = tokio::time::timeout(Duration::from_secs(60), self.lines.next_line()).await;
        let line: Value = serde_json::from_str(&line.unwrap().unwrap().expect("the station says more")).unwrap();
        assert!(line.get("invalid").is_none(), "{line}");
        line
    }

    async fn tell(&mut self, order: Value) {
        self.input.write_all(format!("{order}\n").as_bytes()).await.unwrap();
        self.input.flush().await.unwrap();
    }

    /// Makes a call: its result.
    pub async fn call(&mut self, action: &str, payload: Value) -> Value {
        self.tell(json!({ "call": action, "payload": payload })).await;
        loop {
            let mut line = self.line().await;
            if let Some(got) = line["got"].as_str() {
                self.got.push_back((got.to_owned(), line["payload"].clone()));
                continue;
            }
            assert!(line.get("result").is_some(), "{action}: {line}");
            return line["result"].take();
        }
    }

    /// The next call of ours that it got, which must be this: its payload.
    pub async fn got(&mut self, action: &str) -> Value {
        let (got, payload) = match self.got.pop_front() {
            Some(got) => got,
            None => {
                let line = self.line().await;
                (line["got"].as_str().unwrap_or_else(|| panic!("{action}: {line}")).to_owned(), line["payload"].clone())
            }
        };
        assert_eq!(got, action, "{payload}");
        payload
    }

    /// What it answers to an action from now on.
    pub async fn answer(&mut self, action: &str, payload: Value) {
        self.tell(json!({ "answer": action, "payload": payload })).await;
    }
}
