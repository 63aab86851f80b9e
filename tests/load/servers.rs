//! The built server: one process for everything, or an API, a worker and several gateways behind one port.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use diesel_async::{AsyncConnection as _, AsyncPgConnection};
use serde_json::Value;
use stromtor_persistence::{db::Urls, embedded::Embedded};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

/// The server's key in the bench, so that stations' passwords can be written without asking for each.
pub const SECRET: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// Running processes, and where they are.
pub struct Servers {
    program: PathBuf,
    folder: PathBuf,
    gateways: usize,
    running: Vec<(&'static str, Child)>,
    cluster: Embedded,
    pub urls: Urls,
    pub api: String,
    pub ocpp: SocketAddr,
    /// The platform owner's.
    pub password: String,
}

/// What a process says at its start.
#[derive(Default)]
struct Said {
    api: Option<String>,
    ocpp: Option<SocketAddr>,
}

impl Servers {
    /// Builds the server and starts it on a database of its own.
    pub async fn start(folder: &Path, gateways: usize) -> Self {
        let program = build().await;
        open_folder(folder);
        let cluster = Embedded::start(folder).await.expect("PostgreSQL starts");
        let urls = cluster.urls("stromtor");
        let mut servers = Self {
            program,
            folder: folder.to_owned(),
            gateways,
            running: Vec::new(),
            cluster,
            urls,
            api: String::new(),
            ocpp: SocketAddr::from(([127, 0, 0, 1], 0)),
            password: String::new(),
        };
        if gateways == 1 {
            servers.run("serve").await;
        } else {
            servers.run("api").await;
            servers.run("worker").await;
            servers.open().await;
        }
        servers
    }

    async fn run(&mut self, role: &'static str) {
        let mut process = Command::new(&self.program)
            .arg(role)
            .env("STROMTOR_STORAGE__DATA_DIR", &self.folder)
            .env("STROMTOR_DATABASE__URL", &self.urls.request)
            .env("STROMTOR_SECRETS__KEY", SECRET)
            .env("STROMTOR_SERVER__LISTEN", "127.0.0.1:0")
            .env("STROMTOR_SERVER__REQUESTS_PER_MINUTE", "1000000")
            .env("STROMTOR_SERVER__BODY_LIMIT", "16777216")
            .env("STROMTOR_OCPP__LISTEN", self.ocpp.to_string())
            .env("STROMTOR_OCPP__MESSAGES_PER_SECOND", "1000000")
            .env("STROMTOR_LOG__FORMAT", "json")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the server starts");
        let mut log = BufReader::new(process.stderr.take().expect("piped")).lines();
        let mut output = BufReader::new(process.stdout.take().expect("piped")).lines();
        let (api, ocpp) = (true, matches!(role, "serve" | "gateway"));
        let mut said = Said::default();
        while (api && said.api.is_none()) || (ocpp && said.ocpp.is_none()) {
            let line = log.next_line().await.expect("readable").expect("the server says where it listens");
            let entry: Value = serde_json::from_str(&line).unwrap_or_default();
            if let Some(address) = entry["api"].as_str() {
                said.api = Some(format!("http://{}", address.rsplit('/').next().unwrap_or_default()));
            }
            if let Some(address) = entry["ocpp"].as_str() {
                said.ocpp = address.parse().ok();
            }
            if entry["level"] == "ERROR" {
                println!("{role}: {line}");
            }
        }
        if matches!(role, "serve" | "api") {
            self.api = said.api.unwrap_or_default();
            let first = tokio::time::timeout(Duration::from_secs(5), output.next_line()).await;
            if let Ok(Ok(Some(line))) = first {
                self.password = line.rsplit(' ').next().unwrap_or_default().to_owned();
            }
        }
        if let Some(address) = said.ocpp {
            self.ocpp = address;
        }
        tokio::spawn(async move {
            while let Ok(Some(line)) = log.next_line().await {
                if line.contains("WARN") || line.contains("ERROR") {
                    println!("{role}: {line}");
                }
            }
        });
        tokio::spawn(async move { while let Ok(Some(_)) = output.next_line().await {} });
        self.running.push((role, process));
    }

    /// Starts the gateways, all behind one port.
    pub async fn open(&mut self) {
        for _ in 0..self.gateways {
            self.run("gateway").await;
        }
    }

    /// Kills the gateways with SIGKILL.
    pub async fn kill_gateways(&mut self) {
        assert!(self.gateways > 1, "the API must stay");
        for (_, process) in self.running.iter_mut().filter(|(role, _)| *role == "gateway") {
            process.start_kill().expect("it runs");
        }
        for (_, mut process) in self.running.extract_if(.., |(role, _)| *role == "gateway").collect::<Vec<_>>() {
            let _ = process.wait().await;
        }
    }

    /// Process ids of those that hold connections.
    pub fn gateways(&self) -> Vec<u32> {
        self.pids(|role| matches!(role, "serve" | "gateway"))
    }

    /// Process ids of all.
    pub fn all(&self) -> Vec<u32> {
        self.pids(|_| true)
    }

    fn pids(&self, wanted: impl Fn(&str) -> bool) -> Vec<u32> {
        self.running.iter().filter(|(role, _)| wanted(role)).filter_map(|(_, process)| process.id()).collect()
    }

    /// Process ids of PostgreSQL.
    pub fn postgres(&self) -> Vec<u32> {
        crate::measure::family(self.cluster.pid().unsigned_abs())
    }

    /// A connection as the owner of the tables.
    pub async fn owner(&self) -> AsyncPgConnection {
        AsyncPgConnection::establish(&self.urls.owner).await.expect("a connection")
    }

    /// Stops everything in order.
    pub async fn stop(mut self) {
        for (_, process) in &self.running {
            let pid = nix::unistd::Pid::from_raw(process.id().unwrap_or_default().cast_signed());
            let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
        }
        for (_, process) in &mut self.running {
            let _ = tokio::time::timeout(Duration::from_secs(60), process.wait()).await;
        }
        self.cluster.stop().await;
    }
}

async fn build() -> PathBuf {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    // With the packages that this program is built with: the same features, nothing twice.
    let packages = ["-p", "stromtor-api", "-p", "stromtor-tests", "--bin", "stromtor"];
    let output = Command::new(cargo)
        .args(["build", "--release", "--locked", "--message-format=json"])
        .args(packages)
        .current_dir(root)
        .stderr(Stdio::inherit())
        .output()
        .await
        .expect("cargo runs");
    let text = String::from_utf8(output.stdout).expect("cargo writes text");
    let messages = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let program = messages.filter_map(|message| message["executable"].as_str().map(str::to_owned)).next_back();
    program.expect("the server builds").into()
}

fn open_folder(folder: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::create_dir_all(folder).expect("a folder");
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).expect("our own folder");
}
