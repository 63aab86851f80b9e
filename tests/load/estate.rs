//! What there is to charge at: an operator, a tariff, stations with two charge points and a card each.

use serde_json::{Value, json};
use stromtor_api::secrets::Secrets;

use crate::{
    servers::{SECRET, Servers},
    stations::{PASSWORD, identity},
};

/// The API, as the platform's owner.
#[derive(Clone)]
pub struct Api {
    http: reqwest::Client,
    base: String,
    token: String,
}

impl Api {
    /// Logs in.
    pub async fn log_in(servers: &Servers) -> Self {
        let http = reqwest::Client::new();
        let form = [
            ("grant_type", "password"),
            ("username", "owner@localhost.localdomain"),
            ("password", servers.password.as_str()),
        ];
        let reply = http.post(format!("{}/oauth/token", servers.api)).form(&form).send().await.expect("an answer");
        let reply: Value = reply.json().await.expect("JSON");
        let token = reply["access_token"].as_str().expect("a token").to_owned();
        Self { http, base: servers.api.clone(), token }
    }

    /// As an API client that was just made.
    pub async fn as_client(&self, client: &Value) -> Self {
        let text = |key: &str| client[key].as_str().expect("a text").to_owned();
        let form = [
            ("grant_type", "client_credentials".to_owned()),
            ("client_id", text("client_id")),
            ("client_secret", text("client_secret")),
        ];
        let reply = self.http.post(format!("{}/oauth/token", self.base)).form(&form).send().await.expect("an answer");
        let reply: Value = reply.json().await.expect("JSON");
        Self { token: reply["access_token"].as_str().expect("a token").to_owned(), ..self.clone() }
    }

    pub async fn post(&self, path: &str, body: Value) -> Value {
        let request = self.http.post(format!("{}{path}", self.base)).bearer_auth(&self.token).json(&body);
        let reply = request.send().await.expect("an answer");
        assert!(reply.status().is_success(), "{path}: {}", reply.text().await.unwrap_or_default());
        reply.json().await.expect("JSON")
    }

    pub async fn get(&self, path: &str) -> Value {
        let reply = self.http.get(format!("{}{path}", self.base)).bearer_auth(&self.token).send().await;
        let reply = reply.expect("an answer");
        assert!(reply.status().is_success(), "{path}: {}", reply.text().await.unwrap_or_default());
        reply.json().await.expect("JSON")
    }
}

/// Makes everything; stations over the API, cards and passwords, one by one there, by SQL.
pub async fn prepare(servers: &Servers, stations: usize) -> Api {
    let api = Api::log_in(servers).await;
    let cpo = api.post("/v1/partners", json!({ "name": "Load", "kind": "cpo" })).await["id"].clone();
    let cpo = cpo.as_str().expect("an id");
    let place = json!({ "name": "Load", "time_zone": "Europe/Berlin",
        "address": { "street": "Weg 1", "city": "Berlin", "country": "DE" } });
    let place = api.post(&format!("/v1/locations?partner_id={cpo}"), place).await["id"].clone();
    let prices =
        json!({ "name": "AC", "code": "AC", "currency": "EUR", "ac": { "per_kwh": "0.49", "per_minute": "0.02" } });
    let tariff = api.post(&format!("/v1/tariffs?partner_id={cpo}"), prices).await["id"].clone();
    let numbers: Vec<usize> = (0..stations).collect();
    for chunk in numbers.chunks(500) {
        let point = |number: usize, place: usize| {
            let connector = json!({ "ocpp_connector_id": place, "standard": "iec_62196_t2", "format": "socket",
                "power_type": "ac_3_phase", "max_voltage_v": 400, "max_current_a": 32 });
            json!({ "charge_point": { "code": format!("L{number}-{place}"), "evse_number": place, "current_type": "ac" },
                "connectors": [connector] })
        };
        let new: Vec<Value> = chunk
            .iter()
            .map(|number| {
                json!({ "station": { "location_id": place, "ocpp_identity": identity(*number),
                        "installation_status": "commissioned" },
                    "charge_points": [point(*number, 1), point(*number, 2)] })
            })
            .collect();
        api.post("/v1/stations/batch", json!({ "stations": new })).await;
    }
    let password = hex::encode(
        Secrets::new(&hex::decode(SECRET).expect("hexadecimal")).expect("a key").fingerprint(PASSWORD.as_bytes()),
    );
    let tariff = tariff.as_str().expect("an id");
    use diesel_async::SimpleAsyncConnection as _;
    let rest = format!(
        "update station set password_hmac = '\\x{password}'; \
         insert into token (id, partner_id, kind, uid, status, metadata, created_at, updated_at) \
           select gen_random_uuid(), '{cpo}', 'rfid', 'CARD' || i, 'active', '{{}}', now(), now() \
           from generate_series(0, {stations} - 1) i; \
         insert into tariff_assignment (id, partner_id, location_id, charge_point_id, tariff_id, valid_from, created_at) \
           select gen_random_uuid(), partner_id, location_id, id, '{tariff}', now(), now() from charge_point; \
         vacuum analyze partner, location, station, charge_point, connector, token, tariff, tariff_version, tariff_assignment;"
    );
    // What was filled, as autovacuum would: a table that is known to be empty is planned for as if it stayed so. Each by itself: VACUUM runs in no transaction.
    let mut conn = servers.owner().await;
    for statement in rest.split_inclusive(';') {
        conn.batch_execute(statement).await.expect("the rest of the estate");
    }
    api
}
