//! What is sold to operators, who has it, and what is refused without it.

mod catalogue;
mod needs;
mod order;

use serde_json::{Value, json};

use crate::world::Client;

pub fn body(kind: &str, code: &str, enables: &[&str], price: &str) -> Value {
    json!({ "kind": kind, "code": code, "name": code, "enables": enables, "price": price, "currency": "EUR",
        "period": "month" })
}

/// A new product; its id.
pub async fn sell(client: &Client, kind: &str, code: &str, enables: &[&str], price: &str) -> String {
    let product = client.create("/v1/products", body(kind, code, enables, price)).await;
    product["id"].as_str().unwrap().to_owned()
}

pub fn path(order: &Value, step: &str) -> String {
    format!("/v1/product-orders/{}{step}", order["id"].as_str().unwrap())
}

/// Ordered and confirmed.
pub async fn buy(client: &Client, order: Value) -> Value {
    let order = client.create("/v1/product-orders", order).await;
    let confirmed = client.post(&path(&order, "/confirm"), json!(null)).await;
    assert_eq!((confirmed.status, &confirmed.body["state"]), (200, &json!("confirmed")), "{}", confirmed.body);
    confirmed.body
}

/// The codes of what speaks against an order, item by item.
pub async fn violations(client: &Client, order: &Value) -> Vec<Vec<String>> {
    let items = client.get(&path(order, "/items?violations=true&limit=500")).await.body["items"].clone();
    let codes = |item: &Value| {
        let all = item["violations"].as_array().unwrap().iter();
        all.map(|violation| violation["code"].as_str().unwrap().to_owned()).collect()
    };
    items.as_array().unwrap().iter().map(codes).collect()
}
