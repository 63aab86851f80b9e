//! What is special about the URLs that stations are given: the secret in them stays out of the log, whatever a station
//! appends to them is no part of them, and files are larger than other bodies.

use poem::{Request, http::Uri};

use crate::config::Config;

/// Where the URLs begin.
pub const PREFIX: &str = "/transfer/";
/// 32 bytes in base64 (`Secrets::random_token`).
const TOKEN_LENGTH: usize = 43;
/// What a form has around its file.
const FORM: usize = 64 * 1024;

/// What a station appended to its URL: the file's name.
#[derive(Debug, Clone)]
pub struct Appended(pub String);

/// Cuts off what stations append to the URL; returns the path as it may be logged.
pub fn prepare(request: &mut Request) -> String {
    let path = request.uri().path();
    let Some(rest) = path.strip_prefix(PREFIX) else { return path.to_owned() };
    // Some append the name with a slash, some without.
    let cut = rest.find('/').unwrap_or(rest.len()).min(TOKEN_LENGTH);
    let Some((token, appended)) = rest.split_at_checked(cut) else { return format!("{PREFIX}***") };
    let name = appended.trim_matches('/').to_owned();
    let short = format!("{PREFIX}{token}").parse::<Uri>();
    if let Ok(short) = short {
        *request.uri_mut() = short;
    }
    if !name.is_empty() {
        request.extensions_mut().insert(Appended(name));
    }
    format!("{PREFIX}***")
}

/// The largest body of a request.
#[must_use]
pub fn body_limit(config: &Config, path: &str) -> usize {
    let image = path.starts_with("/v1/firmware-images/") && path.ends_with("/content");
    if image || path.starts_with(PREFIX) {
        usize::try_from(config.files.max_upload_bytes).unwrap_or(usize::MAX).saturating_add(FORM)
    } else if path == "/v1/tokens/import" {
        64 << 20
    } else {
        config.server.body_limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_appended_is_cut_off() {
        let token = "x".repeat(TOKEN_LENGTH);
        for (path, name) in [
            (format!("/transfer/{token}"), None),
            (format!("/transfer/{token}/log.zip"), Some("log.zip")),
            (format!("/transfer/{token}//a/log.zip"), Some("a/log.zip")),
            (format!("/transfer/{token}log.zip"), Some("log.zip")),
        ] {
            let mut request = Request::builder().uri(path.parse().unwrap()).finish();
            assert_eq!(prepare(&mut request), "/transfer/***");
            assert_eq!(request.uri().path(), format!("/transfer/{token}"));
            assert_eq!(request.extensions().get::<Appended>().map(|Appended(name)| name.as_str()), name);
        }
        let mut other = Request::builder().uri("/v1/me".parse().unwrap()).finish();
        assert_eq!(prepare(&mut other), "/v1/me");
    }
}
