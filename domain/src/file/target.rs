//! Where a file goes when it does not come to us.

fn parse_target(text: &str) -> Result<String, String> {
    let wrong = || {
        "is not a URL of ftp, ftps, sftp, http or https such as sftp://user:secret@files.example.com/logs".to_owned()
    };
    let (scheme, rest) = text.split_once("://").ok_or_else(wrong)?;
    let known = ["ftp", "ftps", "sftp", "http", "https"].iter().any(|one| scheme.eq_ignore_ascii_case(one));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    if !known || host.is_empty() || text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(wrong());
    }
    Ok(text.to_owned())
}

text! {
    /// URL of ftp, ftps, sftp, http or https; may hold a user and a password. Up to 512 characters (OCPP 2.0.1, LogParametersType).
    UploadTarget { example: "sftp://stations@files.example.com/logs", max: 512, parse: parse_target }
}

impl UploadTarget {
    /// The same without the password, as it may be shown and kept.
    #[must_use]
    pub fn without_password(&self) -> String {
        let text = self.as_str();
        let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        match authority.rsplit_once('@').and_then(|(who, host)| who.split_once(':').map(|(user, _)| (user, host))) {
            Some((user, host)) => format!("{scheme}://{user}:***@{host}{path}"),
            None => text.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_urls_and_passwords_are_not_shown() {
        let shown = |text: &str| UploadTarget::parse(text).unwrap().without_password();
        assert_eq!(shown("ftp://u:p@ss:w@files.example.com/a@b"), "ftp://u:***@files.example.com/a@b");
        assert_eq!(shown("sftp://u@files.example.com"), "sftp://u@files.example.com");
        assert_eq!(shown("https://files.example.com/x?y=a@b:c"), "https://files.example.com/x?y=a@b:c");
        for wrong in ["", "files.example.com", "file:///etc/passwd", "ftp://", "ftp://u:p@/x", "http://a b/"] {
            assert!(UploadTarget::parse(wrong).is_err(), "{wrong}");
        }
    }
}
