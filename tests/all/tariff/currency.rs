//! A partner's currency: the first tariff's.

use serde_json::{Value, json};
use stromtor_domain::actor::Permission;

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn the_first_tariff_s_counts_when_none_is_named() {
    let world = World::new().await;
    let client = world.client(world.partner("Nordstrom", "cpo").await, Permission::ALL);
    let body = |code: &str, currency: Option<&str>| {
        let mut body = json!({ "name": code, "code": code, "ac": { "per_kwh": "0.49" } });
        if let Some(currency) = currency {
            body["currency"] = Value::from(currency);
        }
        body
    };
    let early = client.post("/v1/tariffs", body("A", None)).await;
    assert_eq!((early.status, early.pointers()), (422, vec!["/currency"]), "{}", early.body);
    assert_eq!(client.get("/v1/tariffs").await.body["items"], json!([]));
    client.create("/v1/tariffs", body("CH", Some("CHF"))).await;
    let second = client.create("/v1/tariffs", body("B", None)).await;
    assert_eq!(second["currency"], "CHF");
    assert_eq!(client.create("/v1/tariffs", body("EU", Some("EUR"))).await["currency"], "EUR");
    assert_eq!(client.create("/v1/tariffs", body("C", None)).await["currency"], "CHF", "the first one's");
    // It never changes, and stays where nothing is said of it.
    let path = format!("/v1/tariffs/{}", second["id"].as_str().unwrap());
    assert_eq!(client.put(&path, body("B2", None)).await.body["currency"], "CHF");
    assert_eq!(client.put(&path, body("B2", Some("EUR"))).await.pointers(), ["/currency"]);
}
