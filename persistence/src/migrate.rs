//! Brings the database to the tables this program knows.

use diesel_async::{AsyncConnection as _, AsyncMigrationHarness, AsyncPgConnection, SimpleAsyncConnection as _};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness as _, embed_migrations};
use stromtor_domain::{Error, Result, error::Cause};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../migrations");

/// Runs what is pending, as the owner of the tables; returns the names of what ran. Several processes may start at once:
/// an advisory lock lets one go first.
pub async fn run(owner_url: &str) -> Result<Vec<String>> {
    let mut conn =
        AsyncPgConnection::establish(owner_url).await.map_err(|error| Error::Unavailable(Cause::new(error)))?;
    conn.batch_execute("select pg_advisory_lock(hashtext('stromtor migrations'))").await.map_err(Error::internal)?;
    let mut harness = AsyncMigrationHarness::new(conn);
    tokio::task::spawn_blocking(move || {
        harness
            .run_pending_migrations(MIGRATIONS)
            .map(|versions| versions.iter().map(ToString::to_string).collect())
            .map_err(Error::internal)
    })
    .await
    .map_err(Error::internal)?
}
