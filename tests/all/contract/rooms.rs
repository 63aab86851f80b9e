//! Which room may import which, and where I/O may be.

use serde_json::Value;

fn direct_dependencies(package: &str) -> Vec<String> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
    let output = std::process::Command::new(cargo)
        .args(["metadata", "--format-version=1", "--no-deps", "--offline", "--manifest-path", root])
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let package = packages.iter().find(|candidate| candidate["name"] == package).unwrap();
    package["dependencies"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|dependency| dependency["kind"].is_null())
        .map(|dependency| dependency["name"].as_str().unwrap().to_owned())
        .collect()
}

fn ours(package: &str) -> Vec<String> {
    let mut rooms: Vec<String> =
        direct_dependencies(package).into_iter().filter(|name| name.starts_with("stromtor-")).collect();
    rooms.sort();
    rooms
}

#[test]
fn imports_point_inwards() {
    assert_eq!(ours("stromtor-schema"), [""; 0]);
    assert_eq!(ours("stromtor-domain"), ["stromtor-schema"]);
    assert_eq!(ours("stromtor-persistence"), ["stromtor-domain", "stromtor-schema"]);
    assert_eq!(ours("stromtor-ocpp"), ["stromtor-domain"]);
    assert_eq!(ours("stromtor-ocpi"), ["stromtor-domain"]);
    assert_eq!(ours("stromtor-api"), ["stromtor-domain", "stromtor-ocpi", "stromtor-ocpp", "stromtor-persistence"]);
}

#[test]
fn domain_can_do_no_io_and_only_persistence_can_query() {
    for forbidden in ["tokio", "diesel-async", "reqwest", "poem", "tokio-tungstenite"] {
        assert!(!direct_dependencies("stromtor-domain").iter().any(|name| name == forbidden), "{forbidden}");
    }
    for room in ["stromtor-ocpp", "stromtor-api", "stromtor-domain", "stromtor-schema"] {
        assert!(!direct_dependencies(room).iter().any(|name| name == "diesel-async"), "{room}");
    }
}
