//! The authorisation monitor: what became of everybody who wanted to charge.

use chrono::TimeDelta;
use serde_json::{Value, json};
use stromtor_domain::{
    actor::{Actor, ActorKind, Permission},
    page::PageRequest,
    tenancy::partner::PartnerId,
};
use stromtor_ocpp::sim::Simulator;
use stromtor_persistence::access::authorization::{self, AuthorizationFilter};

use crate::{
    billing::cdr::{charge, open, settle},
    event::stream::{follow, next},
    marketplace::emp_contract::{agree, roam},
    world::{Client, World},
};

async fn items(client: &Client, query: &str) -> Vec<Value> {
    client.get(&format!("/v1/authorizations?{query}")).await.body["items"].as_array().unwrap().clone()
}

/// Until a stream tells that an authorisation has come so far.
async fn told(stream: &mut (impl futures_util::Stream<Item = Value> + Unpin), progress: &str) {
    loop {
        let item = next(stream).await;
        if item["progress"] == progress {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_authorisation_goes_from_the_reader_to_the_bill() {
    let world = World::new().await;
    let business = open(&world, "CP1").await;
    let client = &business.client;
    let station = Simulator::connect(&world.gateway(), "CP1", &business.password).await.unwrap();
    let mut stream = follow(client, &format!("/v1/authorizations/stream?station_id={}", business.estate.station)).await;
    let now = async || {
        let found = items(client, "decision=accepted").await;
        assert_eq!(found.len(), 1, "{found:?}");
        found[0].clone()
    };
    let at = async |progress: &str, status: &str| {
        let one = now().await;
        assert_eq!((&one["progress"], &one["status"]), (&json!(progress), &json!(status)), "{one}");
        one
    };
    station.call("Authorize", json!({ "idTag": "04A2B3C4" })).await.unwrap();
    let authorized = at("authorized", "waiting").await;
    assert_eq!((&authorized["source"], authorized.get("session_id")), (&json!("local_rfid"), None));
    told(&mut stream, "authorized").await;

    world.clock.advance(TimeDelta::seconds(40));
    let begun = world.app.now().to_ocpp();
    // The station spells the card its own way.
    let start = json!({ "connectorId": 1, "idTag": "04a2b3c4", "meterStart": 1000, "timestamp": begun });
    let transaction = station.call("StartTransaction", start).await.unwrap()["transactionId"].clone();
    let plugged = at("plugged", "started").await;
    assert_eq!(plugged["id"], authorized["id"], "the start goes on with it");
    assert_eq!((&plugged["at"], &plugged["trigger"]), (&authorized["at"], &json!("authorize")));
    let session = client.get("/v1/sessions").await.body["items"][0].clone();
    for (field, value) in [("session_id", "id"), ("session_number", "number"), ("started_at", "started_at")] {
        assert_eq!(plugged[field], session[value], "{field}");
    }
    assert_eq!(plugged["charge_point_id"], json!(business.estate.charge_point));
    told(&mut stream, "plugged").await;
    station.status(1, "Charging").await.unwrap();
    at("charging", "charging").await;
    told(&mut stream, "charging").await;
    station.status(1, "SuspendedEV").await.unwrap();
    at("suspended", "suspended_ev").await;
    station.status(1, "SuspendedEVSE").await.unwrap();
    at("suspended", "suspended_evse").await;
    world.clock.advance(TimeDelta::minutes(30));
    let stop = json!({ "transactionId": transaction, "meterStop": 12_000, "timestamp": world.app.now().to_ocpp() });
    station.call("StopTransaction", stop).await.unwrap();
    let ended = at("ended", "finished").await;
    assert!(ended["ended_at"].is_string() && ended.get("cdr_id").is_none(), "{ended}");
    settle(&world).await;
    let billed = at("billed", "billed").await;
    let cdr = client.get("/v1/cdrs").await.body["items"][0].clone();
    assert_eq!((&billed["cdr_id"], &billed["energy_wh"]), (&cdr["id"], &json!("11000.000000")));
    let path = format!("/v1/authorizations/{}", billed["id"].as_str().unwrap());
    assert_eq!(client.get(&path).await.body, billed);
    told(&mut stream, "billed").await;

    // Nobody else's, and by default nothing that is older than a day.
    let stranger = world.client(world.partner("Theirs", "cpo").await, Permission::ALL);
    assert_eq!(stranger.get(&path).await.status, 404);
    assert!(items(&stranger, "").await.is_empty());
    world.clock.advance(TimeDelta::hours(25));
    assert!(items(client, "").await.is_empty());
    let (from, to) = (world.app.now() - TimeDelta::hours(30), world.app.now() - TimeDelta::hours(24));
    assert_eq!(items(client, &format!("from={from}")).await.len(), 1);
    assert_eq!(items(client, &format!("to={to}")).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_source_and_each_filter() {
    let world = World::new().await;
    let business = open(&world, "CP1").await;
    let client = &business.client;
    let emp = world.partner("Fahrstrom", "emp").await;
    let provider = world.client(emp, Permission::ALL);
    provider.create("/v1/tokens", json!({ "kind": "rfid", "uid": "EE01", "status": "active" })).await;
    roam(client, &business.estate.station).await;
    agree(client, &provider, emp, json!({})).await;
    let station = Simulator::connect(&world.gateway(), "CP1", &business.password).await.unwrap();
    charge(&world, &station, "04A2B3C4", json!({})).await;
    world.clock.advance(TimeDelta::minutes(1));
    charge(&world, &station, "EE01", json!({})).await;
    station.call("Authorize", json!({ "idTag": "NOBODY" })).await.unwrap();
    // A remote start, and the station that asks back before it begins.
    world.clock.advance(TimeDelta::minutes(1));
    let order = json!({ "type": "remote_start", "token_uid": "04A2B3C4", "connector": 1 });
    let commands = format!("/v1/stations/{}/commands", business.estate.station);
    let ordered = client.send(client.request("POST", &commands).header("prefer", "wait=10").json(&order)).await;
    assert_eq!(ordered.body["state"], "accepted", "{}", ordered.body);
    station.call("Authorize", json!({ "idTag": "04A2B3C4" })).await.unwrap();
    let begun = world.app.now().to_ocpp();
    let start = json!({ "connectorId": 1, "idTag": "04A2B3C4", "meterStart": 12_000, "timestamp": begun });
    station.call("StartTransaction", start).await.unwrap();

    assert_eq!(items(client, "").await.len(), 4);
    for (query, many) in [
        ("source=local_rfid", 2),
        ("source=emarketplace", 1),
        ("source=remote", 1),
        ("decision=invalid", 1),
        ("reason=token_unknown", 1),
        ("progress=refused", 1),
        ("progress=ended", 2),
        ("status=started", 1),
        ("country=de", 4),
        ("country=FR", 0),
        ("town=berlin", 4),
        ("town=101", 4),
        ("town=Bonn", 0),
        ("street=HAUPT", 4),
        ("street=Neben", 0),
        (&format!("partner_id={emp}"), 1),
        (&format!("charge_point_id={}", business.estate.charge_point), 4),
        (&format!("location_id={}", business.estate.location), 4),
    ] {
        assert_eq!(items(client, query).await.len(), many, "{query}");
    }
    assert_eq!(client.get("/v1/authorizations?progress=soon").await.status, 422);
    // The provider sees its drivers', and how far they have come.
    let theirs = items(&provider, "").await;
    assert_eq!(
        (theirs.len(), &theirs[0]["source"], &theirs[0]["progress"]),
        (1, &json!("emarketplace"), &json!("ended"))
    );
    settle(&world).await;
    let bill = items(&provider, "").await[0]["cdr_id"].clone();
    let cdr = provider.get(&format!("/v1/cdrs/{}", bill.as_str().unwrap())).await.body;
    assert_eq!(cdr["buyer_id"], json!(emp), "its own leg: {cdr}");
    // Page by page, and whole as CSV.
    let first = client.get("/v1/authorizations?limit=3").await.body;
    let rest = items(client, &format!("cursor={}", first["next_cursor"].as_str().unwrap())).await;
    assert_eq!((first["items"].as_array().unwrap().len(), rest.len()), (3, 1));
    let csv = client.send(client.request("GET", "/v1/authorizations?limit=1").header("accept", "text/csv")).await;
    assert_eq!(csv.body.as_str().unwrap().lines().count(), 5, "{}", csv.body);
}

/// Plans hold whatever the number of rows: pages are read from an index that ends with the id.
#[tokio::test(flavor = "multi_thread")]
async fn pages_go_by_index() {
    let world = World::new().await;
    let business = open(&world, "CP1").await;
    let (owner, location, station) = (
        world.texts("select operator_id::text as value from (select partner_id as operator_id from station) s").await,
        &business.estate.location,
        &business.estate.station,
    );
    let owner: uuid::Uuid = owner[0].parse().unwrap();
    world
        .sql(&format!(
            "insert into authorization_attempt (id, at, operator_id, location_id, station_id, id_tag, trigger, decision, reason, \
               source) \
             select (left(stromtor_first_id(now() - make_interval(secs => n))::text, 24) || lpad(to_hex(n), 12, '0'))::uuid, \
               now() - make_interval(secs => n), case when n % 50 = 0 then '{owner}'::uuid else gen_random_uuid() end, \
               '{location}', case when n % 500 = 0 then '{station}'::uuid else gen_random_uuid() end, 'AA', 'authorize', \
               'accepted', 'token_valid', 'local_rfid' from generate_series(1, 100000) n; \
             analyze authorization_attempt"
        ))
        .await;
    let actor = Actor {
        kind: ActorKind::User,
        id: uuid::Uuid::from_u128(0x51),
        name: "test".into(),
        partner_id: PartnerId(owner),
        platform: false,
        permissions: [Permission::AccessRead].into_iter().collect(),
        locations: None,
        ip: None,
        request_id: None,
    };
    let day = Some(world.app.now() - TimeDelta::hours(24));
    let mut text = String::new();
    for (name, platform, filter) in [
        ("of an operator", false, AuthorizationFilter { from: day, ..Default::default() }),
        ("of the platform", true, AuthorizationFilter { from: day, ..Default::default() }),
        (
            "of one station",
            true,
            AuthorizationFilter { station_id: Some(station.parse().unwrap()), ..Default::default() },
        ),
    ] {
        let partner_id = if platform { world.platform } else { actor.partner_id };
        let actor = Actor { platform, partner_id, ..actor.clone() };
        let mut tx = world.app.begin(&actor, Permission::AccessRead).await.unwrap();
        let plan = authorization::plan(&mut tx, &filter, &PageRequest::default()).await.unwrap();
        tx.commit().await.unwrap();
        // How the rows are found; not what is then looked up beside them, nor in which words a version of PostgreSQL says it.
        let scans = plan.iter().map(|line| line.trim().trim_start_matches("->").trim());
        let scans =
            scans.filter(|line| line.contains("authorization_attempt") && line.contains(" on ") || *line == "Sort");
        text += &format!("{name}\n{}\n", scans.map(|line| format!("  {line}\n")).collect::<String>());
    }
    assert_eq!(text.trim(), include_str!("plans.txt").trim());
}
