//! Addresses that others give us: a peer's endpoints, a subscriber's webhook. A server that calls whatever it is told to can be
//! made to call its own neighbours (server-side request forgery), so private addresses are refused: in the URL, and again when
//! its name is resolved, for a name may mean something else the second time.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use reqwest::{
    Url,
    dns::{Addrs, Name, Resolve, Resolving},
};

/// Which addresses may be called.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Addresses {
    /// `http` besides `https`.
    pub allow_http: bool,
    /// Addresses of private networks and of this machine.
    pub allow_private: bool,
}

/// Why an address may not be called.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It is no absolute URL.
    #[error("is not a URL such as https://example.com/ocpi/versions")]
    NotAUrl,
    /// It is neither `https` nor, where that is allowed, `http`.
    #[error("must begin with https://")]
    Scheme,
    /// It has a user name or a password in it.
    #[error("must not carry a user name or password")]
    UserInfo,
    /// It names this machine or a private network.
    #[error("is an address of this machine or of a private network, which is not allowed")]
    Private,
}

/// Endings of names that mean this machine or its network (RFC 6761, RFC 6762, RFC 8375, ICANN's `internal`).
const LOCAL_NAMES: [&str; 6] = ["localhost", "local", "internal", "home.arpa", "localdomain", "lan"];

impl Addresses {
    /// Judges a URL before it is kept or called.
    pub fn check_url(&self, text: &str) -> Result<Url, AddressError> {
        let url = Url::parse(text.trim()).map_err(|_| AddressError::NotAUrl)?;
        if url.scheme() != "https" && !(self.allow_http && url.scheme() == "http") {
            return Err(AddressError::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(AddressError::UserInfo);
        }
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(AddressError::NotAUrl)?;
        let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().ok();
        let name = host.trim_end_matches('.').to_ascii_lowercase();
        let local = LOCAL_NAMES.iter().any(|ending| name == *ending || name.ends_with(&format!(".{ending}")));
        if literal.map_or(local, |address| !is_public(address)) && !self.allow_private {
            return Err(AddressError::Private);
        }
        Ok(url)
    }

    /// A client that calls such addresses alone: each name is resolved once, and what it resolves to is judged and called. It
    /// follows no redirects and uses no proxy.
    pub fn client(self, timeout: Duration) -> reqwest::Result<reqwest::Client> {
        reqwest::Client::builder()
            .dns_resolver(std::sync::Arc::new(Resolver(self)))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .connect_timeout(timeout.min(Duration::from_secs(5)))
            .timeout(timeout)
            .user_agent(concat!("stromtor/", env!("CARGO_PKG_VERSION")))
            .build()
    }
}

struct Resolver(Addresses);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let addresses = self.0;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> =
                found.filter(|address| addresses.allow_private || is_public(address.ip())).collect();
            if allowed.is_empty() {
                return Err(AddressError::Private.into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

/// Whether an address is one of the public internet (IANA's special-purpose registries; RFC 6890).
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match carried(address) {
            Some(inner) => is_public_v4(inner),
            None => is_public_v6(address),
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(a == 0
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || (a == 100 && (64..128).contains(&b))
        || (a, b, c) == (192, 0, 0)
        || (a, b, c) == (192, 88, 99)
        || (a == 198 && (18..20).contains(&b))
        // Multicast, reserved, broadcast.
        || a >= 224)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    // Global unicast is 2000::/3; of that, documentation and the special block of 2001::/23 are not.
    (0x2000..0x4000).contains(&first)
        && (first, second) != (0x2001, 0x0db8)
        && !(first == 0x2001 && second < 0x0200)
        && first != 0x3fff
}

/// The IPv4 address that an IPv6 address carries: mapped, compatible, NAT64, 6to4.
fn carried(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let inner = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match address.segments() {
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] => Some(inner(high, low)),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x64, 0xff9b, 1, _, _, _, high, low] => Some(inner(high, low)),
        [0x2002, high, low, ..] => Some(inner(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_may_be_called() {
        let strict = Addresses::default();
        for text in [
            "https://example.com/ocpi/versions",
            "https://example.com:8443/",
            "https://8.8.8.8/",
            "https://[2606:4700::1]/",
        ] {
            assert!(strict.check_url(text).is_ok(), "{text}");
        }
        for (text, why) in [
            ("example.com", AddressError::NotAUrl),
            ("http://example.com", AddressError::Scheme),
            ("file:///etc/passwd", AddressError::Scheme),
            ("https://user:secret@example.com", AddressError::UserInfo),
            ("https://localhost", AddressError::Private),
            ("https://LOCALHOST./", AddressError::Private),
            ("https://metadata.google.internal/", AddressError::Private),
            ("https://169.254.169.254/latest", AddressError::Private),
            // The same address in other spellings.
            ("https://2852039166/", AddressError::Private),
            ("https://0x7f.1/", AddressError::Private),
            ("https://[::ffff:10.0.0.1]/", AddressError::Private),
            ("https://[64:ff9b::a00:1]/", AddressError::Private),
            ("https://[2002:a00:1::]/", AddressError::Private),
            ("https://[fd00::1]/", AddressError::Private),
            ("https://[::1]/", AddressError::Private),
        ] {
            assert_eq!(strict.check_url(text), Err(why), "{text}");
        }
        let open = Addresses { allow_http: true, allow_private: true };
        assert!(open.check_url("http://127.0.0.1:9000/versions").is_ok());
        assert_eq!(open.check_url("ftp://127.0.0.1"), Err(AddressError::Scheme));
    }

    #[tokio::test]
    async fn a_name_that_means_this_machine_is_not_called() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://localhost:{}/", listener.local_addr().unwrap().port());
        let strict = Addresses { allow_http: true, allow_private: false };
        let refused = strict.client(Duration::from_secs(5)).unwrap().get(&url).send().await.unwrap_err();
        let mut causes: Vec<String> = Vec::new();
        let mut cause: Option<&dyn std::error::Error> = Some(&refused);
        while let Some(error) = cause {
            causes.push(error.to_string());
            cause = error.source();
        }
        assert!(causes.iter().any(|cause| *cause == AddressError::Private.to_string()), "{causes:?}");
    }

    proptest! {
        #[test]
        fn private_ranges_are_not_public(host: u32) {
            for (network, bits) in [
                ("10.0.0.0", 8), ("172.16.0.0", 12), ("192.168.0.0", 16), ("127.0.0.0", 8), ("169.254.0.0", 16),
                ("100.64.0.0", 10), ("0.0.0.0", 8), ("224.0.0.0", 4), ("240.0.0.0", 4), ("198.18.0.0", 15), ("203.0.113.0", 24),
            ] {
                let network: Ipv4Addr = network.parse().unwrap();
                let address = Ipv4Addr::from(u32::from(network) | (host & (u32::MAX >> bits)));
                prop_assert!(!is_public(address.into()), "{address}");
                prop_assert!(!is_public(address.to_ipv6_mapped().into()), "{address}");
            }
        }
    }
}
