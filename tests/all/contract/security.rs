//! Row-level security itself, below every query of ours.

use diesel_async::{AsyncConnection as _, AsyncPgConnection, RunQueryDsl as _, SimpleAsyncConnection as _};

use crate::world::World;

#[derive(diesel::QueryableByName)]
struct Text {
    #[diesel(sql_type = diesel::sql_types::Text)]
    value: String,
}

#[derive(diesel::QueryableByName)]
struct Count {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    value: i64,
}

/// Tables of no tenant: reached by exact key, from code that checks, or the platform's catalogue that all may read.
const UNSCOPED: &[&str] = &[
    "__diesel_schema_migrations",
    "idempotency_key",
    "login_throttle",
    "manufacturer",
    "node",
    "one_time_token",
    // Ids alone; requests do not reach it.
    "publication_due",
    "refresh_token",
    "signing_key",
    "station_model",
    "stream_ticket",
];

async fn tables(conn: &mut AsyncPgConnection, filter: &str) -> Vec<String> {
    let rows: Vec<Text> = diesel::sql_query(format!(
        "select relname::text as value from pg_class where relnamespace = 'public'::regnamespace \
         and relkind in ('r', 'p') and not relispartition and {filter} order by 1"
    ))
    .load(conn)
    .await
    .unwrap();
    rows.into_iter().map(|row| row.value).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_tenants_table_is_protected() {
    let world = World::new().await;
    let mut conn = AsyncPgConnection::establish(&world.urls.request).await.unwrap();
    assert_eq!(tables(&mut conn, "not relrowsecurity").await, UNSCOPED);
}

#[tokio::test(flavor = "multi_thread")]
async fn request_role_without_a_scope_sees_no_row() {
    let world = World::new().await;
    let cpo = world.partner("Nordstrom", "cpo").await;
    let client = world.client(cpo, stromtor_domain::actor::Permission::ALL);
    client.create("/v1/locations", crate::network::location::body("Seen")).await;
    let mut conn = AsyncPgConnection::establish(&world.urls.request).await.unwrap();
    for table in tables(&mut conn, "relrowsecurity").await {
        let count: Count =
            diesel::sql_query(format!("select count(*) as value from {table}")).get_result(&mut conn).await.unwrap();
        assert_eq!(count.value, 0, "{table}");
    }
    let mut owner = AsyncPgConnection::establish(&world.urls.owner).await.unwrap();
    let seen: Count = diesel::sql_query("select count(*) as value from location").get_result(&mut owner).await.unwrap();
    assert_eq!(seen.value, 1, "there was something to see");
}

#[tokio::test(flavor = "multi_thread")]
async fn serving_roles_own_nothing_and_bypass_nothing() {
    let world = World::new().await;
    let mut conn = AsyncPgConnection::establish(&world.urls.owner).await.unwrap();
    let wrong: Count = diesel::sql_query(
        "select (select count(*) from pg_roles where rolname like 'stromtor\\_%' and (rolsuper or rolbypassrls)) \
         + (select count(*) from pg_class c join pg_roles r on r.oid = c.relowner \
            where r.rolname in ('stromtor_request', 'stromtor_ingest', 'stromtor_worker')) as value",
    )
    .get_result(&mut conn)
    .await
    .unwrap();
    assert_eq!(wrong.value, 0);
    let mut request = AsyncPgConnection::establish(&world.urls.request).await.unwrap();
    assert!(request.batch_execute("set role stromtor_owner").await.is_err());
    assert!(request.batch_execute("alter table location disable row level security").await.is_err());
}
