//! Error codes are stable: the list here is what clients may rely on, and every code in the sources is in it.

use std::{collections::BTreeSet, fs, path::Path};

/// Every conflict code and what it means. Entries are never removed or renamed.
const CONFLICTS: &[&str] = include!("conflict_codes.in");

#[test]
fn every_conflict_code_is_listed_and_used() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut used = BTreeSet::new();
    for room in ["domain/src", "persistence/src", "api/src", "integrations/ocpp/src"] {
        collect(&root.join(room), &mut used);
    }
    let listed: BTreeSet<String> = CONFLICTS.iter().map(ToString::to_string).collect();
    assert_eq!(used, listed);
}

fn collect(folder: &Path, used: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, used);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text: String = fs::read_to_string(&path).unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
            for rest in text.split("conflict(").skip(1) {
                if let Some(code) = rest.trim_start().strip_prefix('"').and_then(|rest| rest.split('"').next()) {
                    used.insert(code.to_owned());
                }
            }
        }
    }
}
