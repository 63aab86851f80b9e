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
    // A copy of every row, with other ids; they follow from the number, so that each finds its own.
    let id = |of: &str| format!("md5({of}.id::text || i)::uuid");
    let statements = [
        format!(
            "insert into station select (jsonb_populate_record(s, jsonb_build_object('id', {}, 'ocpp_identity', 'B' || i))).* \
             from station s, generate_series(2, {stations}) i",
            id("s")
        ),
        format!(
            "insert into charge_point select (jsonb_populate_record(c, jsonb_build_object('id', {}, 'station_id', \
               md5(c.station_id::text || i)::uuid, 'code', c.code || '-' || i))).* \
             from charge_point c, generate_series(2, {stations}) i",
            id("c")
        ),
        format!(
            "insert into connector select (jsonb_populate_record(k, jsonb_build_object('id', {}, 'station_id', \
               md5(k.station_id::text || i)::uuid, 'charge_point_id', md5(k.charge_point_id::text || i)::uuid))).* \
             from connector k, generate_series(2, {stations}) i",
            id("k")
        ),
        format!(
            "insert into token select (jsonb_populate_record(t, jsonb_build_object('id', {}, 'uid', 'BENCH' || i, \
               'uid_normalised', 'BENCH' || i))).* \
             from token t, generate_series(2, {cards}) i where t.uid = 'CARD0'",
            id("t")
        ),
    ];
    for statement in statements {
        conn.batch_execute(&statement).await.expect("a larger estate");
    }
    for table in ["station", "charge_point", "connector", "token"] {
        conn.batch_execute(&format!("vacuum analyze {table}")).await.expect("statistics");
    }
    let points = number(&mut conn, "select count(*) as number from charge_point").await;
    let cards = number(&mut conn, "select count(*) as number from token").await;
    println!("{points} charge points, {cards} tokens");
    (servers, api, conn, guard)
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
