//! PATCH: fields that are given replace what is there; `last_updated` must be one of them (OCPI 2.2.1 section 4.1.1).

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use crate::values::DateTime;

/// Why a PATCH cannot be done: status 2001.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// There is no `last_updated`, or it is none.
    #[error("last_updated is missing")]
    LastUpdatedMissing,
    /// The body is no object.
    #[error("the body is no object")]
    NotAnObject,
    /// What would come of it is not valid.
    #[error("{0}")]
    Invalid(String),
}

/// The object with the patch on top of it; nothing where the patch is older than what is there.
pub fn merge<T: Serialize + DeserializeOwned>(
    current: &T,
    last_updated: DateTime,
    patch: &Map<String, Value>,
) -> Result<Option<T>, MergeError> {
    let given = patch.get("last_updated").and_then(Value::as_str).and_then(|text| DateTime::parse(text).ok());
    if given.ok_or(MergeError::LastUpdatedMissing)? < last_updated {
        return Ok(None);
    }
    let invalid = |error: serde_json::Error| MergeError::Invalid(error.to_string());
    let mut object = serde_json::to_value(current).map_err(invalid)?;
    let fields = object.as_object_mut().ok_or(MergeError::NotAnObject)?;
    for (name, value) in patch {
        if value.is_null() {
            fields.remove(name);
        } else {
            fields.insert(name.clone(), value.clone());
        }
    }
    serde_json::from_value(object).map(Some).map_err(invalid)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::v221::wire::tokens::Token;

    #[test]
    fn a_patch_changes_what_it_names() {
        let token: Token = serde_json::from_value(json!({ "country_code": "DE", "party_id": "EMP", "uid": "04A2", "type": "RFID",
            "contract_id": "DE8EMPC12345678", "issuer": "Fahrstrom", "valid": true, "whitelist": "ALLOWED", "group_id": "G",
            "last_updated": "2026-11-23T12:00:00Z" }))
        .unwrap();
        let patch = |value: Value| merge(&token, token.last_updated, value.as_object().unwrap());
        assert_eq!(patch(json!({ "valid": false })), Err(MergeError::LastUpdatedMissing));
        assert_eq!(patch(json!({ "valid": false, "last_updated": "2026-11-23T11:59:59Z" })), Ok(None));
        let changed =
            patch(json!({ "valid": false, "group_id": null, "x": 1, "last_updated": "2026-11-23T12:00:01Z" }));
        let changed = changed.unwrap().unwrap();
        assert_eq!((changed.valid, changed.group_id, changed.issuer), (false, None, token.issuer.clone()));
        let wrong = patch(json!({ "valid": "no", "last_updated": "2026-11-23T12:00:01Z" }));
        assert!(matches!(wrong, Err(MergeError::Invalid(_))));
    }
}
