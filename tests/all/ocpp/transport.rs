//! The transport, RPC and robustness checks of a tool that we did not write, npm `ocpp-ws-cli`, against the built program.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tokio::process::Command;

use crate::process::{
    crash::log_in,
    server::{Server, folder},
};

/// The tool as `tests/transport/package-lock.json` pins it, installed once.
async fn tool() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (ours, place) = (root.join("transport"), root.join("../target/tests-transport"));
    let mark = place.join("installed");
    let wanted = std::fs::read_to_string(ours.join("package-lock.json")).unwrap();
    if std::fs::read_to_string(&mark).ok().as_ref() != Some(&wanted) {
        std::fs::create_dir_all(&place).unwrap();
        for file in ["package.json", "package-lock.json"] {
            std::fs::copy(ours.join(file), place.join(file)).unwrap();
        }
        let install = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
        let output = Command::new("npm").args(install).current_dir(&place).output().await.expect("npm");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        std::fs::write(&mark, wanted).unwrap();
    }
    place.join("node_modules/.bin/ocpp-ws-cli")
}

/// Every check as one station of this version: its name and what it found wrong.
async fn checks(tool: &Path, url: &str, identity: &str, protocol: &str) -> Vec<(String, Option<String>)> {
    let reports = tempfile::tempdir().unwrap();
    let output = Command::new(tool)
        .args(["test", "-e", url, "-i", identity, "-p", protocol, "--suite", "all", "--report", "json", "--report-dir"])
        .arg(reports.path())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let report = std::fs::read_dir(reports.path()).unwrap().next().unwrap_or_else(|| panic!("no report: {said}"));
    let report: Value = serde_json::from_slice(&std::fs::read(report.unwrap().path()).unwrap()).unwrap();
    let results = report["testResults"].as_array().unwrap().iter();
    let result = |result: &Value| {
        let wrong = (result["passed"] != true).then(|| result["issue"].as_str().unwrap_or("no reason").to_owned());
        (result["name"].as_str().unwrap().to_owned(), wrong)
    };
    results.map(result).collect()
}

/// What it calls wrong and is not, by the specification or for the sake of real stations. The README says why.
const DISPUTED: [&str; 4] = [
    // OCPP-J 1.6 section 3.2: the handshake is completed without the header, and the connection closed at once.
    "Server requires subprotocol",
    // No limit is specified; ours is `ocpp.max_frame_bytes`, 256 KiB.
    "Server rejects oversized frames (>128KB)",
    // Real stations send numbers and leave an empty payload out. The answer carries the id as a string.
    "Server enforces MessageId is a string",
    "Server rejects missing payload in CALL",
];
/// It does not know that OCPP 1.6 spells `FormatViolation` otherwise: `FormationViolation`.
const DISPUTED_IN_1_6: &str = "Server rejects non-object payload in CALL";

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_tool_s_checks() {
    let tool = tool().await;
    let folder = folder();
    let server = Server::start(folder.path()).await;
    let client = log_in(&server, &server.password.clone().unwrap()).await;
    let cpo = client.create("/v1/partners", json!({ "name": "Nordstrom", "kind": "cpo" })).await;
    let place = format!("/v1/locations?partner_id={}", cpo["id"].as_str().unwrap());
    let site = client.create(&place, crate::network::location::body("Here")).await;
    for identity in ["CP16", "CP201"] {
        // The tool has no password.
        let station = json!({ "location_id": site["id"], "ocpp_identity": identity, "installation_status": "commissioned",
            "security_profile": 0,
            "ocpp_settings": { "password_required": false, "accept_without_protocol": false, "ping": true } });
        client.create("/v1/stations", station).await;
    }
    let (old, new) = tokio::join!(
        checks(&tool, &server.stations, "CP16", "ocpp1.6"),
        checks(&tool, &server.stations, "CP201", "ocpp2.0.1")
    );
    for (version, results) in [("1.6", old), ("2.0.1", new)] {
        assert_eq!(results.len(), 21, "{version}: {results:#?}");
        for (name, wrong) in results {
            let disputed = DISPUTED.contains(&name.as_str()) || (version == "1.6" && name == DISPUTED_IN_1_6);
            assert_eq!(wrong.is_some(), disputed, "{version}: {name}: {wrong:?}");
        }
    }
    // It leaves a healthy server: nothing failed inside, and nobody is connected any more.
    let connected = async || server.metric("stromtor_ocpp_connections").await;
    for _ in 0..100 {
        if connected().await == 0.0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!((connected().await, server.metric("stromtor_ingest_failed_total").await), (0.0, 0.0));
    server.stop().await;
}
