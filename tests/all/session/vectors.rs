//! Real signed records, whose licence keeps them out of the project: the `ocmf` crate's corpus with OpenSSL's verdicts, in a
//! folder named by the environment variable `OCMF_VECTORS`. Without it there is nothing to run.

use stromtor_domain::{
    billing::cdr::HeldReason,
    session::{
        finding::Findings,
        signed::{SignedRecord, prove},
    },
};

#[test]
fn verdicts_are_the_oracle_s() {
    let Some(folder) = std::env::var_os("OCMF_VECTORS") else { return };
    let file = std::path::Path::new(&folder).join("records.json");
    let records: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let (mut agreed, mut disputed) = (0, Vec::new());
    for entry in records["entries"].as_array().unwrap() {
        let (Some(text), Some(key)) = (entry["record"].as_str(), entry["key"].as_str()) else { continue };
        let Some(valid) = entry["openssl_verified"].as_bool() else { continue };
        let one = [SignedRecord { context: String::new(), data: text.to_owned() }];
        let refused = prove(&one, None, Some(key), None, &mut Findings::default()).err();
        // A single record may be no whole session; what matters here is whether signature or key is the reason.
        let mismatch = refused.as_ref().is_some_and(|(reason, text)| {
            *reason == HeldReason::SignatureFailed && (text.contains("signature") || text.contains("key is on"))
        });
        if mismatch == valid { disputed.push((entry["source"].clone(), refused)) } else { agreed += 1 }
    }
    assert!(agreed > 200 && disputed.is_empty(), "{agreed} agreed, disputed: {disputed:#?}");
}
