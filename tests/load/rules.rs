//! The benches of rules: who may charge, what it costs, a tariff for many charge points. No stations take part.

use std::time::Instant;

use diesel_async::{AsyncPgConnection, RunQueryDsl as _, SimpleAsyncConnection as _};
use rust_decimal::Decimal;
use serde_json::json;
use stromtor_api::{app::ingest::rules, config::Config};
use stromtor_domain::{
    Timestamp,
    access::evaluation::EvaluationInput,
    billing::{
        rating::rate,
        usage::{Reading, Usage},
    },
    money::{Kwh, Percent},
    tariff::price::PowerPrice,
};

use stromtor_persistence::{
    access::evaluation::evaluate,
    clock::SystemClock,
    db::{Db, PoolSizes},
    network::charge_point,
};

use crate::{
    Many,
    bench::number,
    estate::{Api, prepare},
    measure::histogram,
    servers::Servers,
};

/// One operator with many charge points, made of one by SQL, and many cards.
async fn world(many: &Many) -> (Servers, Api, AsyncPgConnection, tempfile::TempDir) {
    let guard = tempfile::tempdir().expect("a folder");
    let servers = Servers::start(guard.path(), 1).await;
    let api = prepare(&servers, 1).await;
    let mut conn = servers.owner().await;
    let (stations, cards) = (many.charge_points / 2, many.tokens);
    // Each new station locks its identity until its transaction ends: not too many in one.
    for first in (2..=stations).step_by(2000) {
        let some = (first, (first + 1999).min(stations));
        copy(&mut conn, "station", some, "'ocpp_identity', 'B' || i", "ocpp_identity not like 'B%'").await;
    }
    let point = "'station_id', md5(x.station_id::text || i)::uuid, 'code', x.code || '-' || i";
    copy(&mut conn, "charge_point", (2, stations), point, "true").await;
    let connector =
        "'station_id', md5(x.station_id::text || i)::uuid, 'charge_point_id', md5(x.charge_point_id::text || i)::uuid";
    copy(&mut conn, "connector", (2, stations), connector, "true").await;
    copy(&mut conn, "token", (2, cards), "'uid', 'BENCH' || i", "x.uid = 'CARD0'").await;
    for table in ["station", "charge_point", "connector", "token"] {
        conn.batch_execute(&format!("vacuum analyze {table}")).await.expect("statistics");
    }
    let points = number(&mut conn, "select count(*) as number from charge_point").await;
    let cards = number(&mut conn, "select count(*) as number from token").await;
    println!("{points} charge points, {cards} tokens");
    (servers, api, conn, guard)
}

/// A copy of every row that is meant for each number, with what changes; ids follow from the number, so that each finds its own.
async fn copy(conn: &mut AsyncPgConnection, table: &str, (first, last): (usize, usize), changes: &str, of: &str) {
    #[derive(diesel::QueryableByName)]
    struct Columns {
        #[diesel(sql_type = diesel::sql_types::Text)]
        names: String,
    }
    let columns: Columns = diesel::sql_query(format!(
        "select string_agg(column_name, ', ') as names from information_schema.columns \
         where table_schema = 'public' and table_name = '{table}' and is_generated = 'NEVER'"
    ))
    .get_result(conn)
    .await
    .expect("columns");
    let statement = format!(
        "insert into {table} ({0}) select {0} from (select (jsonb_populate_record(x, jsonb_build_object( \
           'id', md5(x.id::text || i)::uuid, {changes}))).* from {table} x, generate_series({first}, {last}) i where {of}) r",
        columns.names
    );
    conn.batch_execute(&statement).await.expect("a larger estate");
}

/// `load decision`: who would be let in, one after the other, in this process: what is known is asked of PostgreSQL, then the
/// decision is made.
pub async fn decision(many: &Many) {
    let (servers, _api, mut conn, _guard) = world(many).await;
    #[derive(diesel::QueryableByName)]
    struct Id {
        #[diesel(sql_type = diesel::sql_types::Uuid)]
        id: uuid::Uuid,
    }
    let query = "select id from charge_point order by md5(id::text) limit 5000";
    let points: Vec<Id> = diesel::sql_query(query).load(&mut conn).await.expect("charge points");
    let db = Db::new(servers.urls.clone(), PoolSizes::default(), SystemClock::shared()).expect("pools");
    let rules = rules(&Config::load(None).expect("the defaults"));
    let (mut seen, mut done) = (histogram(), 0);
    for round in 0..many.rounds + 1000 {
        let card = round * 7919 % (many.tokens - 1) + 2;
        let mut tx = db.begin_ingest().await.expect("a transaction");
        let point = charge_point::get(&mut tx, points[round % points.len()].id.into()).await.expect("a charge point");
        let input = json!({ "charge_point_id": point.id, "uid": format!("BENCH{card}") });
        let input: EvaluationInput = serde_json::from_value(input).expect("a question");
        let began = Instant::now();
        let tried = evaluate(&mut tx, &point, &input, &rules).await.expect("a decision");
        let micros = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        assert!(tried.decision.accepted(), "{tried:?}");
        done += i32::from(tx.commit().await.is_ok());
        if round >= 1000 {
            seen.record(micros).expect("within range");
        }
    }
    let at = |quantile: f64| seen.value_at_quantile(quantile) as f64 / 1000.0;
    println!("{done} decisions: p50 {:.2} ms, p99 {:.2} ms", at(0.5), at(0.99));
    servers.stop().await;
}

/// `load assignment`: a tariff for every charge point of the operator, checked and confirmed.
pub async fn assignment(many: &Many) {
    let (servers, api, mut conn, _guard) = world(many).await;
    let cpo = api.get("/v1/partners?kind=cpo").await["items"][0]["id"].clone();
    let cpo = cpo.as_str().expect("an operator");
    let prices = json!({ "name": "Night", "code": "NIGHT", "currency": "EUR", "ac": { "per_kwh": "0.39" } });
    let tariff = api.post(&format!("/v1/tariffs?partner_id={cpo}"), prices).await["id"].clone();
    let began = Instant::now();
    let plan = api.post("/v1/tariff-plans", json!({ "tariff_id": tariff, "filter": {} })).await;
    println!("{} charge points checked in {:.2} s", plan["charge_points"], began.elapsed().as_secs_f64());
    let began = Instant::now();
    let path = format!("/v1/tariff-plans/{}/confirm", plan["id"].as_str().expect("an id"));
    let confirmed = api.post(&path, json!(null)).await;
    println!("{} confirmed in {:.2} s", confirmed["charge_points"], began.elapsed().as_secs_f64());
    let assigned = "select count(*) as number from tariff_assignment where plan_id is not null";
    assert_eq!(Some(number(&mut conn, assigned).await), confirmed["charge_points"].as_i64());
    servers.stop().await;
}

/// `load authorizations`: pages of the monitor, of an operator with one in ten thousand of them, and of the platform that sees
/// all. They are spread over 90 days; one in ten of the last three days' has a session.
pub async fn authorizations(rows: usize) {
    let (servers, api, mut conn, _guard) = world(&Many { charge_points: 2000, tokens: 1000, rounds: 0 }).await;
    let place = json!({ "name": "Small", "time_zone": "Europe/Berlin",
        "address": { "street": "Gasse 1", "city": "Bonn", "country": "DE" } });
    let small = api.post("/v1/partners", json!({ "name": "Small", "kind": "cpo" })).await["id"].clone();
    let small = small.as_str().expect("an id");
    let place = api.post(&format!("/v1/locations?partner_id={small}"), place).await["id"].clone();
    let station = json!({ "location_id": place, "ocpp_identity": "SMALL", "installation_status": "commissioned" });
    api.post("/v1/stations", station).await;
    let client = json!({ "name": "Small", "enabled": true, "permissions": ["access:read"] });
    let client = api.post(&format!("/v1/api-clients?partner_id={small}"), client).await;
    let own = api.as_client(&client).await;
    let began = Instant::now();
    let seconds = 90 * 86_400;
    let fill = [
        "create temporary table spot as select row_number() over (order by id) - 1 as n, id, partner_id, location_id \
           from station where ocpp_identity <> 'SMALL'"
            .to_owned(),
        "create index on spot (n)".into(),
        format!(
            "insert into authorization_attempt (id, at, operator_id, location_id, station_id, id_tag, trigger, decision, reason, \
               source) select (left(stromtor_first_id(i.at)::text, 24) || lpad(to_hex(i.n), 12, '0'))::uuid, i.at, s.partner_id, \
               s.location_id, s.id, 'BENCH' || i.n % 1000, 'authorize', case when i.n % 20 = 0 then 'invalid' else 'accepted' end, \
               case when i.n % 20 = 0 then 'token_unknown' else 'token_valid' end, 'local_rfid' \
             from (select n, now() - make_interval(secs => n::float8 * {seconds} / {rows}) as at \
               from generate_series(1, {rows}) n) i \
             join lateral (select * from station x where i.n % 10000 = 1 and x.ocpp_identity = 'SMALL' \
               union all select x.* from station x join spot on spot.id = x.id where i.n % 10000 <> 1 \
                 and spot.n = i.n % (select count(*) from spot)) s on true"
        ),
        "insert into session (id, operator_id, location_id, station_id, ocpp_connector_id, start_key, auth_source, state, \
           started_at, meter_start_wh, energy_wh, authorization_id, created_at, updated_at) \
         select gen_random_uuid(), operator_id, location_id, station_id, 1, id::text, source, \
           case when at > now() - interval '30 minutes' then 'active' else 'settled' end, at, 0, 1000, id, at, at \
         from authorization_attempt where at > now() - interval '3 days' and decision = 'accepted' and right(id::text, 1) < '2'"
            .into(),
        "update authorization_attempt a set session_id = s.id from session s where s.authorization_id = a.id".into(),
        "vacuum analyze authorization_attempt".into(),
        "vacuum analyze session".into(),
    ];
    for statement in fill {
        conn.batch_execute(&statement).await.expect("many authorisations");
    }
    let count = number(&mut conn, "select count(*) as number from authorization_attempt").await;
    println!("{count} authorisations made in {:.0} s", began.elapsed().as_secs_f64());
    let station = api.get("/v1/stations?limit=1").await["items"][0]["id"].clone();
    let month = (SystemClock::shared().now() - chrono::TimeDelta::days(30)).to_string();
    let pages = [
        ("the last day", String::new()),
        ("of a town", "town=berlin".into()),
        ("refused", "progress=refused".into()),
        ("charging", "progress=charging".into()),
        ("of a station", format!("station_id={}", station.as_str().expect("an id"))),
        ("of 30 days", format!("from={month}")),
        ("of 30 days, charging", format!("from={month}&progress=charging")),
        ("of one partner", format!("partner_id={small}")),
    ];
    for (who, api) in [("platform", &api), ("small operator", &own)] {
        for (what, query) in &pages {
            let mut seen = histogram();
            let mut items = 0;
            for round in 0..60 {
                let began = Instant::now();
                let page = api.get(&format!("/v1/authorizations?{query}")).await;
                if round >= 10 {
                    seen.record(u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX)).expect("within range");
                }
                items = page["items"].as_array().map_or(0, Vec::len);
            }
            let at = |quantile: f64| seen.value_at_quantile(quantile) as f64 / 1000.0;
            println!("{who}, {what}: {items} items, p50 {:.1} ms, p99 {:.1} ms", at(0.5), at(0.99));
        }
    }
    servers.stop().await;
}

/// `load rating`: what sessions cost, in this process, on one core.
pub fn rating(many: &Many) {
    let price = json!({ "per_kwh": "0.4900", "per_minute": "0.0200", "from_minute": 60, "session_fee": "0.5000",
        "elements": [{ "restrictions": { "start_time": "22:00", "end_time": "06:00" }, "per_kwh": "0.3900" },
            { "restrictions": { "min_power_kw": "50" }, "per_kwh": "0.5900" }] });
    let price: PowerPrice = serde_json::from_value(price).expect("a price");
    // Numbers without order, the same in every run.
    let mut state = 1_i64;
    let mut random = move |most: i64| {
        state = (state * 48_271) % 2_147_483_647;
        state % most
    };
    let first = Timestamp::parse("2026-10-01T00:00:00Z").expect("a time");
    let sessions: Vec<Usage> = (0..1000)
        .map(|_| {
            // Four hours with a reading a minute.
            let mut wh = 0_i64;
            let course: Vec<Reading> = (1..240)
                .map(|minute| {
                    wh += if minute < 180 { 100 + random(800) } else { 0 };
                    Reading { at_s: minute * 60, energy: Kwh::round(Decimal::new(wh, 3)) }
                })
                .collect();
            Usage {
                started_at: first + chrono::TimeDelta::minutes(random(80_000)),
                zone: chrono_tz::Europe::Berlin,
                duration_s: 240 * 60,
                energy: Kwh::round(Decimal::new(wh, 3)),
                course,
            }
        })
        .collect();
    let vat = Percent::parse("19").expect("a rate");
    let began = Instant::now();
    let mut sum = Decimal::ZERO;
    for round in 0..many.rounds {
        sum += rate(&price, &sessions[round % sessions.len()], vat).total_gross.decimal();
    }
    let took = began.elapsed().as_secs_f64();
    println!(
        "{} CDRs of 240 readings each in {took:.2} s: {:.0}/s; together {sum}",
        many.rounds,
        many.rounds as f64 / took
    );
}
