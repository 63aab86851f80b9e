//! The embedded PostgreSQL: a private cluster under the data folder, for everybody who configures no database.
//!
//! Unix socket only, started and stopped with us. After a `kill -9` of ours the postmaster lives on and is adopted.

use std::{
    fs, io,
    os::unix::{
        fs::{MetadataExt as _, PermissionsExt as _, chown},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use diesel::QueryableByName;
use diesel_async::{AsyncConnection as _, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection as _};
use nix::{
    sys::signal::{Signal, kill},
    unistd::{Pid, User, geteuid},
};
use tokio::process::{Child, Command};

use crate::db::Urls;

/// What keeps the embedded PostgreSQL from running, one clear line each.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    /// No PostgreSQL on this machine.
    #[error(
        "PostgreSQL was not found (PATH, /usr/lib/postgresql, Homebrew, /usr/pgsql-*): install the package `postgresql`, \
         or set database.url"
    )]
    NotInstalled,
    /// The folder holds another major version's data.
    #[error(
        "{folder} was made by PostgreSQL {found}, but {installed} is installed: install {found}, or move the folder away"
    )]
    OtherVersion {
        /// The data folder.
        folder: String,
        /// Version in the folder.
        found: String,
        /// Version of the binaries.
        installed: String,
    },
    /// A folder cannot be used.
    #[error("{folder}: {reason}")]
    Folder {
        /// Which.
        folder: String,
        /// Why.
        reason: String,
    },
    /// A program of PostgreSQL failed.
    #[error("{program} failed: {output}")]
    Failed {
        /// Which.
        program: &'static str,
        /// What it said.
        output: String,
    },
    /// The operating system said no.
    #[error("embedded PostgreSQL: {0}")]
    Io(#[from] io::Error),
    /// Set-up of roles and database failed.
    #[error("embedded PostgreSQL: {0}")]
    Setup(String),
}

/// The running cluster.
#[derive(Debug)]
pub struct Embedded {
    socket: PathBuf,
    pid: Pid,
    /// `None` when the postmaster was adopted.
    child: Option<Child>,
}

const SUPERUSER: &str = "postgres";
const ROLES: &str = include_str!("../../migrations/roles.sql");
/// `sockaddr_un` holds 108 bytes and PostgreSQL appends `/.s.PGSQL.5432.lock`.
const MAX_SOCKET_PATH: usize = 85;

impl Embedded {
    /// Starts the cluster under `data_dir`, or adopts the one that runs there.
    pub async fn start(data_dir: &Path) -> Result<Self, EmbeddedError> {
        let bin = find_binaries()?;
        fs::create_dir_all(data_dir)?;
        let data_dir = fs::canonicalize(data_dir)?;
        let user = Account::for_postgres()?;
        let cluster = data_dir.join("postgres");
        let socket = socket_folder(&data_dir)?;
        for folder in [&cluster, &socket] {
            user.own(folder)?;
        }
        check_version(&bin, &cluster)?;
        if !cluster.join("PG_VERSION").exists() {
            initdb(&bin, &cluster, &user).await?;
        }
        let (pid, child) = match running(&cluster) {
            Some(pid) => {
                tracing::info!(%pid, "adopted the PostgreSQL that an earlier run left behind");
                (pid, None)
            }
            None => {
                let child = spawn(&bin, &cluster, &socket, &user)?;
                let pid = child.id().ok_or_else(|| EmbeddedError::Setup("postgres ended at once".into()))?;
                (Pid::from_raw(pid.cast_signed()), Some(child))
            }
        };
        let mut embedded = Self { socket, pid, child };
        embedded.wait_until_ready(&cluster).await?;
        embedded.prepare("stromtor").await?;
        Ok(embedded)
    }

    /// URLs of a database of this cluster, one per role.
    #[must_use]
    pub fn urls(&self, database: &str) -> Urls {
        let url = |role: &str| self.url(role, database);
        Urls {
            owner: url("stromtor_owner"),
            request: url("stromtor_request"),
            ingest: url("stromtor_ingest"),
            worker: url("stromtor_worker"),
        }
    }

    fn url(&self, role: &str, database: &str) -> String {
        format!("host='{}' user='{role}' dbname='{database}' application_name='stromtor'", self.socket.display())
    }

    /// The postmaster's process.
    #[must_use]
    pub const fn pid(&self) -> i32 {
        self.pid.as_raw()
    }

    /// Makes the roles and a database, unless they are there.
    async fn prepare(&self, database: &str) -> Result<(), EmbeddedError> {
        let setup = |error: &dyn std::fmt::Display| EmbeddedError::Setup(error.to_string());
        let mut conn =
            AsyncPgConnection::establish(&self.url(SUPERUSER, "postgres")).await.map_err(|error| setup(&error))?;
        conn.batch_execute(ROLES).await.map_err(|error| setup(&error))?;
        #[derive(QueryableByName)]
        struct Exists {
            #[diesel(sql_type = diesel::sql_types::Bool)]
            exists: bool,
        }
        let found: Exists = diesel::sql_query("select exists (select from pg_database where datname = $1) as exists")
            .bind::<diesel::sql_types::Text, _>(database)
            .get_result(&mut conn)
            .await
            .map_err(|error| setup(&error))?;
        if !found.exists {
            conn.batch_execute(&format!("create database {database} owner stromtor_owner"))
                .await
                .map_err(|error| setup(&error))?;
        }
        Ok(())
    }

    /// Creates `name` as a copy of `template`; both are plain identifiers. For tests: a database each.
    pub async fn clone_database(&self, template: &str, name: &str) -> Result<Urls, EmbeddedError> {
        let setup = |error: &dyn std::fmt::Display| EmbeddedError::Setup(error.to_string());
        let mut conn =
            AsyncPgConnection::establish(&self.url(SUPERUSER, "postgres")).await.map_err(|error| setup(&error))?;
        conn.batch_execute(&format!(
            "create database {name} template {template} owner stromtor_owner strategy file_copy"
        ))
        .await
        .map_err(|error| setup(&error))?;
        Ok(self.urls(name))
    }

    async fn wait_until_ready(&mut self, cluster: &Path) -> Result<(), EmbeddedError> {
        // Recovery after a kill replays the log, which may take a while.
        for _ in 0..1200 {
            if AsyncPgConnection::establish(&self.url(SUPERUSER, "postgres")).await.is_ok() {
                return Ok(());
            }
            if let Some(child) = &mut self.child
                && child.try_wait()?.is_some()
            {
                let log = fs::read_to_string(cluster.join("server.log")).unwrap_or_default();
                let output = log.lines().rev().take(5).collect::<Vec<_>>().join(" | ");
                return Err(EmbeddedError::Failed { program: "postgres", output });
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Err(EmbeddedError::Failed { program: "postgres", output: "not ready after 60 seconds".into() })
    }

    /// Whether the postmaster lives.
    fn is_running(&mut self) -> bool {
        match &mut self.child {
            // Reaps it too: a dead child would look alive as a zombie.
            Some(child) => matches!(child.try_wait(), Ok(None)),
            None => kill(self.pid, None).is_ok(),
        }
    }

    /// Looks after the cluster until told to stop, and stops it then: a postmaster that dies is started again.
    pub async fn keep(mut self, data_dir: PathBuf, stop: tokio_util::sync::CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(Duration::from_millis(500)) => {}
            }
            if self.is_running() {
                continue;
            }
            tracing::error!("PostgreSQL has died and is started again");
            match Self::start(&data_dir).await {
                Ok(again) => self = again,
                // Its orphans may hold the shared memory for a moment.
                Err(error) => tracing::warn!(%error, "PostgreSQL does not start, trying again"),
            }
        }
        self.stop().await;
    }

    /// Stops the cluster: sessions are ended, everything is flushed.
    pub async fn stop(mut self) {
        // SIGINT is PostgreSQL's fast shutdown.
        let _ = kill(self.pid, Signal::SIGINT);
        match &mut self.child {
            Some(child) => {
                let _ = tokio::time::timeout(Duration::from_secs(30), child.wait()).await;
            }
            None => {
                for _ in 0..600 {
                    if kill(self.pid, None).is_err() {
                        break;
                    }
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }
}

/// The folder that holds `initdb` and `postgres`.
fn find_binaries() -> Result<PathBuf, EmbeddedError> {
    let whole = |folder: &Path| folder.join("initdb").is_file() && folder.join("postgres").is_file();
    let on_path =
        std::env::var_os("PATH").into_iter().flat_map(|path| std::env::split_paths(&path).collect::<Vec<_>>());
    // Wrappers and links on PATH lead to the real folder.
    let linked = on_path.flat_map(|folder| {
        let real = fs::canonicalize(folder.join("initdb")).ok().and_then(|file| file.parent().map(Path::to_path_buf));
        [Some(folder), real].into_iter().flatten().collect::<Vec<_>>()
    });
    let mut usual = Vec::new();
    for (parent, prefix, suffix) in [
        ("/usr/lib/postgresql", "", "bin"),
        ("/usr", "pgsql-", "bin"),
        ("/usr/lib", "postgresql", "bin"),
        ("/opt/homebrew/opt", "postgresql", "bin"),
        ("/usr/local/opt", "postgresql", "bin"),
        ("/usr/local", "pgsql", "bin"),
    ] {
        let Ok(entries) = fs::read_dir(parent) else { continue };
        let mut found: Vec<(u32, PathBuf)> = entries
            .flatten()
            .filter_map(|entry| {
                let name = entry.file_name().into_string().ok()?;
                let version = name.strip_prefix(prefix)?.trim_start_matches(['@', '-']).parse().unwrap_or(0);
                Some((version, entry.path().join(suffix)))
            })
            .collect();
        // The newest first.
        found.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
        usual.extend(found.into_iter().map(|(_, folder)| folder));
    }
    linked.chain(usual).find(|folder| whole(folder)).ok_or(EmbeddedError::NotInstalled)
}

fn check_version(bin: &Path, cluster: &Path) -> Result<(), EmbeddedError> {
    let Ok(found) = fs::read_to_string(cluster.join("PG_VERSION")) else { return Ok(()) };
    let output = std::process::Command::new(bin.join("postgres")).arg("--version").output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let installed = text.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit())).unwrap_or("?");
    let installed = installed.split('.').next().unwrap_or(installed);
    if found.trim() == installed {
        return Ok(());
    }
    Err(EmbeddedError::OtherVersion {
        folder: cluster.display().to_string(),
        found: found.trim().to_owned(),
        installed: installed.to_owned(),
    })
}

/// The user PostgreSQL runs as: ourselves, or an unprivileged one when we are root, for it refuses root.
struct Account {
    switch: Option<(u32, u32)>,
}

impl Account {
    fn for_postgres() -> Result<Self, EmbeddedError> {
        if !geteuid().is_root() {
            return Ok(Self { switch: None });
        }
        for name in ["postgres", "nobody"] {
            if let Ok(Some(user)) = User::from_name(name) {
                return Ok(Self { switch: Some((user.uid.as_raw(), user.gid.as_raw())) });
            }
        }
        Err(EmbeddedError::Setup(
            "PostgreSQL refuses to run as root, and there is no user `postgres` or `nobody`".into(),
        ))
    }

    /// Makes a folder that this user alone may enter.
    fn own(&self, folder: &Path) -> Result<(), EmbeddedError> {
        fs::create_dir_all(folder)?;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
        let Some((uid, gid)) = self.switch else { return Ok(()) };
        chown(folder, Some(uid), Some(gid))?;
        let closed = folder
            .ancestors()
            .skip(1)
            .find(|parent| fs::metadata(parent).is_ok_and(|meta| meta.mode() & 0o001 == 0 && meta.uid() != uid));
        match closed {
            Some(parent) => Err(EmbeddedError::Folder {
                folder: folder.display().to_string(),
                reason: format!(
                    "PostgreSQL runs as an unprivileged user, who may not pass {}: choose another storage.data_dir",
                    parent.display()
                ),
            }),
            None => Ok(()),
        }
    }

    fn command(&self, program: PathBuf) -> std::process::Command {
        let mut command = std::process::Command::new(program);
        if let Some((uid, gid)) = self.switch {
            command.uid(uid).gid(gid);
        }
        command.env_remove("PGDATA").env("LC_ALL", "C").current_dir("/").stdin(Stdio::null());
        command
    }
}

/// A folder for the socket whose path is short enough.
fn socket_folder(data_dir: &Path) -> Result<PathBuf, EmbeddedError> {
    let near = data_dir.join("socket");
    if near.as_os_str().len() <= MAX_SOCKET_PATH {
        return Ok(near);
    }
    let meta = fs::metadata(data_dir)?;
    // The inode tells data folders apart and stays the same over restarts.
    Ok(std::env::temp_dir().join(format!("stromtor-{}-{}", meta.dev(), meta.ino())))
}

async fn initdb(bin: &Path, cluster: &Path, user: &Account) -> Result<(), EmbeddedError> {
    let mut command = user.command(bin.join("initdb"));
    command.arg("-D").arg(cluster).args(["-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--locale=C"]);
    let output = Command::from(command).output().await?;
    if output.status.success() {
        return Ok(());
    }
    let output = String::from_utf8_lossy(&output.stderr).trim().replace('\n', " | ");
    Err(EmbeddedError::Failed { program: "initdb", output })
}

fn spawn(bin: &Path, cluster: &Path, socket: &Path, user: &Account) -> Result<Child, EmbeddedError> {
    let log = fs::OpenOptions::new().create(true).append(true).open(cluster.join("server.log"))?;
    let mut command = user.command(bin.join("postgres"));
    command.arg("-D").arg(cluster).arg("-k").arg(socket);
    for setting in [
        "listen_addresses=",
        "max_connections=120",
        "shared_buffers=256MB",
        "max_wal_size=4GB",
        "wal_compression=on",
        "checkpoint_timeout=15min",
        "random_page_cost=1.1",
        "log_min_messages=warning",
    ] {
        command.arg("-c").arg(setting);
    }
    // A Ctrl-C at the terminal is for us; we stop PostgreSQL when our own work is done.
    command.process_group(0).stdout(Stdio::from(log.try_clone()?)).stderr(Stdio::from(log));
    Ok(Command::from(command).spawn()?)
}

/// The postmaster that runs on this cluster, by its pid file.
fn running(cluster: &Path) -> Option<Pid> {
    let text = fs::read_to_string(cluster.join("postmaster.pid")).ok()?;
    let pid = Pid::from_raw(text.lines().next()?.trim().parse().ok()?);
    // A stale file may name somebody else's process.
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_else(|_| "postgres".into());
    (kill(pid, None).is_ok() && name.trim() == "postgres").then_some(pid)
}
