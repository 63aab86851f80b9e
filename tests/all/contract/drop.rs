//! A transaction that nobody commits is gone at once, with its locks.

use std::time::Duration;

use stromtor_domain::actor::{Actor, Permission};
use stromtor_persistence::network::location;

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_transaction_rolls_back_at_once() {
    let world = World::new().await;
    let cpo = world.partner("Nordstrom", "cpo").await;
    let client = world.client(cpo, Permission::ALL);
    let made = client.create("/v1/locations", crate::network::location::body("Here")).await;
    let id = made["id"].as_str().unwrap().parse().unwrap();
    let mut tx = world.app.begin(&Actor::system(cpo), Permission::LocationWrite).await.unwrap();
    location::delete(&mut tx, id, None).await.unwrap();
    drop(tx);
    // The row is there, unlocked, and no connection is left in a transaction.
    let path = format!("/v1/locations/{}", made["id"].as_str().unwrap());
    let changed =
        tokio::time::timeout(Duration::from_secs(5), client.patch(&path, serde_json::json!({ "name": "Still" })));
    assert_eq!(changed.await.expect("no lock is left").body["name"], "Still");
    let open = "select count(*)::text as value from pg_stat_activity where datname = current_database() \
        and state like 'idle in transaction%'";
    assert_eq!(world.texts(open).await, ["0"]);
    // So is one whose future was cancelled in the midst of a query.
    let app = world.app.clone();
    let cancelled = tokio::spawn(async move {
        let mut tx = app.begin(&Actor::system(cpo), Permission::LocationWrite).await.unwrap();
        location::delete(&mut tx, id, None).await.unwrap();
        std::future::pending::<()>().await;
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    cancelled.abort();
    assert!(cancelled.await.unwrap_err().is_cancelled());
    assert_eq!(client.patch(&path, serde_json::json!({ "name": "Again" })).await.body["name"], "Again");
}
