//! Which pages may connect: the defence against cross-site WebSocket hijacking (RFC 6455 §10.2).

use super::server::{Request, Response};
use super::uri::{parse_port, split_authority};
use alloc::{string::String, vec::Vec};

/// Which `Origin` a server accepts. Browsers send the header and let no page forge it; other clients can say what they
/// like (RFC 6455 §10.1).
///
/// ```
/// use ws_proto::handshake::{OriginPolicy, server::Request};
///
/// fn admit(request: &Request) -> Result<(), ws_proto::handshake::server::Response> {
///     OriginPolicy::new().same_origin().allow("https://app.example.com").check(request)
/// }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OriginPolicy {
    same_origin: bool,
    without_origin: bool,
    allowed: Vec<String>,
}

impl OriginPolicy {
    /// A policy that refuses everything.
    pub const fn new() -> Self {
        Self { same_origin: false, without_origin: false, allowed: Vec::new() }
    }

    /// Accepts pages from the host and port that the request is for.
    #[must_use]
    pub const fn same_origin(mut self) -> Self {
        self.same_origin = true;
        self
    }

    /// Accepts requests without an `Origin`, which do not come from a browser's page.
    #[must_use]
    pub const fn without_origin(mut self) -> Self {
        self.without_origin = true;
        self
    }

    /// Accepts pages from this origin, such as `https://example.com` or `http://localhost:8080`. Scheme and host compare
    /// without regard to case, and a port that is the scheme's default is as good as none.
    #[must_use]
    pub fn allow(mut self, origin: &str) -> Self {
        self.allowed.push(origin.into());
        self
    }

    /// Whether the request's `Origin` is accepted.
    ///
    /// # Errors
    /// The answer to send otherwise: 403 (RFC 6455 §10.2).
    pub fn check(&self, request: &Request) -> Result<(), Response> {
        if self.accepts(request.origin(), request.host()) { Ok(()) } else { Err(Response::forbidden()) }
    }

    fn accepts(&self, origin: Option<&[u8]>, host: &str) -> bool {
        let Some(origin) = origin else { return self.without_origin };
        let Some(origin) = core::str::from_utf8(origin).ok().and_then(Origin::parse) else { return false };
        let same = || self.same_origin && Origin::with_scheme_of(&origin, host).is_some_and(|own| own.matches(&origin));
        let listed = || self.allowed.iter().filter_map(|allowed| Origin::parse(allowed)).any(|a| a.matches(&origin));
        same() || listed()
    }
}

/// Scheme, host and port (RFC 6454 §4).
struct Origin<'a> {
    scheme: &'a str,
    host: &'a str,
    port: Option<u16>,
}

impl<'a> Origin<'a> {
    /// `null`, the origin of what has none, is not one.
    fn parse(origin: &'a str) -> Option<Self> {
        let (scheme, authority) = origin.split_once("://")?;
        Self::new(scheme, authority)
    }

    fn with_scheme_of(other: &Origin<'a>, authority: &'a str) -> Option<Self> {
        Self::new(other.scheme, authority)
    }

    fn new(scheme: &'a str, authority: &'a str) -> Option<Self> {
        let (host, port) = split_authority(authority)?;
        let port = match port {
            Some(port) if !port.is_empty() => Some(parse_port(port)?),
            _ if scheme.eq_ignore_ascii_case("http") => Some(80),
            _ if scheme.eq_ignore_ascii_case("https") => Some(443),
            _ => None,
        };
        Some(Self { scheme, host, port })
    }

    fn matches(&self, other: &Self) -> bool {
        self.scheme.eq_ignore_ascii_case(other.scheme)
            && self.host.eq_ignore_ascii_case(other.host)
            && self.port == other.port
    }
}
