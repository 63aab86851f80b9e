//! The session state machine against a model of it: random reports, repeated, late and out of order.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use proptest::{
    prelude::*,
    strategy::ValueTree as _,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use stromtor_domain::{
    Timestamp,
    actor::Permission,
    session::report::{MeterReport, Presented, Report, Sample, SampleSet, StartReport, StopReport},
};
use stromtor_persistence::ingest::{self, Done, From, Item, Rules};

use crate::world::World;

#[derive(Debug, Clone)]
enum Step {
    /// A car begins at a connector.
    Start { connector: i32 },
    /// The last start is sent again.
    RepeatStart,
    /// A reading at a connector, with or without the transaction's number.
    Reading { connector: i32, numbered: bool },
    /// The session at a connector ends.
    Stop { connector: i32 },
    /// The last stop is sent again.
    RepeatStop,
    /// An end by a number that we never gave.
    StrangeStop { connector: i32 },
}

fn step() -> impl Strategy<Value = Step> {
    let connector = 1..=2_i32;
    prop_oneof![
        4 => connector.clone().prop_map(|connector| Step::Start { connector }),
        2 => Just(Step::RepeatStart),
        4 => (connector.clone(), any::<bool>()).prop_map(|(connector, numbered)| Step::Reading { connector, numbered }),
        4 => connector.clone().prop_map(|connector| Step::Stop { connector }),
        2 => Just(Step::RepeatStop),
        1 => connector.prop_map(|connector| Step::StrangeStop { connector }),
    ]
}

/// What the model knows of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Session {
    connector: i32,
    tag: String,
    running: bool,
    /// The register at its last report.
    register: i64,
    readings: usize,
}

#[derive(Default)]
struct Model {
    sessions: BTreeMap<i32, Session>,
    orphans: usize,
    register: i64,
    last_start: Option<(StartReport, i32)>,
    last_stop: Option<StopReport>,
}

impl Model {
    fn running(&self, connector: i32) -> Option<i32> {
        let mut open = self.sessions.iter().filter(|(_, session)| session.running && session.connector == connector);
        open.next().map(|(number, _)| *number)
    }
}

fn rules() -> Rules {
    Rules {
        clock_tolerance: TimeDelta::minutes(5),
        late_values: TimeDelta::seconds(30),
        missing_stop: TimeDelta::days(1),
        one_session_per_token: false,
    }
}

fn start(connector: i32, tag: String, register: i64, at: Timestamp) -> StartReport {
    StartReport {
        connector,
        id_tag: Some(tag),
        presented: Presented::Local,
        transaction: None,
        start_missing: false,
        meter_start: Some(register.into()),
        at: Some(at),
        at_raw: at.to_string(),
        reservation_id: None,
    }
}

fn stop(number: i64, tag: String, register: i64, at: Timestamp) -> StopReport {
    StopReport {
        transaction_id: number,
        id_tag: Some(tag),
        meter_stop: Some(register.into()),
        at: Some(at),
        at_raw: at.to_string(),
        reason: "Local".into(),
        samples: Vec::new(),
    }
}

async fn take(world: &World, from: From, report: Report) -> Done {
    let mut tx = world.app.db.begin_ingest().await.unwrap();
    let done = ingest::batch(&mut tx, &[Item { from, report }], &rules()).await.unwrap().pop().unwrap();
    tx.commit().await.unwrap();
    done
}

async fn play(world: &World, from: From, steps: &[Step]) {
    let mut model = Model { register: 1000, ..Model::default() };
    for (place, step) in steps.iter().enumerate() {
        world.clock.advance(TimeDelta::seconds(60));
        let now = world.app.now();
        model.register += 100;
        match step {
            Step::Start { connector } => {
                // Each driver is another, so that an end by a strange number has one meaning.
                let report = start(*connector, format!("TAG{place:03}"), model.register, now);
                let Done::Started { transaction_id, .. } = take(world, from, Report::Start(report.clone())).await
                else {
                    panic!("a start gets a number")
                };
                if let Some(forgotten) = model.running(*connector) {
                    model.sessions.get_mut(&forgotten).unwrap().running = false;
                }
                let session = Session {
                    connector: *connector,
                    tag: report.id_tag.clone().unwrap(),
                    running: true,
                    register: model.register,
                    readings: 0,
                };
                assert!(model.sessions.insert(transaction_id, session).is_none(), "numbers are never used again");
                model.last_start = Some((report, transaction_id));
            }
            Step::RepeatStart => {
                let Some((report, number)) = model.last_start.clone() else { continue };
                let Done::Started { transaction_id, .. } = take(world, from, Report::Start(report)).await else {
                    panic!("a start gets a number")
                };
                assert_eq!(transaction_id, number, "a repeated start is the same transaction");
            }
            Step::Reading { connector, numbered } => {
                let number = model.running(*connector);
                let sample = Sample {
                    value: model.register.to_string(),
                    context: "Sample.Periodic".into(),
                    signed: false,
                    measurand: "Energy.Active.Import.Register".into(),
                    phase: None,
                    location: "Outlet".into(),
                    unit: "Wh".into(),
                };
                let report = MeterReport {
                    is_evse: false,
                    connector: *connector,
                    transaction_id: number.filter(|_| *numbered).map(i64::from),
                    samples: vec![SampleSet { at: Some(now), values: vec![sample] }],
                };
                take(world, from, Report::Meter(report)).await;
                if let Some(session) = number.and_then(|number| model.sessions.get_mut(&number)) {
                    session.readings += 1;
                    session.register = model.register;
                }
            }
            Step::Stop { connector } => {
                let Some(number) = model.running(*connector) else { continue };
                let session = model.sessions.get_mut(&number).unwrap();
                let report = stop(number.into(), session.tag.clone(), model.register, now);
                take(world, from, Report::Stop(report.clone())).await;
                (session.running, session.register) = (false, model.register);
                model.last_stop = Some(report);
            }
            Step::RepeatStop => {
                let Some(report) = model.last_stop.clone() else { continue };
                take(world, from, Report::Stop(report)).await;
            }
            Step::StrangeStop { connector } => {
                let running = model.running(*connector);
                let tag =
                    running.map_or_else(|| format!("GHOST{place:03}"), |number| model.sessions[&number].tag.clone());
                let report = stop(-7, tag, model.register, now);
                take(world, from, Report::Stop(report.clone())).await;
                match running.and_then(|number| model.sessions.get_mut(&number)) {
                    Some(session) => (session.running, session.register) = (false, model.register),
                    None => model.orphans += 1,
                }
                model.last_stop = Some(report);
            }
        }
        compare(world, from, &model, step).await;
    }
}

async fn compare(world: &World, from: From, model: &Model, step: &Step) {
    let station = from.station_id;
    let rows = world
        .texts(&format!(
            "select concat_ws('|', ocpp_transaction_id, ocpp_connector_id, id_tag, state = 'active', \
             (meter_start_wh + energy_wh)::bigint, (select count(*) from session_reading r where r.session_id = s.id)) as value \
             from session s where station_id = '{station}' and not orphan order by ocpp_transaction_id"
        ))
        .await;
    let expected: Vec<String> = model
        .sessions
        .iter()
        .map(|(number, session)| {
            let running = if session.running { "t" } else { "f" };
            format!(
                "{number}|{}|{}|{running}|{}|{}",
                session.connector, session.tag, session.register, session.readings
            )
        })
        .collect();
    assert_eq!(rows, expected, "after {step:?}");
    let orphans = format!("select count(*)::text as value from session where station_id = '{station}' and orphan");
    assert_eq!(world.texts(&orphans).await, [model.orphans.to_string()], "after {step:?}");
    let open = format!(
        "select count(*)::text as value from job where kind = 'settle_session' and state = 'pending' \
         and payload->>'session_id' in (select id::text from session where station_id = '{station}' and state = 'ended')"
    );
    let ended = model.sessions.values().filter(|session| !session.running).count() + model.orphans;
    assert_eq!(
        world.texts(&open).await,
        [ended.to_string()],
        "every ended session is to be priced once, after {step:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn behaves_like_its_model() {
    let world = World::new().await;
    let cpo = world.partner("Nordstrom", "cpo").await;
    let client = world.client(cpo, Permission::ALL);
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    for case in 0..12 {
        let estate = crate::network::station::build(&client, &format!("CP{case}")).await;
        let from = From::new(estate.station.parse().unwrap(), cpo, estate.location.parse().unwrap());
        let steps = prop::collection::vec(step(), 25).new_tree(&mut runner).unwrap().current();
        play(&world, from, &steps).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_report_fails_alone_and_is_kept() {
    let world = World::new().await;
    let client = world.client(world.partner("Nordstrom", "cpo").await, Permission::ALL);
    let (_, password) = crate::ocpp::door::station(&client, "CP1").await;
    let station = stromtor_ocpp::sim::Simulator::connect(&world.gateway(), "CP1", &password).await.unwrap();
    // A tag that no index holds.
    let tag: String =
        (0..4000).map(|number: u64| format!("{:x}", number.wrapping_mul(0x9E37_79B9_7F4A_7C15))).collect();
    let at = world.app.now().to_ocpp();
    let start = serde_json::json!({ "connectorId": 1, "idTag": tag, "meterStart": 0, "timestamp": at });
    let answer = station.call("StartTransaction", start).await.unwrap();
    assert!(answer["transactionId"].as_i64().unwrap() > 0, "{answer}");
    let stop =
        serde_json::json!({ "transactionId": answer["transactionId"], "idTag": tag, "meterStop": 9, "timestamp": at });
    assert_eq!(station.call("StopTransaction", stop).await.unwrap(), serde_json::json!({}));
    let kept = client.get("/v1/failed-reports").await.body["items"].clone();
    let reports: Vec<&str> =
        kept.as_array().unwrap().iter().map(|row| row["report"]["report"].as_str().unwrap()).collect();
    assert_eq!(reports, ["stop", "start"], "{kept}");
    assert_eq!(client.get("/v1/sessions").await.body["items"], serde_json::json!([]));
}
