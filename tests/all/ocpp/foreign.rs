//! A station that we did not write: PyPI `ocpp`, which holds every frame against the specification's JSON schemas.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

use crate::{billing::cdr::open, world::World};

/// A Python with the packages that `tests/stations/requirements.txt` names, made once.
pub async fn python() -> PathBuf {
    static READY: tokio::sync::OnceCell<PathBuf> = tokio::sync::OnceCell::const_new();
    let ready = READY.get_or_init(async || {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let requirements = root.join("stations/requirements.txt");
        let venv = root.join("../target/tests-venv");
        let mark = venv.join("requirements.txt");
        let wanted = std::fs::read_to_string(&requirements).unwrap();
        if std::fs::read_to_string(&mark).ok().as_ref() != Some(&wanted) {
            let run = async |program: PathBuf, arguments: &[&str]| {
                let output = Command::new(&program).args(arguments).output().await.unwrap();
                let said = String::from_utf8_lossy(&output.stderr).into_owned();
                assert!(output.status.success(), "{program:?} {arguments:?}: {said}");
            };
            run("python3".into(), &["-m", "venv", venv.to_str().unwrap()]).await;
            run(venv.join("bin/pip"), &["install", "-q", "-r", requirements.to_str().unwrap()]).await;
            std::fs::write(&mark, wanted).unwrap();
        }
        venv.join("bin/python")
    });
    ready.await.clone()
}

struct Foreign {
    lines: Lines<BufReader<ChildStdout>>,
    _process: Child,
}

impl Foreign {
    async fn connect(url: &str, identity: &str, password: &str) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("stations/station.py");
        let mut process = Command::new(python().await)
            .arg(script)
            .args([url, identity, password])
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { lines, _process: process }
    }

    /// The next thing it saw, which must be this.
    async fn saw(&mut self, what: &str) -> Value {
        let line = tokio::time::timeout(std::time::Duration::from_secs(30), self.lines.next_line()).await;
        let line: Value = serde_json::from_str(&line.unwrap().unwrap().expect("the station says more")).unwrap();
        assert_eq!(line["saw"], what, "{line}");
        line
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_station_charges_and_takes_every_command() {
    let world = World::new().await;
    let business = open(&world, "CP1").await;
    let client = &business.client;
    let mut station = Foreign::connect(&world.gateway(), "CP1", &business.password).await;
    assert_eq!(station.saw("booted").await["status"], "Accepted");
    assert_eq!(station.saw("authorized").await["status"], "Accepted");
    assert_eq!(station.saw("authorized").await["status"], "Invalid");
    assert_eq!(station.saw("transferred").await["status"], "UnknownVendorId");
    station.saw("ready").await;

    let commands = format!("/v1/stations/{}/commands", business.estate.station);
    let give = async |body: Value| {
        let request = client.request("POST", &commands).header("prefer", "wait=20").json(&body);
        let reply = client.send(request).await;
        assert_eq!(reply.status, 202, "{}", reply.body);
        let path = reply.header("location").unwrap();
        assert_eq!(client.get(path).await.body, reply.body);
        reply.body
    };
    let started = give(json!({ "type": "remote_start", "token_uid": "04A2B3C4", "connector": 1 })).await;
    assert_eq!(started["state"], "accepted");
    assert_eq!(station.saw("started").await["status"], "Accepted");
    station.saw("metered").await;
    let session = client.get("/v1/sessions?state=active").await.body["items"][0].clone();
    assert_eq!((&session["auth_source"], &session["energy_wh"]), (&json!("remote"), &json!("500.000000")));

    for (body, state) in [
        (json!({ "type": "reset", "kind": "soft" }), "rejected"),
        (json!({ "type": "unlock_connector", "connector": 1 }), "accepted"),
        (json!({ "type": "change_availability", "connector": 0, "operative": false }), "accepted"),
        (json!({ "type": "clear_cache" }), "accepted"),
        (json!({ "type": "trigger_message", "message": "status", "connector": 1 }), "rejected"),
        (json!({ "type": "data_transfer", "vendor_id": "org.example", "data": "ping" }), "accepted"),
    ] {
        let done = give(body.clone()).await;
        assert_eq!(done["state"], state, "{body} {done}");
        assert!(done["response"].is_object() && done["sent_at"].is_string() && done["finished_at"].is_string());
    }
    // Secrets reach the station and nobody else.
    let secret = give(json!({ "type": "set_parameter", "name": "AuthorizationKey", "value": "correct-horse" })).await;
    assert_eq!((&secret["state"], &secret["payload"]["value"]), (&json!("accepted"), &json!("***")));
    assert_eq!(station.saw("change").await["value"], "correct-horse");
    let configuration = give(json!({ "type": "get_parameters", "names": ["AuthorizationKey"] })).await;
    assert_eq!(configuration["response"]["configurationKey"][0]["value"], "***");
    let everything = "select coalesce(string_agg(t::text, ''), '') as value from (select payload::text, secret_payload::text, \
        response::text from command union all select before::text, after::text, null from audit_entry \
        union all select payload, null, null from ocpp_message) t";
    let text = world.texts(everything).await.concat();
    assert!(!text.contains("correct-horse") && !text.contains("hunter2"), "a secret was kept");

    // Any call, for technicians; one that the station does not know fails with its own words.
    let call = json!({ "action": "GetLocalListVersion", "payload": {} });
    let calls = format!("/v1/stations/{}/ocpp-calls", business.estate.station);
    let failed = client.send(client.request("POST", &calls).header("prefer", "wait=20").json(&call)).await.body;
    assert_eq!(failed["state"], "failed", "{failed}");
    assert!(failed["error"].as_str().unwrap().starts_with("NotImplemented"));

    let stopped = give(json!({ "type": "remote_stop", "session_id": session["id"] })).await;
    assert_eq!(stopped["state"], "accepted");
    assert_eq!(station.saw("stopped").await["transaction"], session["ocpp_transaction_id"]);
    crate::billing::cdr::settle(&world).await;
    let cdr = client.get("/v1/cdrs").await.body["items"][0].clone();
    assert_eq!((&cdr["energy_kwh"], &cdr["state"]), (&json!("1.000000"), &json!("final")), "{cdr}");
    let gone = client
        .send(client.request("POST", &commands).json(&json!({ "type": "remote_stop", "session_id": session["id"] })));
    assert_eq!(gone.await.pointers(), ["/session_id"]);
    let listed = client.get("/v1/commands?state=rejected&kind=reset").await.body["items"].clone();
    assert_eq!(listed.as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_waits_for_its_station_and_then_no_longer() {
    let world = World::new().await;
    let business = open(&world, "CP1").await;
    let client = &business.client;
    let url = world.gateway();
    let commands = format!("/v1/stations/{}/commands", business.estate.station);
    let body = json!({ "type": "clear_cache" });
    let queued = client.post(&commands, &body).await.body;
    assert_eq!(queued["state"], "queued");
    let station = stromtor_ocpp::sim::Simulator::connect(&url, "CP1", &business.password).await.unwrap();
    let path = format!("/v1/commands/{}", queued["id"].as_str().unwrap());
    super::door::eventually(client, &path, "state", json!("accepted")).await;
    station.close().await;
    let live = format!("/v1/stations/{}/live", business.estate.station);
    super::door::eventually(client, &live, "connected", json!(false)).await;
    let late = client.post(&format!("{commands}?expires_in_s=5"), &body).await.body;
    world.clock.advance(chrono::TimeDelta::seconds(6));
    let path = format!("/v1/commands/{}", late["id"].as_str().unwrap());
    super::door::eventually(client, &path, "state", json!("timed_out")).await;
    for (request, pointer) in [
        (client.request("POST", &format!("{commands}?expires_in_s=0")).json(&body), "expires_in_s"),
        (client.request("POST", &commands).json(&json!({ "type": "unlock_connector", "connector": 0 })), "/connector"),
        (client.request("POST", &commands).header("prefer", "wait=600").json(&body), "Prefer"),
    ] {
        let refused = client.send(request).await;
        assert_eq!((refused.status, refused.pointers()), (422, vec![pointer]), "{}", refused.body);
    }
    let unknown = client.post(&commands, json!({ "type": "dance" })).await;
    assert_eq!(unknown.status, 422, "{}", unknown.body);
    client.post(&format!("/v1/stations/{}/dismantle", business.estate.station), json!(null)).await;
    assert_eq!(client.post(&commands, &body).await.code(), "station_dismantled");
}
