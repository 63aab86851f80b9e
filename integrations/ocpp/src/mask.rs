//! Keeps secrets out of log, commands and audit.

use std::{borrow::Cow, sync::LazyLock};

use aho_corasick::AhoCorasick;
use serde_json::Value;

/// What stands in a secret's place.
pub const MASK: &str = "***";

/// Configuration keys whose values are secrets, in lower case.
const SECRET_KEYS: [&str; 4] = ["authorizationkey", "basicauthpassword", "password", "pin"];

/// Whether a configuration key holds a secret: the standard ones, and vendors' own that say so.
#[must_use]
pub fn is_secret_key(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    SECRET_KEYS.contains(&key.as_str())
        || ["password", "passwd", "secret", "authorizationkey", "apikey", "api_key"]
            .iter()
            .any(|word| key.contains(word))
        || key.ends_with("pin")
}

/// Masks in place; whether anything was masked. Looks for `{"key": <secret key>, "value": …}`, as in ChangeConfiguration
/// and GetConfiguration, and for fields with such names, as in vendors' messages.
pub fn mask(value: &mut Value) -> bool {
    match value {
        Value::Array(items) => items.iter_mut().fold(false, |masked, item| mask(item) | masked),
        Value::Object(map) => {
            let mut masked = false;
            let names_secret = map.get("key").and_then(Value::as_str).is_some_and(is_secret_key);
            let open = |value: &Value| !value.is_null() && value != MASK;
            if names_secret && map.get("value").is_some_and(open) {
                map.insert("value".into(), MASK.into());
                masked = true;
            }
            // OCPP 2.x: `{"attributeValue": …, "variable": {"name": <secret>}}`, as in SetVariables and GetVariables.
            let variable = map.get("variable").and_then(|variable| variable.get("name")).and_then(Value::as_str);
            if variable.is_some_and(is_secret_key) && map.get("attributeValue").is_some_and(open) {
                map.insert("attributeValue".into(), MASK.into());
                masked = true;
            }
            for (name, field) in map.iter_mut() {
                if let Some(masked_url) = field.as_str().and_then(mask_url) {
                    *field = masked_url.into();
                    masked = true;
                } else if (field.is_string() || field.is_number())
                    && name != "key"
                    && is_secret_key(name)
                    && field != MASK
                {
                    *field = MASK.into();
                    masked = true;
                } else if let Some(inner) = field.as_str().filter(|text| text.starts_with('{')) {
                    // DataTransfer carries JSON as text.
                    if let Ok(mut inner) = serde_json::from_str::<Value>(inner)
                        && mask(&mut inner)
                    {
                        *field = inner.to_string().into();
                        masked = true;
                    }
                } else {
                    masked |= mask(field);
                }
            }
            masked
        }
        _ => false,
    }
}

/// A URL without the password or the transfer token in it; `None` when there is neither.
///
/// What stands behind `/transfer/` is the right to upload or download one file.
fn mask_url(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once("://")?;
    if scheme.len() > 10 || !scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let secret_user = authority.rsplit_once('@').and_then(|(who, host)| Some((who.split_once(':')?.0, host)));
    let secret_path = path.split_once("/transfer/").filter(|(_, token)| !token.is_empty() && *token != MASK);
    if secret_user.is_none_or(|_| authority.contains(":***@")) && secret_path.is_none() {
        return None;
    }
    let authority = secret_user.map_or_else(|| authority.to_owned(), |(user, host)| format!("{user}:{MASK}@{host}"));
    let path = secret_path.map_or_else(|| path.to_owned(), |(before, _)| format!("{before}/transfer/{MASK}"));
    Some(format!("{scheme}://{authority}{path}"))
}

/// Words without which a frame holds no secret. A backslash may hide one.
static TRACES: LazyLock<AhoCorasick> = LazyLock::new(|| words(&["key", "passw", "secret", "pin", "://", "\\"]));
/// Words of what cannot be searched and is not kept therefore.
static TELLING: LazyLock<AhoCorasick> =
    LazyLock::new(|| words(&["authorizationkey", "password", "secret", "/transfer/", "\\/transfer\\/"]));

fn words(words: &[&str]) -> AhoCorasick {
    AhoCorasick::builder().ascii_case_insensitive(true).build(words).expect("a few words")
}

/// A frame's text with its secrets masked; unchanged texts are not rewritten, so that the log shows the wire.
#[must_use]
pub fn mask_text(text: &str) -> Cow<'_, str> {
    // Most frames hold none of these words and are not parsed again.
    if !TRACES.is_match(text) {
        return text.into();
    }
    match serde_json::from_str::<Value>(text) {
        Ok(mut value) => {
            if mask(&mut value) {
                value.to_string().into()
            } else {
                text.into()
            }
        }
        Err(_) if TELLING.is_match(text) => MASK.into(),
        Err(_) => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_do_not_reach_the_log() {
        for text in [
            r#"[2,"1","ChangeConfiguration",{"key":"AuthorizationKey","value":"0011"}]"#,
            r#"[3,"1",{"configurationKey":[{"key":"AuthorizationKey","readonly":false,"value":"0011"}]}]"#,
            r#"[2,"1","DataTransfer",{"vendorId":"x","data":"{\"wifiPassword\":\"0011\"}"}]"#,
            r#"[2,"1","ChangeConfiguration",{"value":"0011","key":"AuthorizationKey"}"#,
            r#"[2,"1","GetDiagnostics",{"location":"ftp://user:0011@files.example.com/logs"}]"#,
            r#"[2,"1","GetLog",{"log":{"remoteLocation":"https://example.com/x/transfer/0011/log.zip"}}]"#,
            r#"[2,"1","GetLog",{"log":{"remoteLocation":"https://example.com/x/transfer/0011"#,
            r#"[2,"1","GetLog",{"log":{"remoteLocation":"https:\/\/example.com\/x\/transfer\/0011"}}]"#,
            r#"[2,"1","GetLog",{"log":{"remoteLocation":"https:\/\/example.com\/x\/transfer\/0011"#,
            r#"[2,"1","DataTransfer",{"vendorId":"x","data":{"\u0070in":"0011","pin":70011}}]"#,
        ] {
            assert!(!mask_text(text).contains("0011"), "{text}");
        }
        let harmless = r#"[2, "1","ChangeConfiguration",{"key":"HeartbeatInterval","value":"300"}]"#;
        assert_eq!(mask_text(harmless), harmless);
        let signed = r#"[2,"1","MeterValues",{"publicKey":"abc","value":"OCMF|{}"}]"#;
        assert_eq!(mask_text(signed), signed);
    }
}
