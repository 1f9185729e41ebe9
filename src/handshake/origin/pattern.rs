//! What is allowed: one origin, or those of all subdomains.

use super::invalid::OriginFlaw;
use super::serialized::{Origin, default_port, is_http, is_same_host, split_host};
use crate::handshake::uri::{is_scheme, parse_port};
use alloc::string::String;
use core::net::Ipv4Addr;

/// An origin that is allowed; one with subdomains stands for all of them, and not for itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    scheme: String,
    host: String,
    port: Option<u16>,
    subdomains: bool,
}

impl Pattern {
    pub(super) fn parse(origin: &str) -> Result<Self, OriginFlaw> {
        let (scheme, authority) = origin.split_once("://").ok_or(OriginFlaw::Scheme)?;
        Self::new(scheme, authority)
    }

    /// The pattern, if an `Origin` can match it.
    pub(super) fn new(scheme: &str, authority: &str) -> Result<Self, OriginFlaw> {
        if !is_scheme(scheme) {
            return Err(OriginFlaw::Scheme);
        }
        if scheme.eq_ignore_ascii_case("ws") || scheme.eq_ignore_ascii_case("wss") {
            return Err(OriginFlaw::WebSocketScheme);
        }
        if authority.contains(['/', '?', '#', '\\']) {
            return Err(OriginFlaw::Path);
        }
        if authority.contains('@') {
            return Err(OriginFlaw::UserInfo);
        }
        if !authority.is_ascii() {
            return Err(OriginFlaw::NotAscii);
        }
        let (authority, subdomains) = match authority.strip_prefix("*.") {
            Some(domain) => (domain, true),
            None => (authority, false),
        };
        if authority.contains('*') {
            return Err(OriginFlaw::Wildcard);
        }
        let (host, port) = split_host(scheme, authority).ok_or(OriginFlaw::Host)?;
        if subdomains && is_address(host) {
            return Err(OriginFlaw::Wildcard);
        }
        // Other schemes have hosts of their own making, which browsers pass on as they are.
        if (is_http(scheme) || subdomains) && !is_as_browsers_write(host) {
            return Err(OriginFlaw::Host);
        }
        let port = match port {
            Some(port) if !port.is_empty() => Some(parse_port(port).ok_or(OriginFlaw::Port)?),
            _ => default_port(scheme),
        };
        Ok(Self { scheme: scheme.to_ascii_lowercase(), host: host.to_ascii_lowercase(), port, subdomains })
    }

    pub(super) fn matches(&self, origin: &Origin<'_>) -> bool {
        self.scheme.eq_ignore_ascii_case(origin.scheme) && self.port == origin.port && self.matches_host(origin.host)
    }

    fn matches_host(&self, host: &str) -> bool {
        if !self.subdomains {
            return is_same_host(&self.host, host);
        }
        let split = host.len().checked_sub(self.host.len()).and_then(|start| host.split_at_checked(start));
        let Some((front, domain)) = split else { return false };
        let is_label = |label: &str| {
            !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        };
        // The dot makes the border of a label: `evilexample.com` is no subdomain of `example.com`.
        domain.eq_ignore_ascii_case(&self.host)
            && front.strip_suffix('.').is_some_and(|labels| labels.split('.').all(is_label))
    }
}

/// Whether a well-formed host is an address to a browser: one whose last label is a number is (WHATWG URL, host parsing).
fn is_address(host: &str) -> bool {
    let last = host.rsplit('.').next().unwrap_or_default();
    let hexadecimal = last.strip_prefix("0x").or_else(|| last.strip_prefix("0X"));
    let is_number = !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit());
    host.starts_with('[')
        || is_number
        || hexadecimal.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Whether this is how a browser serializes a host of http: decoded, without empty labels, an IPv4 address in four
/// decimal numbers. That IPv6 addresses have several forms does not matter: they compare by value.
fn is_as_browsers_write(host: &str) -> bool {
    host.starts_with('[')
        || !host.contains('%')
            && host.split('.').all(|label| !label.is_empty())
            && (!is_address(host) || host.parse::<Ipv4Addr>().is_ok())
}
