//! One embedded PostgreSQL for the whole test run, one migrated template, a copy of it per test.
//!
//! nextest runs each test in a process of its own; they share the cluster through its pid file and a lock file.

use std::{fs, path::PathBuf};

use diesel_async::{AsyncConnection as _, AsyncPgConnection, SimpleAsyncConnection as _};
use stromtor_persistence::{db::Urls, embedded::Embedded, migrate};

/// A fresh database with every table.
pub async fn database() -> Urls {
    let folder = folder();
    fs::create_dir_all(&folder).unwrap();
    let lock = fs::File::create(folder.join("lock")).unwrap();
    let lock = tokio::task::spawn_blocking(move || {
        lock.lock().unwrap();
        lock
    })
    .await
    .unwrap();
    let cluster = Embedded::start(&folder).await.unwrap();
    let template = template_name();
    let urls = cluster.urls(&template);
    if AsyncPgConnection::establish(&urls.owner).await.is_err() {
        cluster.clone_database("template1", "stromtor_building").await.unwrap();
        migrate::run(&cluster.urls("stromtor_building").owner).await.unwrap();
        let mut conn =
            AsyncPgConnection::establish(&cluster.urls("stromtor").owner.replace("'stromtor_owner'", "'postgres'"))
                .await
                .unwrap();
        conn.batch_execute(&format!("alter database stromtor_building rename to {template}")).await.unwrap();
    }
    let name = format!("test_{}", uuid::Uuid::new_v4().simple());
    let urls = cluster.clone_database(&template, &name).await.unwrap();
    drop(lock);
    // The cluster outlives this process on purpose: the next test adopts it.
    std::mem::forget(cluster);
    urls
}

/// Where the cluster lives: under the system's temporary folder, for the unprivileged user that PostgreSQL runs as when we are
/// root may not be able to reach the checkout.
fn folder() -> PathBuf {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    if let Some(folder) = std::env::var_os("TEST_PG_DIR") {
        return folder.into();
    }
    let mut hasher = DefaultHasher::new();
    env!("CARGO_MANIFEST_DIR").hash(&mut hasher);
    std::env::temp_dir().join(format!("stromtor-tests-{:x}", hasher.finish()))
}

/// Changes when a migration changes.
fn template_name() -> String {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    let mut hasher = DefaultHasher::new();
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../migrations");
    let mut files: Vec<_> = fs::read_dir(root).unwrap().flatten().map(|entry| entry.path().join("up.sql")).collect();
    files.sort();
    for file in files {
        fs::read_to_string(file).unwrap_or_default().hash(&mut hasher);
    }
    format!("template_{:x}", hasher.finish())
}
