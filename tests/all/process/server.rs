//! The built program, run as its users run it.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

/// `target/…/stromtor`, built if it is not.
async fn program() -> PathBuf {
    static BUILT: tokio::sync::OnceCell<PathBuf> = tokio::sync::OnceCell::const_new();
    let built = BUILT.get_or_init(async || {
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let build = ["build", "--locked", "-p", "stromtor-api", "--bin", "stromtor", "--message-format=json"];
        let output = Command::new(cargo).args(build).current_dir(root).output().await.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        let messages = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let executable = messages.filter_map(|message| message["executable"].as_str().map(PathBuf::from)).next_back();
        executable.expect("cargo names the executable")
    });
    built.await.clone()
}

/// A folder for data that PostgreSQL's own user can reach.
pub fn folder() -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

/// A running server on free ports with an embedded PostgreSQL.
pub struct Server {
    pub api: String,
    pub stations: String,
    /// The platform owner's password, at the first start.
    pub password: Option<String>,
    data: PathBuf,
    process: Child,
    /// Whether PostgreSQL is to outlive this server.
    killed: bool,
}

impl Server {
    pub async fn start(data: &Path) -> Self {
        Self::start_with(data, &[]).await
    }

    /// With more of its configuration as environment variables.
    pub async fn start_with(data: &Path, settings: &[(&str, &str)]) -> Self {
        let mut process = Command::new(program().await)
            .arg("serve")
            .env("STROMTOR_STORAGE__DATA_DIR", data)
            .env("STROMTOR_SERVER__LISTEN", "127.0.0.1:0")
            .env("STROMTOR_OCPP__LISTEN", "127.0.0.1:0")
            .env("STROMTOR_OCPP__HEARTBEAT_INTERVAL_S", "60")
            .env("STROMTOR_LOG__FORMAT", "json")
            .envs(settings.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(process.stderr.take().unwrap()).lines();
        let (mut api, mut stations) = (None, None);
        let mut said = Vec::new();
        while api.is_none() || stations.is_none() {
            let line = tokio::time::timeout(Duration::from_secs(90), log.next_line()).await.unwrap().unwrap();
            let Some(line) = line else { panic!("it did not start: {said:#?}") };
            let entry: Value = serde_json::from_str(&line).unwrap_or_default();
            if let Some(address) = entry["api"].as_str() {
                api = Some(format!("http://{}", address.rsplit('/').next().unwrap()));
            }
            if let Some(address) = entry["ocpp"].as_str() {
                stations = Some(format!("ws://{address}"));
            }
            said.push(line);
        }
        // Its log must go somewhere, or it would block.
        tokio::spawn(async move { while let Ok(Some(_)) = log.next_line().await {} });
        let mut output = BufReader::new(process.stdout.take().unwrap()).lines();
        let first = tokio::time::timeout(Duration::from_millis(500), output.next_line()).await;
        let password =
            first.ok().and_then(|line| line.unwrap()).and_then(|line| line.rsplit(' ').next().map(str::to_owned));
        tokio::spawn(async move { while let Ok(Some(_)) = output.next_line().await {} });
        Self { api: api.unwrap(), stations: stations.unwrap(), password, data: data.to_owned(), process, killed: false }
    }

    /// The postmaster's process.
    pub fn postmaster(&self) -> Option<Pid> {
        let text = std::fs::read_to_string(self.data.join("postgres/postmaster.pid")).ok()?;
        text.lines().next()?.trim().parse().ok().map(Pid::from_raw)
    }

    /// `kill -9`.
    pub async fn kill(&mut self) {
        self.killed = true;
        self.process.kill().await.unwrap();
    }

    /// `kill -9` of PostgreSQL.
    pub fn kill_postmaster(&self) {
        self.signal_postmaster(Signal::SIGKILL);
    }

    /// SIGINT is PostgreSQL's fast shutdown, SIGQUIT its immediate one: the process that was told.
    pub fn signal_postmaster(&self, signal: Signal) -> Pid {
        let pid = self.postmaster().unwrap();
        kill(pid, signal).unwrap();
        pid
    }

    /// Sockets and files that the process holds open.
    pub fn open_files(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.process.id().unwrap())).unwrap().count()
    }

    /// The sum of a metric over its labels.
    pub async fn metric(&self, name: &str) -> f64 {
        let text = reqwest::get(format!("{}/metrics", self.api)).await.unwrap().text().await.unwrap();
        let of_it =
            text.lines().filter(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', '{'])));
        of_it.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
    }

    /// The number that a query on the embedded database gives, as the owner of the tables.
    pub async fn count(&self, query: &str) -> i64 {
        use diesel_async::{AsyncConnection as _, RunQueryDsl as _};
        #[derive(diesel::QueryableByName)]
        struct Count {
            #[diesel(sql_type = diesel::sql_types::BigInt)]
            count: i64,
        }
        let socket = self.data.join("socket");
        let url = format!("host='{}' user='stromtor_owner' dbname='stromtor'", socket.display());
        let mut conn = diesel_async::AsyncPgConnection::establish(&url).await.unwrap();
        let row: Count = diesel::sql_query(query).get_result(&mut conn).await.unwrap();
        row.count
    }

    /// Ends it in order: PostgreSQL with it.
    pub async fn stop(mut self) {
        let pid = Pid::from_raw(self.process.id().unwrap().cast_signed());
        kill(pid, Signal::SIGTERM).unwrap();
        let ended = tokio::time::timeout(Duration::from_secs(60), self.process.wait()).await.unwrap().unwrap();
        assert!(ended.success(), "{ended}");
        assert!(self.postmaster().is_none(), "PostgreSQL ends with the server");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.killed {
            return;
        }
        // A test that failed leaves nothing behind.
        let _ = self.process.start_kill();
        if let Some(pid) = self.postmaster() {
            let _ = kill(pid, Signal::SIGINT);
        }
    }
}
