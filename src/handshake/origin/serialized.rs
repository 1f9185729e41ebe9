//! An origin as it comes in a request (RFC 6454 §6.2).

use crate::handshake::uri::{is_scheme, parse_port, split_authority};
use core::net::Ipv6Addr;

/// Scheme, host and port (RFC 6454 §4).
#[derive(Clone, Copy)]
pub(super) struct Origin<'a> {
    pub(super) scheme: &'a str,
    pub(super) host: &'a str,
    /// `None` for the default port of a scheme whose default is not known.
    pub(super) port: Option<u16>,
}

impl<'a> Origin<'a> {
    pub(super) fn parse(origin: &'a str) -> Option<Self> {
        let (scheme, authority) = origin.split_once("://")?;
        Self::new(scheme, authority)
    }

    pub(super) fn new(scheme: &'a str, authority: &'a str) -> Option<Self> {
        if !is_scheme(scheme) {
            return None;
        }
        let (host, port) = split_host(scheme, authority)?;
        let port = match port {
            Some(port) if !port.is_empty() => Some(parse_port(port)?),
            _ => default_port(scheme),
        };
        Some(Self { scheme, host, port })
    }

    /// Whether it is that of a page which can have come from the same server.
    pub(super) fn is_of_a_page(&self) -> bool {
        is_http(self.scheme)
    }
}

impl PartialEq for Origin<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.scheme.eq_ignore_ascii_case(other.scheme) && is_same_host(self.host, other.host) && self.port == other.port
    }
}

/// Host and port as they are written, if the host is well-formed.
pub(super) fn split_host<'a>(scheme: &str, authority: &'a str) -> Option<(&'a str, Option<&'a str>)> {
    // RFC 3986 §3.2.2: a host may be empty, which http and https exclude (RFC 9110 §4.2.1).
    if authority.is_empty() && !is_http(scheme) { Some(("", None)) } else { split_authority(authority) }
}

pub(super) fn is_http(scheme: &str) -> bool {
    scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
}

pub(super) fn default_port(scheme: &str) -> Option<u16> {
    if scheme.eq_ignore_ascii_case("http") {
        Some(80)
    } else if scheme.eq_ignore_ascii_case("https") {
        Some(443)
    } else {
        None
    }
}

/// Names compare in any case, and IPv6 addresses by value: they have several forms (RFC 4291 §2.2).
pub(super) fn is_same_host(one: &str, other: &str) -> bool {
    let address = |host: &str| host.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok();
    one.eq_ignore_ascii_case(other) || address(one).is_some_and(|one| address(other) == Some(one))
}
