//! Calls every operation of the committed document with no token, with a token that lacks the permission, and with
//! another tenant's token. The lists of exceptions may only shrink.

use serde_json::{Value, json};
use stromtor_domain::actor::Permission;

use crate::world::{Client, Reply, World};

struct Operation {
    id: String,
    method: String,
    path: String,
    permission: Option<Permission>,
    public: bool,
    /// Names of required query parameters.
    query: Vec<String>,
    body: Option<(String, Value)>,
}

fn operations() -> Vec<Operation> {
    let document: Value = serde_json::from_str(&std::fs::read_to_string(stromtor_openapi::COMMITTED).unwrap()).unwrap();
    let mut operations = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let content = operation["requestBody"]["content"].as_object();
            let body = content.and_then(|content| {
                content.iter().next().map(|(kind, media)| (kind.clone(), media["example"].clone()))
            });
            operations.push(Operation {
                id: operation["operationId"].as_str().unwrap().to_owned(),
                method: method.to_uppercase(),
                path: path.clone(),
                permission: operation["x-permission"].as_str().map(|name| Permission::parse(name).unwrap()),
                public: operation["security"].as_array().is_none_or(Vec::is_empty),
                query: operation["parameters"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter(|parameter| parameter["in"] == "query" && parameter["required"] == true)
                    .map(|parameter| parameter["name"].as_str().unwrap().to_owned())
                    .collect(),
                body,
            });
        }
    }
    operations
}

impl Operation {
    async fn call(&self, client: &Client, ids: &dyn Fn(&str) -> String) -> Reply {
        let mut path = String::new();
        for part in self.path.split('/').skip(1) {
            path.push('/');
            match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
                Some(name) => path.push_str(&ids(name)),
                None => path.push_str(part),
            }
        }
        for (at, name) in self.query.iter().enumerate() {
            path.push(if at == 0 { '?' } else { '&' });
            path.push_str(&format!("{name}={}", ids(name)));
        }
        let mut request = client.request(&self.method, &path);
        if let Some((kind, body)) = &self.body {
            request = request.header("content-type", kind);
            request = match kind.as_str() {
                "application/octet-stream" => request.body("bytes"),
                "text/csv" => request.body(body.as_str().unwrap_or_default().to_owned()),
                kind if kind.contains("json") => request.body(body.to_string()),
                _ => request.form(body),
            };
        }
        client.send(request).await
    }
}

fn nobody(_: &str) -> String {
    "0193a3c4-5d6e-7f80-9a1b-2c3d4e5f6071".into()
}

/// Operations that need no token. May only shrink.
const PUBLIC: &[&str] = &[
    "jwks_get",
    "oauth_revoke",
    "oauth_token",
    "password_create",
    "password_reset_create",
    // The secret is in the URL.
    "transfer_get",
    "transfer_post",
    "transfer_put",
];

#[tokio::test(flavor = "multi_thread")]
async fn no_token_no_answer() {
    let world = World::new().await;
    let mut public = Vec::new();
    for operation in operations() {
        if operation.public {
            public.push(operation.id.clone());
            continue;
        }
        let reply = operation.call(&world.anonymous(), &nobody).await;
        assert_eq!((reply.status, reply.code()), (401, "unauthenticated"), "{}", operation.id);
        let mut forged = world.anonymous();
        forged.token = Some("eyJhbGciOiJub25lIn0.e30.".into());
        assert_eq!(operation.call(&forged, &nobody).await.code(), "unauthenticated", "{}", operation.id);
    }
    public.sort();
    assert_eq!(public, PUBLIC);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_permission_named_is_the_permission_needed() {
    let world = World::new().await;
    let cpo = world.partner("Nordstrom", "cpo").await;
    for operation in operations() {
        let Some(needed) = operation.permission else { continue };
        let others: Vec<Permission> = Permission::ALL.iter().copied().filter(|other| *other != needed).collect();
        let reply = operation.call(&world.client(cpo, &others), &nobody).await;
        // A body that is refused before the permission is looked at would hide a missing check.
        assert_eq!((reply.status, reply.code()), (403, "permission_denied"), "{}: {}", operation.id, reply.body);
        assert_eq!(reply.body["permission"], needed.as_str(), "{}", operation.id);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_tenants_resources_are_not_there() {
    let world = World::new().await;
    let (ours, theirs) = (world.partner("Ours", "cpo").await, world.partner("Theirs", "cpo").await);
    let owned = crate::contract::coverage::estate::build(&world, ours).await;
    let stranger = world.client(theirs, Permission::ALL);
    let before = estate::fingerprint(&world).await;
    let mut seen = Vec::new();
    for operation in operations() {
        if !operation.path.contains('{') && operation.query.is_empty() {
            continue;
        }
        let reply = operation.call(&stranger, &|name| owned.id(name)).await;
        if estate::SHARED.contains(&operation.id.as_str()) {
            continue;
        }
        assert_eq!(reply.status, 404, "{} {} answered {}", operation.method, operation.id, reply.body);
        assert_eq!(reply.code(), "not_found");
        seen.push(operation.id);
    }
    assert!(seen.len() > 10, "the test tried too little: {seen:?}");
    assert_eq!(before, estate::fingerprint(&world).await, "a stranger changed something");

    // Lists show nothing of another tenant, not even when asked for it by name.
    let mark = json!(ours).to_string();
    for operation in
        operations().iter().filter(|operation| operation.id.ends_with("_list") && !operation.path.contains('{'))
    {
        let reply = stranger.get(&format!("{}?partner_id={ours}", operation.path)).await;
        assert!(reply.status == 200 || reply.status == 404, "{}: {}", operation.id, reply.body);
        assert!(!reply.body.to_string().contains(&mark), "{} shows {}", operation.id, reply.body);
    }
}

mod estate {
    //! One of everything, of one tenant.

    use std::collections::HashMap;

    use diesel_async::{AsyncConnection as _, AsyncPgConnection, RunQueryDsl as _};
    use serde_json::json;
    use stromtor_domain::{actor::Permission, tenancy::partner::PartnerId};

    use crate::world::World;

    /// Operations on what all tenants share: a stranger sees the hardware catalogue.
    pub const SHARED: &[&str] = &[
        // Of one's own scope alone, whatever is asked.
        "distinct_value_get",
        "manufacturer_delete",
        "manufacturer_get",
        "manufacturer_patch",
        "manufacturer_replace",
        "station_model_delete",
        "station_model_get",
        "station_model_patch",
        "station_model_replace",
    ];

    pub struct Estate(HashMap<&'static str, String>);

    impl Estate {
        /// The id of a path parameter; every parameter must have one, or the test would prove nothing.
        pub fn id(&self, parameter: &str) -> String {
            self.0.get(parameter).unwrap_or_else(|| panic!("the estate has no {parameter}")).clone()
        }
    }

    pub async fn build(world: &World, owner: PartnerId) -> Estate {
        let client = world.client(owner, Permission::ALL);
        let mut ids = HashMap::new();
        let location = ids_of(&client).await;
        for (name, body) in location {
            ids.insert(name, body);
        }
        let mut keep = |name: &'static str, body: &serde_json::Value| {
            ids.insert(name, body["id"].as_str().unwrap().to_owned());
        };
        keep("partner_id", &client.create("/v1/partners", json!({ "name": "Below", "kind": "sub_cpo" })).await);
        keep(
            "role_id",
            &client.create("/v1/roles", json!({ "name": "clerk", "permissions": ["location:read"] })).await,
        );
        let card = json!({ "kind": "rfid", "uid": "04A2", "status": "active" });
        let card = client.create("/v1/tokens", card).await;
        keep("token_id", &card);
        let other = format!("/v1/token-aliases?token_id={}", card["id"].as_str().unwrap());
        keep("token_alias_id", &client.create(&other, json!({ "uid": "04A2B3" })).await);
        let cards = client.create("/v1/emaid-groups", json!({ "name": "Fleet" })).await;
        keep("emaid_group_id", &cards);
        let points = client.create("/v1/charge-point-groups", json!({ "name": "Depot" })).await;
        keep("charge_point_group_id", &points);
        let permission = json!({ "name": "P", "emaid_group_id": cards["id"], "charge_point_group_id": points["id"] });
        keep("access_permission_id", &client.create("/v1/access-permissions", permission).await);
        let emp = world.partner("Strom", "emp").await;
        keep(
            "ocpi_party_id",
            &client.create("/v1/ocpi-parties", json!({ "country_code": "DE", "party_id": "EST" })).await,
        );
        keep("ocpi_peer_id", &client.create("/v1/ocpi-peers", json!({ "name": "Peer" })).await);
        keep("emp_contract_id", &client.create("/v1/emp-contracts", json!({ "name": "C", "emp_id": emp })).await);
        let user = json!({ "email": "ada@example.com", "name": "Ada", "roles": ["viewer"] });
        keep("user_id", &client.create("/v1/users", user).await);
        let program = json!({ "name": "Sync", "permissions": ["location:read"], "enabled": true });
        keep("api_client_id", &client.create("/v1/api-clients", program).await);
        let catalogue = world.root();
        let maker = catalogue.create("/v1/manufacturers", json!({ "name": "Wallb-e" })).await;
        keep("manufacturer_id", &maker);
        let model = json!({ "manufacturer_id": maker["id"], "name": "Eco 2.0" });
        keep("station_model_id", &catalogue.create("/v1/station-models", model).await);
        let tariff = json!({ "name": "AC", "code": "AC", "currency": "EUR", "ac": { "per_kwh": "0.49" } });
        let tariff = client.create("/v1/tariffs", tariff).await;
        keep("tariff_id", &tariff);
        let version = tariff["version_id"].as_str().unwrap().to_owned();
        let (station, point) = (ids["station_id"].clone(), ids["charge_point_id"].clone());
        ids.insert("tariff_version_id", version);
        let mut keep = |name: &'static str, body: &serde_json::Value| {
            ids.insert(name, body["id"].as_str().unwrap().to_owned());
        };
        let assignment = json!({ "tariff_id": tariff["id"], "charge_point_id": point });
        keep("tariff_assignment_id", &client.create("/v1/tariff-assignments", assignment).await);
        let plan = json!({ "tariff_id": tariff["id"], "charge_point_ids": [point] });
        keep("tariff_plan_id", &client.create("/v1/tariff-plans", plan).await);
        // One that enables nothing, so that nothing is refused.
        let product = json!({ "kind": "station", "code": "S", "name": "S", "enables": [], "price": "1", "currency": "EUR",
            "period": "month" });
        let product = client.create("/v1/products", product).await;
        keep("product_id", &product);
        let order = json!({ "product_id": product["id"], "station_ids": [station] });
        let order = client.create("/v1/product-orders", order).await;
        keep("product_order_id", &order);
        let confirm = format!("/v1/product-orders/{}/confirm", order["id"].as_str().unwrap());
        assert_eq!(client.post(&confirm, json!(null)).await.status, 200);
        keep("product_assignment_id", &client.get("/v1/product-assignments").await.body["items"][0]);
        let other = json!({ "ocpp_identity": "cp-estate" });
        keep("station_alias_id", &client.create(&format!("/v1/station-aliases?station_id={station}"), other).await);
        keep("evse_prefix_id", &client.create("/v1/evse-prefixes", json!({ "prefix": "DE*EST" })).await);
        let named = client.post(&format!("/v1/charge-points/{point}/evse-id"), json!({})).await;
        assert_eq!(named.body["evse_id"], "DE*EST*E1", "{}", named.body);
        let note = json!({ "text": "Cable changed", "noted_on": "2026-11-01" });
        keep("note_id", &client.create(&format!("/v1/notes?station_id={station}"), note).await);
        let command = client.post(&format!("/v1/stations/{station}/commands"), json!({ "type": "clear_cache" })).await;
        assert_eq!(command.status, 202, "{}", command.body);
        keep("command_id", &command.body);
        let template = json!({ "name": "Usual", "parameters": [{ "name": "HeartbeatInterval", "value": "300" }] });
        keep("parameter_template_id", &client.create("/v1/parameter-templates", template).await);
        let until = world.app.now() + chrono::TimeDelta::hours(1);
        let reservation = json!({ "station_id": station, "connector": 1, "token_uid": "04A2", "expires_at": until });
        keep("reservation_id", &client.create("/v1/reservations", reservation).await);
        let profile = json!({ "station_id": station, "connector": 1, "purpose": "tx_default", "stack_level": 0, "kind": "relative",
            "schedule": { "unit": "a", "periods": [{ "start_s": 0, "limit": "16.0" }] } });
        keep("charging_profile_id", &client.create("/v1/charging-profiles", profile).await);
        let image = json!({ "name": "fw.bin", "version": "2.0.0" });
        keep("firmware_image_id", &client.create("/v1/firmware-images", image).await);
        // Sessions are made by stations; one row stands for them.
        let (session, station) = ("0193a3c4-5d6e-7f80-9a1b-2c3d4e5f6072", ids["station_id"].clone());
        world
            .sql(&format!(
                "insert into session (id, operator_id, location_id, station_id, ocpp_connector_id, start_key, auth_source, \
                 state, started_at, meter_start_wh, created_at, updated_at) values ('{session}', '{owner}', '{}', \
                 '{station}', 1, 'k', 'local_rfid', 'active', now(), 0, now(), now())",
                ids["location_id"]
            ))
            .await;
        ids.insert("session_id", session.to_owned());
        // So are attempts, CDRs, deliveries and jobs.
        let at = ids["location_id"].clone();
        world
            .sql(&format!(
                "insert into authorization_attempt (id, at, operator_id, location_id, station_id, id_tag, trigger, decision, \
                 reason, source) values ('{session}', now(), '{owner}', '{at}', '{station}', 'AA', 'authorize', 'accepted', \
                 'token_valid', 'local_rfid'); \
                 insert into cdr (id, session_id, session_number, leg, seller_id, buyer_id, operator_id, location_id, \
                 station_id, started_at, ended_at, duration_s, energy_kwh, current_type, country, currency, rating, \
                 total_net, total_vat, total_gross, state, measurement, created_at) values ('{session}', '{session}', 1, 1, \
                 '{owner}', '{owner}', '{owner}', '{at}', '{station}', now(), now(), 0, 0, 'ac', 'DE', 'EUR', '{{}}', 0, 0, 0, \
                 'final', '{{}}', now()); \
                 insert into ocpi_message (id, at, partner_id, peer_id, direction, method, url, took_ms) values ('{session}', now(), \
                 '{owner}', '{session}', 'in', 'GET', 'x', 1); \
                 insert into delivery (id, partner_id, subscriber, key, payload, state, next_attempt_at, created_at, \
                 updated_at) values ('{session}', '{owner}', 'mail', 'k', '{{}}', 'dead', now(), now(), now()); \
                 insert into station_report (id, partner_id, location_id, station_id, kind, request_id, parts, created_at, \
                 updated_at) values ('{session}', '{owner}', '{at}', '{station}', 'monitoring', 1, '{{}}', now(), now()); \
                 insert into job (id, partner_id, kind, payload, state, run_at, created_at, updated_at) values \
                 ('{session}', '{owner}', 'settle_session', '{{}}', 'dead', now(), now(), now()); \
                 insert into certificate_request (id, partner_id, location_id, station_id, certificate_type, csr, state, \
                 created_at, updated_at) values ('{session}', '{owner}', '{at}', '{station}', 'charging_station', 'x', \
                 'failed', now(), now()); \
                 insert into station_certificate (id, partner_id, location_id, station_id, certificate_type, \
                 hash_algorithm, issuer_name_hash, issuer_key_hash, serial_number, seen_at, created_at) values \
                 ('{session}', '{owner}', '{at}', '{station}', 'mo_root', 'SHA256', 'a', 'b', 'c', now(), now())",
            ))
            .await;
        // And what stations were asked to do with files.
        world
            .sql(&format!(
                "insert into log_request (id, partner_id, location_id, station_id, ocpp_request_id, kind, state, created_by, \
                 created_at, updated_at) values ('{session}', '{owner}', '{at}', '{station}', 1, 'diagnostics', 'accepted', \
                 'x', now(), now()); \
                 insert into station_file (id, partner_id, location_id, station_id, log_request_id, name, content_type, \
                 size_bytes, sha256, object_key, created_at) values ('{session}', '{owner}', '{at}', '{station}', \
                 '{session}', 'log.zip', 'application/zip', 1, '00', 'station-files/x', now()); \
                 insert into firmware_update (id, partner_id, location_id, station_id, name, version, ocpp_request_id, signed, \
                 retrieve_at, state, history, created_by, created_at, updated_at) values ('{session}', '{owner}', '{at}', \
                 '{station}', 'fw', '2.0.0', 2, false, now(), 'accepted', '[]', 'x', now(), now()); \
                 insert into firmware_publication (id, partner_id, location_id, station_id, name, version, checksum, \
                 ocpp_request_id, state, locations, history, created_by, created_at, updated_at) values ('{session}', \
                 '{owner}', '{at}', '{station}', 'fw', '2.0.0', '00', 3, 'published', '{{}}', '[]', 'x', now(), now())",
            ))
            .await;
        for name in ["log_request_id", "station_file_id", "firmware_update_id", "firmware_publication_id"] {
            ids.insert(name, session.to_owned());
        }
        ids.insert("transfer_token", "x".repeat(43));
        ids.insert("evse_id", "DE*EST*E1".to_owned());
        ids.insert("column", "location.city".to_owned());
        for name in [
            "authorization_id",
            "ocpi_message_id",
            "cdr_id",
            "certificate_request_id",
            "delivery_id",
            "job_id",
            "station_certificate_id",
            "station_report_id",
        ] {
            ids.insert(name, session.to_owned());
        }
        Estate(ids)
    }

    async fn ids_of(client: &crate::world::Client) -> Vec<(&'static str, String)> {
        let estate = crate::network::station::build(client, "CP-ESTATE").await;
        vec![
            ("location_id", estate.location),
            ("station_id", estate.station),
            ("charge_point_id", estate.charge_point),
            ("connector_id", estate.connector),
        ]
    }

    #[derive(diesel::QueryableByName)]
    struct Text {
        #[diesel(sql_type = diesel::sql_types::Text)]
        value: String,
    }

    /// A digest of every tenant's row.
    pub async fn fingerprint(world: &World) -> Vec<String> {
        let mut conn = AsyncPgConnection::establish(&world.urls.owner).await.unwrap();
        let tables: Vec<Text> = diesel::sql_query(
            "select relname::text as value from pg_class where relnamespace = 'public'::regnamespace \
             and relkind in ('r', 'p') and not relispartition and relrowsecurity order by 1",
        )
        .load(&mut conn)
        .await
        .unwrap();
        let mut digests = Vec::new();
        for table in tables {
            let digest: Text = diesel::sql_query(format!(
                "select '{0} ' || coalesce(md5(string_agg(t::text, '|' order by t::text)), '-') as value from {0} t",
                table.value
            ))
            .get_result(&mut conn)
            .await
            .unwrap();
            digests.push(digest.value);
        }
        digests
    }
}
