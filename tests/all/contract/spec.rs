//! The committed OpenAPI document is what the code says, and keeps our rules.

#[test]
fn committed_document_is_what_the_code_says() {
    let committed = std::fs::read_to_string(stromtor_openapi::COMMITTED).unwrap();
    assert!(
        committed == stromtor_openapi::generate(),
        "openapi/stromtor.json is stale: run `cargo run -p stromtor-openapi -- generate` and review its diff"
    );
}

#[test]
fn document_keeps_our_rules() {
    let document = serde_json::from_str(&std::fs::read_to_string(stromtor_openapi::COMMITTED).unwrap()).unwrap();
    assert_eq!(stromtor_openapi::lint::lint(&document), Vec::<String>::new());
}
