//! Certificates and passwords over OCPP, for 1.6 (security whitepaper ed. 2) and 2.0.1 (blocks A and M): what stations ask,
//! what they are told, and what they answer. Pure both ways. Versions are named as sub-protocols, `ocpp1.6` or `ocpp2.0.1`.

use serde_json::{Value, json};
use stromtor_domain::network::certificate::{
    CertificateHash, CertificateUse, CsrReport, MAX_PEM, StationCertificateType,
};

use crate::{
    read::{Reader, Wrong},
    v16::pnc,
};

/// OCPP 1.6's sub-protocol.
pub const V16: &str = "ocpp1.6";

/// SignCertificate: 1.6 whitepaper section 5.17, 2.0.1 section 1.58. Without a type it is the station's own.
pub fn sign_certificate(payload: &Value, quirks: &mut crate::read::Quirks) -> Result<CsrReport, Wrong> {
    let mut reader = Reader::new(payload, quirks)?;
    reader.known(&["csr", "certificateType"]);
    let csr = reader.required_text("csr", MAX_PEM)?;
    let certificate_type = match reader.text("certificateType", 50)?.as_deref() {
        Some("V2GCertificate") => CertificateUse::V2g,
        _ => CertificateUse::ChargingStation,
    };
    Ok(CsrReport { csr, certificate_type })
}

/// The answer to SignCertificate: whether a certificate may come.
#[must_use]
pub fn sign_certificate_answer(accepted: bool) -> Value {
    json!({ "status": if accepted { "Accepted" } else { "Rejected" } })
}

/// A call with its action.
pub type Worded = (&'static str, Value);

/// A call of OCPP 2.0.1, wrapped for OCPP 1.6.
fn v2g(version: &str, action: &'static str, payload: Value) -> Worded {
    if version == V16 { pnc::wrap(action, &payload) } else { (action, payload) }
}

/// CertificateSigned: brings a certificate with its chain.
#[must_use]
pub fn certificate_signed(version: &str, chain: &str, of: CertificateUse) -> Worded {
    let action = "CertificateSigned";
    match of {
        CertificateUse::ChargingStation if version == V16 => (action, json!({ "certificateChain": chain })),
        CertificateUse::ChargingStation => {
            (action, json!({ "certificateChain": chain, "certificateType": "ChargingStationCertificate" }))
        }
        CertificateUse::V2g => {
            v2g(version, action, json!({ "certificateChain": chain, "certificateType": "V2GCertificate" }))
        }
    }
}

/// A type's word in a version.
const fn type_word(version_16: bool, kind: StationCertificateType) -> &'static str {
    match kind {
        StationCertificateType::CentralSystemRoot if version_16 => "CentralSystemRootCertificate",
        StationCertificateType::CentralSystemRoot => "CSMSRootCertificate",
        StationCertificateType::ManufacturerRoot => "ManufacturerRootCertificate",
        StationCertificateType::V2gRoot => "V2GRootCertificate",
        StationCertificateType::MoRoot => "MORootCertificate",
        StationCertificateType::V2gChain => "V2GCertificateChain",
    }
}

/// Whether a type has to do with cars: OCPP 1.6 speaks of it inside DataTransfer alone.
const fn is_v2g(kind: StationCertificateType) -> bool {
    !matches!(kind, StationCertificateType::CentralSystemRoot | StationCertificateType::ManufacturerRoot)
}

fn type_of(word: &str) -> Option<StationCertificateType> {
    match word {
        "CentralSystemRootCertificate" | "CSMSRootCertificate" => Some(StationCertificateType::CentralSystemRoot),
        "ManufacturerRootCertificate" => Some(StationCertificateType::ManufacturerRoot),
        "V2GRootCertificate" => Some(StationCertificateType::V2gRoot),
        "MORootCertificate" => Some(StationCertificateType::MoRoot),
        "V2GCertificateChain" => Some(StationCertificateType::V2gChain),
        _ => None,
    }
}

/// InstallCertificate; none where the station does not know the type: in OCPP 1.6 those of cars need one that knows Plug &
/// Charge (`pnc`). A chain is the station's own and not installed so.
#[must_use]
pub fn install_certificate(version: &str, pnc: bool, kind: StationCertificateType, pem: &str) -> Option<Worded> {
    let (action, v16) = ("InstallCertificate", version == V16);
    let payload = json!({ "certificateType": type_word(v16, kind), "certificate": pem });
    match kind {
        StationCertificateType::V2gChain => None,
        kind if is_v2g(kind) => (pnc || !v16).then(|| v2g(version, action, payload)),
        _ => Some((action, payload)),
    }
}

/// GetInstalledCertificateIds: 1.6 names one type each time, and those of cars to a station that knows Plug & Charge; 2.0.1
/// gives all at once.
#[must_use]
pub fn installed_certificate_ids(version: &str, pnc: bool) -> Vec<Worded> {
    let action = "GetInstalledCertificateIds";
    if version != V16 {
        return vec![(action, json!({}))];
    }
    let (of_cars, own): (Vec<StationCertificateType>, Vec<StationCertificateType>) =
        StationCertificateType::ALL.iter().copied().partition(|kind| is_v2g(*kind));
    let word = |kind: StationCertificateType| type_word(true, kind);
    let mut calls: Vec<Worded> =
        own.into_iter().map(|kind| (action, json!({ "certificateType": word(kind) }))).collect();
    if pnc {
        let words: Vec<&str> = of_cars.into_iter().map(word).collect();
        calls.push(v2g(version, action, json!({ "certificateType": words })));
    }
    calls
}

/// DeleteCertificate.
#[must_use]
pub fn delete_certificate(version: &str, kind: StationCertificateType, hash: &CertificateHash) -> Worded {
    let payload = json!({ "certificateHashData": {
        "hashAlgorithm": hash.hash_algorithm,
        "issuerNameHash": hash.issuer_name_hash,
        "issuerKeyHash": hash.issuer_key_hash,
        "serialNumber": hash.serial_number,
    } });
    let action = "DeleteCertificate";
    if is_v2g(kind) { v2g(version, action, payload) } else { (action, payload) }
}

/// The certificate that a DeleteCertificate named, when by the answer the station does not hold it any more.
#[must_use]
pub fn deleted(asked: &Value, answer: &Value) -> Option<CertificateHash> {
    let (asked, answer) = pnc::unwrap(asked, answer);
    let gone = matches!(answer["status"].as_str(), Some("Accepted" | "NotFound"));
    hash(asked.get("certificateHashData").filter(|_| gone)?)
}

fn hash(value: &Value) -> Option<CertificateHash> {
    let text = |name: &str| value.get(name).and_then(Value::as_str).map(ToOwned::to_owned);
    Some(CertificateHash {
        hash_algorithm: text("hashAlgorithm")?,
        issuer_name_hash: text("issuerNameHash")?,
        issuer_key_hash: text("issuerKeyHash")?,
        serial_number: text("serialNumber")?,
    })
}

/// What a station holds, by its answer to GetInstalledCertificateIds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// The types it was asked for; all when none was named.
    pub asked: Option<Vec<StationCertificateType>>,
    /// What it holds of them. Entries that cannot be understood are left out.
    pub held: Vec<(StationCertificateType, CertificateHash)>,
}

/// Reads the answer to GetInstalledCertificateIds; the 1.6 one says the type in the question alone. `NotFound` means that it
/// holds none. None when the answer says nothing.
#[must_use]
pub fn installed(asked: &Value, answer: &Value) -> Option<Installed> {
    let (asked, answer) = &pnc::unwrap(asked, answer);
    let status = answer.get("status").and_then(Value::as_str)?;
    if !matches!(status, "Accepted" | "NotFound") {
        return None;
    }
    let words: Vec<&str> = match asked.get("certificateType") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(words)) => words.iter().filter_map(Value::as_str).collect(),
        Some(word) => word.as_str().into_iter().collect(),
    };
    let kinds: Vec<StationCertificateType> = words.into_iter().filter_map(type_of).collect();
    let items = |name: &str| answer.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let mut held = Vec::new();
    for item in items("certificateHashDataChain") {
        let kind = item.get("certificateType").and_then(Value::as_str).and_then(type_of);
        held.extend(kind.zip(item.get("certificateHashData").and_then(hash)));
    }
    for item in items("certificateHashData") {
        held.extend(kinds.first().copied().zip(hash(&item)));
    }
    // PostgreSQL changes a row once per statement.
    let mut seen = std::collections::HashSet::new();
    held.retain(|entry| seen.insert(entry.clone()));
    Some(Installed { asked: (!kinds.is_empty()).then_some(kinds), held })
}

/// The call that gives a station a new password: 1.6 takes the bytes in hexadecimal (at most 40 digits), 2.0.1 the text.
#[must_use]
pub fn set_password(version: &str, password: &str) -> (&'static str, Value) {
    if version == V16 {
        let value = hex::encode(password.as_bytes());
        return ("ChangeConfiguration", json!({ "key": "AuthorizationKey", "value": value }));
    }
    let data = json!({
        "attributeValue": password,
        "component": { "name": "SecurityCtrlr" },
        "variable": { "name": "BasicAuthPassword" },
    });
    ("SetVariables", json!({ "setVariableData": [data] }))
}

/// Whether the answer to [`set_password`] says that the station took it.
#[must_use]
pub fn password_taken(answer: &Value) -> bool {
    let status = match answer.get("setVariableResult").and_then(Value::as_array) {
        Some(results) => results.first().and_then(|result| result.get("attributeStatus")),
        None => answer.get("status"),
    };
    matches!(status.and_then(Value::as_str), Some("Accepted" | "RebootRequired"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(serial: &str) -> Value {
        json!({ "hashAlgorithm": "SHA256", "issuerNameHash": "ab", "issuerKeyHash": "cd", "serialNumber": serial })
    }

    #[test]
    fn types_have_the_words_of_their_version() {
        use StationCertificateType::*;
        for (kind, v16) in StationCertificateType::ALL.iter().flat_map(|kind| [(*kind, true), (*kind, false)]) {
            assert_eq!(type_of(type_word(v16, kind)), Some(kind));
        }
        assert_eq!(type_word(true, CentralSystemRoot), "CentralSystemRootCertificate");
        assert_eq!(type_word(false, CentralSystemRoot), "CSMSRootCertificate");
        assert_eq!(install_certificate("ocpp2.0.1", false, V2gChain, "x"), None);
        assert_eq!(installed_certificate_ids("ocpp2.0.1", false), [("GetInstalledCertificateIds", json!({}))]);
        let payload = json!({ "certificateChain": "x", "certificateType": "V2GCertificate" });
        let signed = certificate_signed("ocpp2.0.1", "x", CertificateUse::V2g);
        assert_eq!(signed, ("CertificateSigned", payload.clone()));
        assert_eq!(certificate_signed(V16, "x", CertificateUse::V2g), pnc::wrap("CertificateSigned", &payload));
    }

    #[test]
    fn in_1_6_certificates_of_cars_are_spoken_of_with_stations_that_know_how() {
        use StationCertificateType::*;
        assert_eq!(install_certificate(V16, false, MoRoot, "x"), None);
        assert_eq!(install_certificate(V16, true, MoRoot, "x").unwrap().0, "DataTransfer");
        assert_eq!(install_certificate(V16, true, CentralSystemRoot, "x").unwrap().0, "InstallCertificate");
        assert_eq!(installed_certificate_ids(V16, false).len(), 2);
        let calls = installed_certificate_ids(V16, true);
        assert_eq!(calls.len(), 3);
        let held = json!({ "status": "Accepted", "certificateHashDataChain":
            [{ "certificateType": "MORootCertificate", "certificateHashData": entry("1") }] });
        let read = installed(&calls[2].1, &pnc::answer(&held)).unwrap();
        assert_eq!((read.asked.unwrap().len(), read.held[0].0), (3, MoRoot));
        let (action, asked) = delete_certificate(V16, MoRoot, &read.held[0].1);
        assert_eq!(action, "DataTransfer");
        assert_eq!(deleted(&asked, &pnc::answer(&json!({ "status": "Failed" }))), None);
        assert_eq!(deleted(&asked, &pnc::answer(&json!({ "status": "NotFound" }))), Some(read.held[0].1.clone()));
    }

    #[test]
    fn what_is_held_is_read_in_both_versions() {
        let asked = json!({ "certificateType": "ManufacturerRootCertificate" });
        let answer = json!({ "status": "Accepted", "certificateHashData": [entry("1"), entry("2"), entry("1"), {}] });
        let read = installed(&asked, &answer).unwrap();
        assert_eq!(read.asked, Some(vec![StationCertificateType::ManufacturerRoot]));
        assert_eq!(read.held.len(), 2);
        let (_, asked) = delete_certificate(V16, StationCertificateType::ManufacturerRoot, &read.held[0].1);
        assert_eq!(deleted(&asked, &json!({ "status": "Accepted" })), Some(read.held[0].1.clone()));
        let chain = json!([{ "certificateType": "V2GCertificateChain", "certificateHashData": entry("3"),
            "childCertificateHashData": [entry("4")] }]);
        let answer = json!({ "status": "Accepted", "certificateHashDataChain": chain });
        let read = installed(&json!({}), &answer).unwrap();
        assert_eq!((read.asked, read.held[0].0), (None, StationCertificateType::V2gChain));
        assert_eq!(installed(&json!({}), &json!({ "status": "NotFound" })).unwrap().held, []);
        assert_eq!(installed(&json!({}), &json!({})), None);
    }

    #[test]
    fn a_password_goes_as_the_version_wants_it() {
        let (action, payload) = set_password(V16, "abcdefghijklmnopqrst");
        assert_eq!((action, payload["value"].as_str().unwrap().len()), ("ChangeConfiguration", 40));
        assert!(password_taken(&json!({ "status": "RebootRequired" })));
        assert!(!password_taken(&json!({ "status": "NotSupported" })));
        let (_, payload) = set_password("ocpp2.0.1", "abcdefghijklmnopqrst");
        assert_eq!(payload["setVariableData"][0]["attributeValue"], "abcdefghijklmnopqrst");
        let mut masked = payload;
        assert!(crate::mask::mask(&mut masked) && !masked.to_string().contains("abcdef"));
        assert!(!password_taken(&json!({ "setVariableResult": [{ "attributeStatus": "Rejected" }] })));
        assert!(password_taken(&json!({ "setVariableResult": [{ "attributeStatus": "Accepted" }] })));
    }
}
